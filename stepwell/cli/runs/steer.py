"""`stepwell runs pause | resume | cancel | terminate`: as a guest, so the engine that has the run hears of it."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stepwell.cli.options import yes_option
from stepwell.cli.runs.common import F, as_guest, run_argument
from stepwell.cli.screen import line, print_json, say

if TYPE_CHECKING:
    from stepwell.assembly import Stepwell


def reason_option(function: F) -> F:
    return click.option("--reason", metavar="TEXT", help="Why; it is kept on record.")(function)


@click.command()
@run_argument
@reason_option
def pause(run: str, db: Path, as_json: bool, reason: str | None) -> int:
    """Start nothing new; the run is `paused` once what is in flight has ended.

    Example: stepwell runs pause 01936c2e --reason "stock is being counted"
    """
    return _steer(run, db, as_json, lambda stepwell, run_id: stepwell.pause(run_id, reason))


@click.command()
@run_argument
@click.option(
    "--step", metavar="STEP", help="Only let go the debugger's pause before this step (id, path or name)."
)
def resume(run: str, db: Path, as_json: bool, step: str | None) -> int:
    """Let a paused run go on, or the steps that a debugger's pause holds.

    Example: stepwell runs resume 01936c2e --step charge
    """

    async def ask(stepwell: Stepwell, run_id: str) -> Any:
        found = (await stepwell.step(run_id, step))["id"] if step is not None else None
        return await stepwell.resume(run_id, found)

    return _steer(run, db, as_json, ask)


@click.command()
@run_argument
@reason_option
@yes_option
def cancel(run: str, db: Path, as_json: bool, reason: str | None, yes: bool) -> int:
    """Stop a run gently: what is in flight is interrupted; the run is `cancelled` once that has stopped.

    Example: stepwell runs cancel 01936c2e --reason "ordered twice"
    """
    _confirm(f"Cancel run {run}?", yes=yes or as_json)
    return _steer(run, db, as_json, lambda stepwell, run_id: stepwell.cancel(run_id, reason))


@click.command()
@run_argument
@reason_option
@yes_option
def terminate(run: str, db: Path, as_json: bool, reason: str | None, yes: bool) -> int:
    """Stop a run at once, without waiting for what is in flight. It cannot be retried afterwards.

    Example: stepwell runs terminate 01936c2e --reason "runaway" --yes
    """
    _confirm(f"Terminate run {run}? It cannot be retried afterwards.", yes=yes or as_json)
    return _steer(run, db, as_json, lambda stepwell, run_id: stepwell.terminate(run_id, reason))


def _confirm(question: str, *, yes: bool) -> None:
    if not yes and sys.stdout.isatty() and sys.stdin.isatty():
        click.confirm(line(question), abort=True)


def _steer(
    run: str, db: Path, as_json: bool, ask: Callable[[Stepwell, str], Awaitable[dict[str, Any]]]
) -> int:
    from stepwell.cli.opening import with_db

    async def main(stepwell: Stepwell, run_id: str) -> dict[str, Any]:
        view = await ask(stepwell, run_id)
        return {**view, "carried_on": await stepwell.engine.store.owner_alive(run_id)}

    view = as_guest(db, run, main)
    if as_json:
        print_json(view)
        return 0
    say(f"run {view['run_id']} is {view['status']}")
    if view["ended_at"] is None:
        say(with_db(f"  {next_words(view)}", db))
    return 0


def next_words(view: dict[str, Any]) -> str:
    """What to do after a run was steered that has not ended."""
    if view["carried_on"]:
        return f"follow it with: stepwell runs watch {view['run_id']}"
    if view["status"] == "paused":
        return f"let it go on with: stepwell runs resume {view['run_id']}"
    return "no engine carries it on now; start one with: stepwell serve"
