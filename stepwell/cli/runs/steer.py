"""`stepwell runs pause | resume | cancel | terminate`: as a guest, so the engine that has the run hears of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stepwell.cli.asking import confirm
from stepwell.cli.options import yes_option
from stepwell.cli.runs.common import F, as_guest
from stepwell.cli.runs.many import is_one, runs_arguments, steer_many
from stepwell.cli.screen import print_json, say
from stepwell.cli.selecting import taken
from stepwell.cli.who import asker_option
from stepwell.client.serving import serve
from stepwell.model.errors import InvalidInput

if TYPE_CHECKING:
    from stepwell.assembly import Stepwell


def reason_option(function: F) -> F:
    return click.option("--reason", metavar="TEXT", help="Why; it is kept on record.")(function)


@click.command()
@runs_arguments
@reason_option
@asker_option
@yes_option
def pause(
    runs: tuple[str, ...], db: Path, as_json: bool, reason: str | None, asker: str, yes: bool, **options: Any
) -> int:
    """Start nothing new; the run is `paused` once what is in flight has ended. Several runs, or filters: all of them.

    Example: stepwell runs pause 01936c2e --reason "stock is being counted"
    """
    where = taken(options)
    if not is_one(runs, where):
        return steer_many("pause", runs, where, db, as_json=as_json, yes=yes, asker=asker, reason=reason)
    return _steer(runs[0], db, as_json, lambda stepwell, run_id: stepwell.pause(run_id, reason, by=asker))


@click.command()
@runs_arguments
@click.option(
    "--step", metavar="STEP", help="Only let go the debugger's pause before this step (id, path or name)."
)
@asker_option
@yes_option
def resume(
    runs: tuple[str, ...], db: Path, as_json: bool, step: str | None, asker: str, yes: bool, **options: Any
) -> int:
    """Let a paused run go on, or the steps that a debugger's pause holds. Several runs, or filters: all of them.

    Example: stepwell runs resume 01936c2e --step charge
    """
    where = taken(options)
    if not is_one(runs, where):
        if step is not None:
            raise InvalidInput("--step is a step of one run", hint="name that run, and no other")
        return steer_many("resume", runs, where, db, as_json=as_json, yes=yes, asker=asker)

    async def ask(stepwell: Stepwell, run_id: str) -> Any:
        found = (await stepwell.step(run_id, step))["id"] if step is not None else None
        return await stepwell.resume(run_id, found, by=asker)

    return _steer(runs[0], db, as_json, ask)


@click.command()
@runs_arguments
@reason_option
@asker_option
@yes_option
def cancel(
    runs: tuple[str, ...], db: Path, as_json: bool, reason: str | None, asker: str, yes: bool, **options: Any
) -> int:
    """Stop a run gently: what is in flight is interrupted; the run is `cancelled` once that has stopped.

    Several runs, or filters: all of them, each with its own answer.

    Example: stepwell runs cancel 01936c2e --reason "ordered twice"
    """
    where = taken(options)
    if not is_one(runs, where):
        return steer_many("cancel", runs, where, db, as_json=as_json, yes=yes, asker=asker, reason=reason)
    confirm(f"Cancel run {runs[0]}?", yes=yes, as_json=as_json)
    return _steer(runs[0], db, as_json, lambda stepwell, run_id: stepwell.cancel(run_id, reason, by=asker))


@click.command()
@runs_arguments
@reason_option
@asker_option
@yes_option
def terminate(
    runs: tuple[str, ...], db: Path, as_json: bool, reason: str | None, asker: str, yes: bool, **options: Any
) -> int:
    """Stop a run at once, without waiting for what is in flight. It cannot be retried afterwards.

    Several runs, or filters: all of them, each with its own answer.

    Example: stepwell runs terminate 01936c2e --reason "runaway" --yes
    """
    where = taken(options)
    if not is_one(runs, where):
        return steer_many("terminate", runs, where, db, as_json=as_json, yes=yes, asker=asker, reason=reason)
    confirm(f"Terminate run {runs[0]}? It cannot be retried afterwards.", yes=yes, as_json=as_json)
    return _steer(runs[0], db, as_json, lambda stepwell, run_id: stepwell.terminate(run_id, reason, by=asker))


def _steer(
    run: str, db: Path, as_json: bool, ask: Callable[[Stepwell, str], Awaitable[dict[str, Any]]]
) -> int:
    from stepwell.cli.opening import with_db

    async def main(stepwell: Stepwell, run_id: str) -> tuple[dict[str, Any], str | None]:
        view = await ask(stepwell, run_id)
        view = {**view, "carried_on": await stepwell.engine.store.owner_alive(run_id)}
        return view, (await stepwell.engine.row(run_id)).code

    view, code = as_guest(db, run, main)
    if as_json:
        print_json(view)
        return 0
    say(f"run {view['run_id']} is {view['status']}")
    if view["ended_at"] is None:
        say(with_db(f"  {next_words(view, code)}", db))
    return 0


def next_words(view: dict[str, Any], code: str | None) -> str:
    """What to do after a run was steered that has not ended."""
    if view["carried_on"]:
        return f"follow it with: stepwell runs watch {view['run_id']}"
    if view["status"] == "paused":
        return f"let it go on with: stepwell runs resume {view['run_id']}"
    return f"no engine carries it on now; start one with: {serve(code)}"
