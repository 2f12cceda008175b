"""`stepwell step start | skip | fail | assign`."""

from __future__ import annotations

from typing import Any

import click

from stepwell.cli.people.common import Place, change, changing, reason_option
from stepwell.cli.who import actor
from stepwell.model.errors import InvalidInput


@click.command()
@changing
def start(place: Place, version: int | None, **who: Any) -> int:
    """Begin a step that waits for a person to do so.

    Example: stepwell step start 01936c2e look
    """
    by = actor(who)
    return change(place, lambda s, run_id: s.start_step(run_id, place.step, version=version, by=by), by)


@click.command()
@changing
@reason_option
def skip(place: Place, version: int | None, reason: str, **who: Any) -> int:
    """Leave a step out. Refused for one that is required.

    Example: stepwell step skip 01936c2e look --reason "no light there"
    """
    by = actor(who)
    return change(
        place, lambda s, run_id: s.skip_step(run_id, place.step, reason, version=version, by=by), by
    )


@click.command()
@changing
@reason_option
def fail(place: Place, version: int | None, reason: str, **who: Any) -> int:
    """Say that a step failed: it holds the procedure up until it is repeated, or the procedure ended.

    Example: stepwell step fail 01936c2e check --reason "the gauge is broken"
    """
    by = actor(who)
    return change(
        place,
        lambda s, run_id: s.fail_step(run_id, place.step, reason, version=version, by=by),
        by,
        fine=["failed"],
    )


@click.command()
@changing
@click.option("--to", "people", multiple=True, metavar="NAME", help="A person; may be given again.")
@click.option("--to-group", "teams", multiple=True, metavar="G", help="A group; may be given again.")
@click.option("--to-anybody", is_flag=True, help="Nobody in particular.")
def assign(
    place: Place,
    version: int | None,
    people: tuple[str, ...],
    teams: tuple[str, ...],
    to_anybody: bool,
    **who: Any,
) -> int:
    """Say whose a step is from now on.

    Example: stepwell step assign 01936c2e check --to bob --to-group stand-crew
    """
    if to_anybody == bool(people or teams):
        raise InvalidInput(
            "it is not said whose the step is", hint="give --to, --to-group, or else --to-anybody"
        )
    by = actor(who)
    return change(
        place,
        lambda s, run_id: s.assign_step(
            run_id, place.step, people=people, groups=teams, version=version, by=by
        ),
        by,
    )
