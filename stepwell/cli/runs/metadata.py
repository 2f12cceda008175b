"""`stepwell runs metadata`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stepwell.cli.options import read_tags
from stepwell.cli.runs.common import as_guest, as_looker, run_argument
from stepwell.cli.screen import line, print_json, say
from stepwell.model.errors import InvalidInput

if TYPE_CHECKING:
    from stepwell.assembly import Stepwell
    from stepwell.client.looker import Looker


@click.command()
@run_argument
@click.option("--title", metavar="TEXT", help='Call it so; "" takes the title away.')
@click.option("--description", metavar="TEXT", help="Describe it, in Markdown.")
@click.option("--label", "labels", multiple=True, metavar="L", help="All its labels from now on.")
@click.option(
    "--property", "properties", multiple=True, metavar="K=V", help="All its properties from now on."
)
@click.option("--no-labels", is_flag=True, help="Take all labels away.")
@click.option("--no-properties", is_flag=True, help="Take all properties away.")
@click.option("--archive/--unarchive", "archived", default=None, help="Put it out of sight, or back.")
def metadata(run: str, db: Path, as_json: bool, **options: Any) -> int:
    """Print what a run is called and filed under; with options change it first. Its state stays as it is.

    Example: stepwell runs metadata 01936c2e --title "Hotfire 12" --label engine --property stand=A2
    """
    changes = _changes(options)

    async def shown(stepwell: Stepwell | Looker, run_id: str) -> dict[str, Any]:
        return {"run_id": run_id, **await stepwell.metadata(run_id)}

    async def changed(stepwell: Stepwell, run_id: str) -> dict[str, Any]:
        await stepwell.set_metadata(run_id, **changes)
        return await shown(stepwell, run_id)

    view = as_guest(db, run, changed) if changes else as_looker(db, run, shown)
    if as_json:
        print_json(view)
        return 0
    for name, value in view.items():
        say(line(f"{name:<12} {_shown(value)}", 200).rstrip())
    return 0


def _changes(options: dict[str, Any]) -> dict[str, Any]:
    """Only what was given. Raises `InvalidInput`."""
    changes: dict[str, Any] = {}
    for name in ("labels", "properties"):
        if options[name] and options[f"no_{name}"]:
            raise InvalidInput(f"give {name}, or take them away, not both")
    if options["title"] is not None:
        changes["title"] = options["title"] or None
    if options["description"] is not None:
        changes["description"] = options["description"]
    if options["labels"] or options["no_labels"]:
        changes["labels"] = options["labels"]
    if options["properties"] or options["no_properties"]:
        changes["properties"] = read_tags(options["properties"])
    if options["archived"] is not None:
        changes["archived"] = options["archived"]
    return changes


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}={text}" for name, text in value.items())
    if isinstance(value, list):
        return ", ".join(value)
    return {None: "", True: "yes", False: "no"}.get(value, str(value))
