"""`stepwell runs attributes`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stepwell.cli.options import read_attributes
from stepwell.cli.runs.common import as_guest, as_looker, run_argument
from stepwell.cli.screen import print_json, say

if TYPE_CHECKING:
    from stepwell.assembly import Stepwell
    from stepwell.client.looker import Looker


@click.command()
@run_argument
@click.option("--set", "values", multiple=True, metavar="K=V", help="Set one; V is JSON, or text.")
@click.option("--remove", multiple=True, metavar="K", help="Remove one.")
def attributes(run: str, db: Path, as_json: bool, values: tuple[str, ...], remove: tuple[str, ...]) -> int:
    """Print the attributes that a run is searched by; with --set and --remove change them first.

    An instant is written {"datetime": "2026-11-21T03:42:39Z"}.

    Example: stepwell runs attributes 01936c2e --set amount=120 --set region=eu
    """
    changes = read_attributes(values)

    async def shown(stepwell: Stepwell | Looker, run_id: str) -> dict[str, Any]:
        return {"run_id": run_id, "attributes": await stepwell.attributes(run_id)}

    async def changed(stepwell: Stepwell, run_id: str) -> dict[str, Any]:
        await stepwell.set_attributes(run_id, changes, remove=remove)
        return await shown(stepwell, run_id)

    view = as_guest(db, run, changed) if changes or remove else as_looker(db, run, shown)
    if as_json:
        print_json(view)
        return 0
    for name, value in view["attributes"].items():
        say(f"{name} = {json.dumps(value, ensure_ascii=False)}")
    return 0
