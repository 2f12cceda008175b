"""`stepwell schedules …`: what starts runs by time."""

from __future__ import annotations

import click

from stepwell.cli.lazy import LazyGroup

_LOOK, _SET, _STEER = (f"stepwell.cli.schedules.{name}" for name in ("look", "setting", "steer"))


@click.group(
    cls=LazyGroup,
    commands_in={
        "list": (f"{_LOOK}:list_", "List schedules."),
        "show": (f"{_LOOK}:show", "Show a schedule, how it stands and why, and its edits."),
        "set": (f"{_SET}:set_", "Create a schedule, or replace it."),
        "pause": (f"{_STEER}:pause", "Fire no slot until it is resumed."),
        "resume": (f"{_STEER}:resume", "Fire the slots that come from now on."),
        "delete": (f"{_STEER}:delete", "Delete a schedule; its runs go on."),
        "trigger": (f"{_STEER}:trigger", "Start a run now."),
        "backfill": (f"{_STEER}:backfill", "Start a run for every slot of a time that has none."),
        "upcoming": (f"{_LOOK}:upcoming", "Print the next slots."),
        "firings": (f"{_LOOK}:firings", "Print what became of slots, newest first."),
    },
)
def command() -> None:
    """Set, look at and steer what starts runs by time. `stepwell serve` fires them.

    Example: stepwell schedules set nightly backup.yaml --cron '30 2 * * *' --zone Europe/Berlin
    """
