"""`stepwell runs list | show | explain | history | variables`."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stepwell.cli.options import db_option, json_option
from stepwell.cli.runs.common import as_looker, run_argument
from stepwell.cli.screen import pretty, print_json, say, write
from stepwell.cli.selecting import detail_option, filter_options, taken

if TYPE_CHECKING:
    from stepwell.client.looker import Looker


@click.command("list")
@filter_options
@click.option(
    "--sort",
    type=click.Choice(["newest", "oldest", "updated"]),
    default="newest",
    show_default=True,
    help="What comes first; `updated` is the last change of status.",
)
@detail_option("summary")
@click.option("--count", is_flag=True, help="Only say how many there are, by status.")
@click.option("--limit", type=click.IntRange(1, 1_000), default=20, show_default=True, help="How many.")
@click.option("--cursor", metavar="CURSOR", help="Where the page before ended (`next`).")
@db_option
@json_option
def list_(db: Path, as_json: bool, count: bool, **options: Any) -> int:
    """List runs, newest first. Filters are combined: a run has to pass all of them.

    Example: stepwell runs list --status failed --since 12h --tag customer=acme
    """
    from stepwell.cli.runs.showing import count_lines, listing

    where = taken(options)

    async def ask() -> tuple[dict[str, Any], int]:
        from stepwell.cli.opening import looker

        async with looker(db) as stepwell:
            if count:
                return {"counts": await stepwell.count(**where)}, 0
            return await stepwell.list(**options, **where), stepwell.engine.clock.now()

    view, now = asyncio.run(ask())
    if as_json:
        print_json(view)
        return 0
    for text in count_lines(view["counts"]) if count else listing(view, now):
        write(text)
    return 0


@click.command()
@run_argument
@detail_option("full")
def show(run: str, db: Path, as_json: bool, detail: Any) -> int:
    """Show a run: its steps as a tree, with times, attempts and errors. With --json everything that is known of it.

    Example: stepwell runs show 01936c2e
    """
    from stepwell.cli.opening import with_db
    from stepwell.cli.runs.showing import overview

    async def ask(stepwell: Looker, run_id: str) -> Any:
        if as_json:
            return await stepwell.show(run_id, detail=detail)
        state = await stepwell.state(run_id)
        lines = overview(state, stepwell.engine.clock.now(), detail)
        if state.run.attended and not state.run.status.terminal:
            lines.append(with_db(f"what people do in it: stepwell procedures status {run_id}", db))
        return lines

    found = as_looker(db, run, ask)
    if as_json:
        print_json(found)
    else:
        for text in found:
            write(text)
    return 0


@click.command()
@run_argument
def explain(run: str, db: Path, as_json: bool) -> int:
    """Say why a run stands where it stands, what it waits for, and what can be done about it.

    Example: stepwell runs explain 01936c2e
    """
    from stepwell.cli.opening import with_db
    from stepwell.cli.runs.showing import explanation

    view = as_looker(db, run, lambda stepwell, run_id: stepwell.explain(run_id))
    for action in view["next_actions"]:
        action["command"] = with_db(action["command"], db)
    if as_json:
        print_json(view)
    else:
        for text in explanation(view):
            write(text)
    return 0


@click.command()
@run_argument
@click.option(
    "--after", type=click.IntRange(0), default=0, metavar="SEQ", help="Only what came after this turn."
)
@detail_option("full")
def history(run: str, db: Path, as_json: bool, after: int, detail: Any) -> int:
    """Print a run's journal, event by event. With --json one object: {"run_id", "events": […]}.

    Example: stepwell runs history 01936c2e --after 12
    """

    async def ask(stepwell: Looker, run_id: str) -> dict[str, Any]:
        events = [view async for view in stepwell.history(run_id, after, detail=detail)]
        return {"run_id": run_id, "events": events}

    view = as_looker(db, run, ask)
    if as_json:
        print_json(view)
        return 0
    from stepwell.cli.runs.showing import event_line

    for event in view["events"]:
        say(event_line(event))
    return 0


@click.command()
@run_argument
@click.argument("name", required=False)
def variables(run: str, db: Path, as_json: bool, name: str | None) -> int:
    """Print a run's variables, or the value of one.

    Example: stepwell runs variables 01936c2e customer
    """
    from stepwell.model.errors import NotFound

    async def ask(stepwell: Looker, run_id: str) -> dict[str, Any]:
        return {"run_id": run_id, "variables": await stepwell.variables(run_id)}

    view = as_looker(db, run, ask)
    found = view["variables"]
    if name is not None:
        if name not in found:
            raise NotFound(
                f"run {view['run_id']} has no variable {name}", hint="without a name all are printed"
            )
        view = {"run_id": view["run_id"], "name": name, "value": found[name]}
    if as_json:
        print_json(view)
    elif name is not None:
        say(pretty(view["value"]))
    else:
        for each, value in found.items():
            say(f"{each} = {json.dumps(value, ensure_ascii=False)}")
    return 0
