"""`stepwell schedules pause | resume | delete | trigger | backfill`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stepwell.cli.options import yes_option
from stepwell.cli.schedules.common import as_guest, local, name_argument, told
from stepwell.cli.screen import line

if TYPE_CHECKING:
    from stepwell.assembly import Stepwell


@click.command()
@name_argument
@click.option("--reason", metavar="TEXT", help="Why; it is shown with the schedule.")
def pause(name: str, db: Path, as_json: bool, reason: str | None) -> int:
    """Fire no slot until it is resumed. Slots that pass meanwhile are not made up.

    Example: stepwell schedules pause nightly --reason "the disk is being replaced"
    """
    view = as_guest(db, lambda stepwell: stepwell.pause_schedule(name, reason))
    return told(
        view, as_json, f"schedule {name} is paused", f"  let it go on with: stepwell schedules resume {name}"
    )


@click.command()
@name_argument
def resume(name: str, db: Path, as_json: bool) -> int:
    """Fire the slots that come from now on.

    Example: stepwell schedules resume nightly
    """
    view = as_guest(db, lambda stepwell: stepwell.resume_schedule(name))
    return told(view, as_json, f"schedule {name} goes on; next slot {local(view['next_at'], view)}")


@click.command()
@name_argument
@yes_option
def delete(name: str, db: Path, as_json: bool, yes: bool) -> int:
    """Delete a schedule. Runs that it started go on, and its firings stay on record.

    Example: stepwell schedules delete nightly --yes
    """
    if not (yes or as_json) and sys.stdout.isatty() and sys.stdin.isatty():
        click.confirm(line(f"Delete schedule {name}?"), abort=True)
    as_guest(db, lambda stepwell: stepwell.delete_schedule(name))
    return told({"name": name, "deleted": True}, as_json, f"schedule {name} is deleted")


@click.command()
@name_argument
@click.option("--key", metavar="TEXT", help="The same key again gives the same run.")
def trigger(name: str, db: Path, as_json: bool, key: str | None) -> int:
    """Start a run now, paused or not and whatever the overlap policy.

    Example: stepwell schedules trigger nightly
    """

    async def ask(stepwell: Stepwell) -> dict[str, Any]:
        handle = await stepwell.trigger_schedule(name, key=key)
        return {"name": name, "run_id": handle.run_id, "created": handle.created}

    view = as_guest(db, ask)
    done = "is started" if view["created"] else "was started before"
    return told(view, as_json, f"run {view['run_id']} {done}; an engine carries it on: stepwell serve")


@click.command()
@name_argument
@click.option(
    "--from", "start", required=True, metavar="TIME", help="The first instant, RFC 3339 with a zone."
)
@click.option("--to", "end", required=True, metavar="TIME", help="The last instant, not in the future.")
@click.option(
    "--limit", type=int, default=1_000, show_default=True, metavar="N", help="So many slots at most."
)
def backfill(name: str, db: Path, as_json: bool, start: str, end: str, limit: int) -> int:
    """Start a run for every slot of a time that has none. Each slot has one run, however often this is done.

    Example: stepwell schedules backfill nightly --from 2026-11-01T00:00:00Z --to 2026-11-07T00:00:00Z
    """

    async def ask(stepwell: Stepwell) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        filled = await stepwell.backfill_schedule(name, start, end, limit=limit)
        return filled, await stepwell.schedule_view(name)

    filled, schedule = as_guest(db, ask)
    new = sum(one["created"] for one in filled)
    lines = [
        f"{local(one['slot'], schedule)}  {one['run_id']}{'' if one['created'] else '  (was there)'}"
        for one in filled
    ]
    summary = f"{new} runs started, {len(filled) - new} were there already"
    return told({"name": name, "slots": filled}, as_json, *lines, summary)
