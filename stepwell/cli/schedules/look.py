"""`stepwell schedules list | show | upcoming | firings`: nothing here changes anything."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stepwell.cli.options import db_option, json_option
from stepwell.cli.schedules.common import as_looker, local, name_argument, times, told
from stepwell.cli.screen import line, pretty, table
from stepwell.model.errors import NotFound

if TYPE_CHECKING:
    from stepwell.client.looker import Looker


@click.command("list")
@db_option
@json_option
def list_(db: Path, as_json: bool) -> int:
    """List schedules, by name.

    Example: stepwell schedules list
    """
    found = as_looker(db, lambda stepwell: stepwell.schedules())
    rows = [
        [one["name"], one["state"], local(one["next_at"], one), line(one["workflow"]), times(one)]
        for one in found
    ]
    if rows:
        rows.insert(0, ["NAME", "STATE", "NEXT", "WORKFLOW", "TIMES"])
    lines = table(rows) or [
        "there are no schedules; make one with: stepwell schedules set NAME FILE --cron …"
    ]
    return told({"schedules": found}, as_json, *lines)


@click.command()
@name_argument
def show(name: str, db: Path, as_json: bool) -> int:
    """Show a schedule, how it stands and why, and what was changed.

    Example: stepwell schedules show nightly
    """
    from stepwell.cli.opening import with_db

    view = as_looker(db, lambda stepwell: stepwell.schedule_view(name))
    view["next_actions"] = [with_db(action, db) for action in view["next_actions"]]
    return told(view, as_json, *_shown(view))


def _shown(view: dict[str, Any]) -> list[str]:
    lines = [
        f"schedule {view['name']} is {view['state']}: {line(view['reason'])}",
        f"  fires    {times(view)}",
        f"  starts   {line(view['workflow'])} with {line(pretty(view['input']), 60)}",
        f"  policies overlap {view['overlap']}, catch-up {view['catch_up']}",
        f"  next     {local(view['next_at'], view)}",
    ]
    if view["waiting"]:
        lines.append(
            f"  waiting  slot {local(view['waiting'], view)}, until {', '.join(view['running'])} has ended"
        )
    elif view["running"]:
        lines.append(f"  running  {', '.join(view['running'])}")
    if view["note"]:
        lines.append(f"  note     {line(view['note'])}")
    if view["last_error"]:
        lines.append(f"  error    {line(view['last_error'])}")
    lines += [f"  what next: {line(action)}" for action in view["next_actions"]]
    return lines + [
        f"  revision {edit['revision']} {edit['at']} {edit['change']}: {times(edit)}"
        for edit in view["edits"][:5]
    ]


@click.command()
@name_argument
@click.option("-n", "count", type=int, default=10, show_default=True, metavar="N", help="How many.")
def upcoming(name: str, db: Path, as_json: bool, count: int) -> int:
    """Print the next slots, in the schedule's zone (with --json in UTC); of a paused schedule those that would come.

    Example: stepwell schedules upcoming nightly -n 5
    """

    async def ask(stepwell: Looker) -> tuple[list[str], dict[str, Any]]:
        return await stepwell.upcoming(name, count), await stepwell.schedule_view(name)

    found, schedule = as_looker(db, ask)
    lines = [local(slot, schedule) for slot in found] or ["no slot is known yet"]
    return told({"name": name, "upcoming": found}, as_json, *lines)


@click.command()
@name_argument
@click.option("--limit", type=int, default=50, show_default=True, metavar="N", help="How many.")
@click.option("--cursor", metavar="TEXT", help="Go on where the page before ended (`next` of its --json).")
def firings(name: str, db: Path, as_json: bool, limit: int, cursor: str | None) -> int:
    """Print what became of slots, newest first: started, waiting, skipped, missed or failed. Slots are shown in the
    schedule's zone, with --json in UTC.

    Example: stepwell schedules firings nightly --limit 10
    """

    async def ask(stepwell: Looker) -> tuple[dict[str, Any], dict[str, Any]]:
        page, schedule = await stepwell.firings(name, limit=limit, cursor=cursor), {"cron": None}
        with contextlib.suppress(NotFound):  # it may be deleted
            schedule = await stepwell.schedule_view(name)
        return page, schedule

    page, schedule = as_looker(db, ask)
    rows = [
        [
            local(one["slot"], schedule),
            one["outcome"],
            one["reason"],
            one["status"] or "-",
            one["run_id"] or line(one["note"] or "-", 100),
        ]
        for one in page["firings"]
    ]
    if rows:
        rows.insert(0, ["SLOT", "OUTCOME", "BY", "RUN IS", "RUN"])
    return told(page, as_json, *(table(rows) or [f"no slot of schedule {name} has come yet"]))
