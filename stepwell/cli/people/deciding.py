"""`stepwell step approve | reject | delegate`."""

from __future__ import annotations

from typing import Any

import click

from stepwell.cli.people.common import F, Place, change, step_argument
from stepwell.cli.who import actor, who_options


def comment_option(function: F) -> F:
    return click.option(
        "--comment", "--reason", "-m", "comment", metavar="TEXT", help="Why; it is kept on record."
    )(function)


@click.command()
@step_argument
@who_options
@comment_option
def approve(place: Place, comment: str | None, **who: Any) -> int:
    """Approve what a step asks for.

    Example: stepwell step approve 01936c2e release --as ada -m "Within limits"
    """
    return _decide("approve", place, comment, who)


@click.command()
@step_argument
@who_options
@comment_option
def reject(place: Place, comment: str | None, **who: Any) -> int:
    """Reject it: the step fails.

    Example: stepwell step reject 01936c2e release --as ada -m "Purge once more first"
    """
    return _decide("reject", place, comment, who)


@click.command()
@step_argument
@click.option("--to", required=True, metavar="NAME", help="Who decides instead.")
@who_options
@comment_option
def delegate(place: Place, to: str, comment: str | None, **who: Any) -> int:
    """Let somebody else decide instead.

    Example: stepwell step delegate 01936c2e release --to eve -m "On leave"
    """
    by = actor(who)

    async def ask(stepwell: Any, run_id: str) -> dict[str, Any]:
        await stepwell.delegate_approval(run_id, to, by=by, step=place.step, comment=comment)
        view: dict[str, Any] = await stepwell.show_step(run_id, place.step)
        return view

    return change(place, ask, by)


def _decide(verdict: str, place: Place, comment: str | None, who: dict[str, Any]) -> int:
    by = actor(who)

    async def ask(stepwell: Any, run_id: str) -> dict[str, Any]:
        await stepwell.decide_approval(run_id, verdict, by=by, step=place.step, comment=comment)
        view: dict[str, Any] = await stepwell.show_step(run_id, place.step)
        return view

    return change(place, ask, by, fine=["failed"] if verdict == "reject" else [])
