"""`stepwell serve`: an engine that carries on every open run of a file."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import sys
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from stepwell.cli.options import (
    db_option,
    json_option,
    notify_option,
    path_option,
    read_notifiers,
    read_secrets,
    secrets_option,
    series_option,
)
from stepwell.cli.screen import line
from stepwell.cli.telling import Logging, log_options
from stepwell.client.serving import apps
from stepwell.model.base import MILLISECOND, Duration, Instant
from stepwell.model.driven import DRIVEN
from stepwell.model.errors import StepwellError
from stepwell.model.events import (
    RunCancelled,
    RunCompleted,
    RunFailed,
    RunPaused,
    RunTerminated,
    RunTimedOut,
    StepFailed,
    StepTimedOut,
)
from stepwell.model.journal import RunFilter
from stepwell.model.queues import Standing
from stepwell.model.states import OPEN_RUN

if TYPE_CHECKING:
    from stepwell.assembly import Stepwell
    from stepwell.model.events import Event
    from stepwell.telemetry.watched import Telemetry

log = logging.getLogger("stepwell.serve")

ADOPT_EVERY: Final[Duration] = 1_000 * MILLISECOND
"""How often to look for runs whose engine has gone."""
RETENTION_EVERY: Final[Duration] = 3_600_000 * MILLISECOND
IDLE_EVERY: Final[Duration] = 50 * MILLISECOND

_SELDOM: Final = (20_000, 50, 100)
"""how seldom the process, which is ours, looks for garbage: with many runs under way, Python's own pace is a seventh
of the time"""

TOLD: Final[dict[type[Event], str]] = {
    RunCompleted: "completed",
    RunFailed: "failed",
    RunTimedOut: "timed out",
    RunCancelled: "cancelled",
    RunTerminated: "terminated",
    RunPaused: "paused",
}


@click.command()
@db_option
@click.option("--create", is_flag=True, help="Make the file where there is none, without a question.")
@click.option("--until-idle", is_flag=True, help="Leave when no open run is left that can be carried on.")
@click.option("--retention", is_flag=True, help="Enforce `stepwell retention` now and then every hour.")
@click.option(
    "--queue", "queues", multiple=True, metavar="Q", help="Begin runs of this queue only. May be given again."
)
@secrets_option
@series_option
@notify_option
@path_option
@log_options
@click.option(
    "--metrics-port", type=click.IntRange(0, 65_535), help="Answer Prometheus there (0: any free port)."
)
@click.option("--metrics-host", default="127.0.0.1", show_default=True, help="The address for that.")
@click.option(
    "--otel", is_flag=True, help="Make OpenTelemetry spans with the provider that this process has."
)
@json_option
def command(
    db: Path,
    create: bool,
    until_idle: bool,
    retention: bool,
    secrets_file: Path | None,
    folders: tuple[Path, ...],
    as_json: bool,
    **options: Any,
) -> int:
    """Carry on every open run of the file, also those whose process has gone. Ctrl-C or SIGTERM ends it cleanly.

    What it does is logged to standard error. With --json standard output gets one object when it ends:
    {"taken_up": [run ids], "open": [{"run_id", "status"}]}.

    Example: stepwell serve --until-idle
    """
    from stepwell.cli.opening import allow_modules
    from stepwell.cli.screen import one_result, print_json

    allow_modules(*folders)
    new = not db.exists()
    if new and not create:
        _ask_to_create(db)
    gc.set_threshold(*_SELDOM)
    with one_result(as_json):
        secrets = read_secrets(secrets_file)
        doing = _serve(db, secrets, options, new=new, until_idle=until_idle, retention=retention)
        view = asyncio.run(doing)
    if as_json:
        print_json(view)
    return 0


def _ask_to_create(db: Path) -> None:
    """A mistyped name would otherwise be served for ever. (Where nobody can be asked, the log says what was made.)"""
    if sys.stdin.isatty() and sys.stdout.isatty():
        click.confirm(f"There is no database {line(str(db))}. Make one?", abort=True, err=True)


async def _serve(
    db: Path,
    secrets: dict[str, Any],
    options: dict[str, Any],
    *,
    new: bool,
    until_idle: bool,
    retention: bool,
) -> dict[str, Any]:
    from stepwell.cli.attending import signals
    from stepwell.cli.opening import engine

    logs = Logging(options["log_format"], options["log_level"])
    with signals() as pressed, _telemetry(options) as (telemetry, metrics):
        async with engine(
            db,
            secrets=secrets,
            log_level=logging.INFO,
            logs=logs,
            telemetry=telemetry,
            series_folder=options["series_folder"],
            notifiers=read_notifiers(options["notifiers"]),
            works_on=options["queues"] or None,
            schedules=True,
        ) as stepwell:
            if not logs.events:
                stepwell.on_event(_tell)
            if new:
                log.info("there was no database %s: made one", db)
            log.info("serving %s", db)
            known = sorted(stepwell.engine.codebase.known())
            if known:
                log.info("workflows in Python here: %s", ", ".join(known))
            if metrics:
                log.info("metrics on %s", metrics)
            server = _Server(stepwell)
            tidying = asyncio.ensure_future(_enforce(stepwell, ever=not until_idle)) if retention else None
            work = asyncio.ensure_future(server.serve(until_idle=until_idle))
            stop = asyncio.ensure_future(pressed.get())
            either: set[asyncio.Future[Any]] = {work, stop}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            stop.cancel()
            if work.done():
                work.result()
                if tidying is not None:
                    await tidying
            else:
                log.info("leaving; open runs go on when they are served again")
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)
            if tidying is not None:
                tidying.cancel()
                await asyncio.gather(tidying, return_exceptions=True)
            return await server.view()


@contextlib.contextmanager
def _telemetry(options: dict[str, Any]) -> Iterator[tuple[list[Telemetry], str]]:
    """The observers that were asked for, and where metrics are served until the end."""
    from stepwell.telemetry import Metrics, Tracing

    found: list[Telemetry] = [Tracing()] if options["otel"] else []
    if options["metrics_port"] is None:
        yield found, ""
        return
    metrics = Metrics()
    port, stop = metrics.serve(options["metrics_port"], options["metrics_host"])
    try:
        yield [*found, metrics], f"http://{options['metrics_host']}:{port}/metrics"
    finally:
        stop()


async def _enforce(stepwell: Stepwell, *, ever: bool) -> None:
    """Do what the retention policies say, once or every hour. What goes wrong is logged, and tried again then."""
    clock = stepwell.engine.clock
    while True:
        try:
            view = await stepwell.run_retention()
            receipts = [receipt for policy in view["policies"] for receipt in policy["receipts"]]
            for receipt in [*view["finished"], *receipts]:
                log.info("retention: %d runs removed (%s)", receipt["removed"], receipt["archive_id"][:12])
        except StepwellError as error:
            log.warning("retention: %s", error)
        if not ever:
            return
        await clock.wait_until(clock.now() + RETENTION_EVERY)


def _tell(run_id: str, seq: int, at: Instant, event: Event) -> None:
    words = TOLD.get(type(event))
    if words is not None:
        log.info("run %s %s", run_id, words)
    elif isinstance(event, StepFailed | StepTimedOut):
        why = event.error.detail or event.error.title
        log.warning("run %s step %s failed: %s", run_id, event.step, why)


class _Server:
    """Takes up what nobody carries on, again and again."""

    def __init__(self, stepwell: Stepwell) -> None:
        self._stepwell = stepwell
        self._taken: dict[str, None] = {}
        self._waiting: object = None
        self._some_can_begin = False

    async def serve(self, *, until_idle: bool) -> None:
        clock, every = self._stepwell.engine.clock, IDLE_EVERY if until_idle else ADOPT_EVERY
        adopt_at = clock.now()
        await self._name_missing_code()
        while True:
            idle = until_idle and self._idle()
            if idle or clock.now() >= adopt_at:
                await self._take_up()
                adopt_at = clock.now() + ADOPT_EVERY
            if idle and self._idle() and not await self._queued():
                log.info("no open run is left that can be carried on")
                return
            await clock.wait_until(clock.now() + every)

    async def _name_missing_code(self) -> None:
        """Open runs that this process cannot carry on, because it does not have their code."""
        engine = self._stepwell.engine
        known, missing = engine.codebase.known(), Counter[tuple[str, str]]()
        cursor: str | None = None
        while True:
            page = await engine.store.list_runs(RunFilter(status=[s.value for s in OPEN_RUN]), 500, cursor)
            for row in page.rows:
                if (
                    row.code not in (None, DRIVEN)
                    and f"{row.namespace}/{row.name}:{row.version}" not in known
                ):
                    missing[f"{row.name} {row.version}", row.code or ""] += 1
            cursor = page.next
            if cursor is None:
                break
        for code, count in missing.items():
            (name, ref), said = code, "%d open run(s) of %s wait for code that is not here: serve%s"
            log.warning(said, count, f"{name} ({ref})", apps([ref]))

    async def _take_up(self) -> None:
        """Go on with what is new among the open runs of nobody. One that cannot be read is tried once."""
        engine = self._stepwell.engine
        assert engine.engine_id is not None
        for run_id in await engine.adopt():
            if run_id not in engine.actors and run_id not in engine.quarantined:
                row = await engine.row(run_id)
                log.info("taking up run %s of %s/%s, %s", run_id, row.namespace, row.name, row.status)
                self._taken[run_id] = None
                await engine.recover(run_id)

    def _idle(self) -> bool:
        """Every run that is carried on here waits for a person."""
        from stepwell.client.open_steps import held

        states = {run_id: actor.state for run_id, actor in self._stepwell.engine.actors.items()}
        busy = any(not actor.idle for actor in self._stepwell.engine.actors.values())
        return not busy and all(held(state, states) for state in states.values())

    async def _queued(self) -> bool:
        """Runs wait in queues that this process works on, and it has their code; or they are being begun."""
        queueing = self._stepwell.engine.queueing
        waiting = {
            queue["name"]: (queue["waiting"], queue["delayed"], queue["oldest_waiting"])
            for queue in await self._stepwell.queues()
            if queue["waiting"] + queue["delayed"]
            and not queue["paused"]
            and queueing.works_on(queue["name"])
        }
        if waiting != self._waiting:  # they are many, perhaps: gone through only when something moved
            self._waiting, self._some_can_begin = waiting, await self._can_begin(waiting)
        return bool(queueing.beginning) or self._some_can_begin

    async def _can_begin(self, queues: Collection[str]) -> bool:
        if not queues:
            return False
        engine = self._stepwell.engine
        known = engine.codebase.known()
        return any(
            entry.queue in queues
            and entry.standing in (Standing.WAITING, Standing.DELAYED)
            and (entry.code is None or entry.code in known)
            for entry in await engine.store.queues.entries()
        )

    async def view(self) -> dict[str, Any]:
        actors = self._stepwell.engine.actors
        still_open = [
            {"run_id": id_, "status": actor.state.run.status.value} for id_, actor in actors.items()
        ]
        return {"taken_up": list(self._taken), "open": still_open}
