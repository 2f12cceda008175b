"""Opening the store for a command: for an engine that carries runs on, a guest that steers, or whoever only looks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import shlex
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from stepwell.cli.absent import require
from stepwell.cli.options import BY_KEY, SHIFTED
from stepwell.cli.screen import clean
from stepwell.cli.telling import Logging
from stepwell.client.hints import with_file
from stepwell.model.errors import InvalidInput, NotFound, StepwellError
from stepwell.model.journal import RunFilter

if TYPE_CHECKING:
    from stepwell.assembly import Stepwell
    from stepwell.client.looker import Looker

ORDINARY = Logging()
_LIKE_AN_ID: Final = re.compile(r"\d[0-9a-f-]{3,}\Z")
"""the beginning of an id that Stepwell gave, as somebody may give it: no name of a signal or a variable looks so"""
T = TypeVar("T")


def with_db(text: str, db: Path) -> str:
    """The commands in a text, so that they work as they stand: with `--db` where this one was called with it."""
    context = click.get_current_context(silent=True)
    source = context.get_parameter_source("db") if context is not None else None
    if source is not click.core.ParameterSource.COMMANDLINE:
        return text
    return with_file(text, str(db))


@contextlib.asynccontextmanager
async def engine(
    db: Path,
    *,
    secrets: Mapping[str, Any] | None = None,
    log_level: int = logging.WARNING,
    logs: Logging = ORDINARY,
    **settings: Any,
) -> AsyncIterator[Stepwell]:
    """An engine in this process; it leaves other open runs alone unless it is told to recover, and queues unless it is
    told to work on them."""
    from stepwell.assembly import Stepwell

    _log_to_stderr(logs.threshold(log_level), logs.format)
    settings["telemetry"] = [*settings.get("telemetry", ()), *logs.telemetry()]
    with _hints(db):
        async with Stepwell.open(
            db, secrets=secrets, **{"recover": False, "works_on": (), **settings}
        ) as opened:
            opened.file = None  # what is said here names the file as it was given: see `with_db`
            yield opened


@contextlib.asynccontextmanager
async def guest(db: Path) -> AsyncIterator[Stepwell]:
    """Looks at runs and steers them, and performs nothing. Raises `StoreUnavailable` where there is none."""
    require(db)
    async with engine(db, guest=True) as opened:
        yield opened


@contextlib.asynccontextmanager
async def looker(db: Path) -> AsyncIterator[Looker]:
    """Looks at runs, and loads no more code than that takes. Raises `StoreUnavailable` where there is none."""
    from stepwell.assembly.looking import look

    require(db)
    _log_to_stderr(logging.WARNING, ORDINARY.format)
    with _hints(db):
        async with look(db) as opened:
            opened.file = None  # what is said here names the file as it was given: see `with_db`
            yield opened


def looked(db: Path, ask: Callable[[Looker], Awaitable[T]]) -> T:
    """The answer to one question of somebody who only looks."""

    async def main() -> T:
        async with looker(db) as stepwell:
            return await ask(stepwell)

    return asyncio.run(main())


@contextlib.contextmanager
def _hints(db: Path) -> Any:
    try:
        yield
    except StepwellError as error:
        error.hint = with_db(error.hint, db)
        raise


def allow_modules(*folders: Path) -> None:
    """Let `call: python` find modules in the current folder and these."""
    for folder in [Path.cwd(), *folders]:
        place = str(folder.absolute())
        if place not in sys.path:
            sys.path.insert(0, place)


async def find_run(stepwell: Stepwell | Looker, given: str) -> str:
    """The id of the run with this id, the only one whose id begins so, or the one with the key after `key=`. Raises
    `NotFound`, `InvalidInput`."""
    if given.startswith(BY_KEY):
        await _refuse_both(stepwell, given)
        return await _with_key(stepwell, given.removeprefix(BY_KEY))
    if await stepwell.engine.store.row(given) is not None:
        return given
    if not given:
        raise _no_run(given)
    page = await stepwell.engine.store.list_runs(RunFilter(id_prefix=given), 4)
    found = [row.id for row in page.rows]
    await _refuse_key(stepwell, given, found)
    if not found:
        return (await stepwell.engine.row(given)).id  # which says where it is, if it was archived
    if len(found) > 1:
        raise InvalidInput(
            f"{given} is the beginning of several run ids: {_first(found)}",
            hint="give more of it; list the runs with: stepwell runs list",
        )
    return found[0]


async def _with_key(stepwell: Stepwell | Looker, key: str) -> str:
    """Of a chain of runs that continue as new, the last."""
    found = await stepwell.engine.store.find_key(key)
    if found is None:
        raise NotFound(
            f"no run was started with the key {key!r}", hint="list the runs with: stepwell runs list"
        )
    return (await stepwell.engine.row(found[0])).id


async def _refuse_key(stepwell: Stepwell | Looker, given: str, begun: Sequence[str]) -> None:
    """Where this is the key of a run. Raises `NotFound` where no id begins so, and `InvalidInput` where those of other
    runs do: which one is meant nobody knows."""
    keyed = await stepwell.engine.store.find_key(given)
    others = [run for run in begun if keyed is None or run != keyed[0]]
    if keyed is None or (begun and not others):
        return
    by_key = _by_key(given)
    if not begun:
        raise NotFound(
            f"there is no run {given}, but run {keyed[0]} was started with this key",
            hint=f"name it by its key: {by_key}",
        )
    raise InvalidInput(
        f"{given} is the key of run {keyed[0]}, and the beginning of another's id: {_first(others)}",
        hint=f"give the whole id of the one, or the key of the other: {by_key}",
    )


async def _refuse_both(stepwell: Stepwell | Looker, by_key: str) -> None:
    """Where RUN was given beside `--key`, it was taken for what comes after RUN. Raises `InvalidInput`."""
    context = click.get_current_context(silent=True)
    given = None if context is None else context.meta.get(SHIFTED)
    if given is None:
        return
    store = stepwell.engine.store
    begun = _LIKE_AN_ID.match(given) and (await store.list_runs(RunFilter(id_prefix=given), 1)).rows
    if begun or await store.row(given) is not None:
        raise InvalidInput(
            f"{given} names a run, and so does --key",
            hint=f"name it by one of them; if {given} is no run here, say {shlex.quote(by_key)} instead of --key",
        )


def _first(runs: Sequence[str]) -> str:
    return f"{', '.join(runs[:3])}{', …' if len(runs) > 3 else ''}"


def _by_key(key: str) -> str:
    context = click.get_current_context(silent=True)
    if context is None or all(option.name != "key" for option in context.command.params):
        return shlex.quote(BY_KEY + key)
    return f"{context.command_path} --key {shlex.quote(key)}"


def _no_run(given: str) -> NotFound:
    return NotFound(f"there is no run {given}", hint="list the runs with: stepwell runs list")


def _formatter(shape: str) -> logging.Formatter:
    if shape == "text":
        return _Short("%(levelname)s %(message)s")
    from stepwell.telemetry.logs import JsonFormatter

    return JsonFormatter()


class _Short(logging.Formatter):
    """A line for each record; tracebacks only when they were asked for."""

    def format(self, record: logging.LogRecord) -> str:
        return clean(super().format(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the name that logging calls
        return super().formatException(ei) if os.environ.get("STEPWELL_DEBUG", "") not in ("", "0") else ""


def _log_to_stderr(level: int, shape: str) -> None:
    log = logging.getLogger("stepwell")
    if not log.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(_formatter(shape))
        log.addHandler(handler)
        log.setLevel(level)
        log.propagate = False
