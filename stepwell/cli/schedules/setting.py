"""`stepwell schedules set`: create a schedule, or replace it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from stepwell.cli.options import PATH, db_option, input_option, json_option, read_input, read_tags
from stepwell.cli.schedules.common import local, times, told

if TYPE_CHECKING:
    from stepwell.definition.model import Definition

F = TypeVar("F", bound=Callable[..., Any])

OVERLAPS: Final = ("skip", "allow", "queue_one", "cancel_running")
CATCH_UPS: Final = ("latest", "all", "none")


def times_options(function: F) -> F:
    """When it fires."""
    for option in (
        click.option("--end", metavar="TIME", help="The last instant at which a slot may lie."),
        click.option("--start", metavar="TIME", help="The first instant at which a slot may lie."),
        click.option("--anchor", metavar="TIME", help="Where --every begins to count."),
        click.option(
            "--zone", default="UTC", show_default=True, metavar="ZONE", help="The time zone of --cron."
        ),
        click.option(
            "--after", metavar="DURATION", help="So long after the end of the last run (PT1H, or seconds)."
        ),
        click.option("--every", metavar="DURATION", help="An interval in absolute time (PT15M, or seconds)."),
        click.option("--cron", metavar="FIELDS", help="Minute, hour, day, month, day of the week."),
    ):
        function = option(function)
    return function


def policy_options(function: F) -> F:
    """What to do with slots that cannot be fired as they come."""
    for option in (
        click.option(
            "--catch-up-limit",
            type=int,
            default=100,
            show_default=True,
            metavar="N",
            help="How many `all` makes up.",
        ),
        click.option(
            "--catch-up",
            type=click.Choice(CATCH_UPS),
            default="latest",
            show_default=True,
            help="Slots that passed while no engine was there.",
        ),
        click.option(
            "--overlap", type=click.Choice(OVERLAPS), help="A slot while a run goes on.  [default: skip]"
        ),
    ):
        function = option(function)
    return function


@click.command("set")
@click.argument("name", metavar="NAME")
@click.argument("workflow", metavar="FILE|REFERENCE")
@times_options
@policy_options
@input_option
@click.option("--tag", "tags", multiple=True, metavar="NAME=VALUE", help="For every run. May be given again.")
@click.option("--priority", type=int, default=0, show_default=True, metavar="N", help="Of every run.")
@click.option("--note", default="", metavar="TEXT", help="What it is for.")
@click.option(
    "--with", "others", multiple=True, type=PATH, metavar="FILE", help="Workflows that this one runs."
)
@db_option
@json_option
def set_(
    name: str,
    workflow: str,
    db: Path,
    as_json: bool,
    input_text: str | None,
    tags: tuple[str, ...],
    others: tuple[Path, ...],
    every: str | None,
    after: str | None,
    **options: Any,
) -> int:
    """Create a schedule, or replace it; the same again changes nothing. `stepwell serve` fires it.

    FILE may also be a Python workflow, `shop.py:checkout`; `stepwell serve --app shop.py` fires it then. REFERENCE is
    namespace/name:version of a stored definition; without a version the newest one at each slot. Without --cron,
    --every and --after the definition's own `schedule` counts. TIME is RFC 3339 with a zone.

    Example: stepwell schedules set nightly backup.yaml --cron '30 2 * * *' --zone Europe/Berlin
    """
    data, labels = read_input(input_text), read_tags(tags)
    options |= {"every": _span(every), "after": _span(after), "tags": labels}
    view = asyncio.run(_set(db, name, _source(workflow), data, others, options))
    done = "is set" if view["changed"] else "was set like this already"
    coming = f"next slot {local(view['next_at'], view)}" if view["next_at"] else "no slot is known yet"
    return told(view, as_json, f"schedule {view['name']} {done}: {times(view)}; {coming}")


async def _set(
    db: Path,
    name: str,
    source: Path | str | Definition,
    data: Any,
    others: tuple[Path, ...],
    options: dict[str, Any],
) -> dict[str, Any]:
    from stepwell.cli.opening import engine

    async with engine(db, guest=True) as stepwell:
        for other in others:
            await stepwell.add_definition(other)
        return await stepwell.schedule(name, source, data, **options)


def _source(workflow: str) -> Path | str | Definition:
    if re.fullmatch(r".+\.py(:\w+)?", workflow):
        from stepwell.cli.app import load_workflow

        return load_workflow(workflow).definition
    path = Path(workflow)
    return path if path.suffix in (".yaml", ".yml", ".json") or path.is_file() else workflow


def _span(text: str | None) -> str | float | None:
    """A bare number is seconds."""
    try:
        return None if text is None else float(text)
    except ValueError:
        return text
