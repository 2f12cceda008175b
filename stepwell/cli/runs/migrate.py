"""`stepwell runs migrate`: a paused run goes on with another version."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stepwell.cli.runs.common import as_guest, run_argument
from stepwell.cli.screen import line, print_json, say
from stepwell.cli.who import asker_option

if TYPE_CHECKING:
    from stepwell.assembly import Stepwell


@click.command()
@run_argument
@click.argument("to", default="main", metavar="[VERSION]")
@click.option("--plan", is_flag=True, help="Only say whether it can be done, and what is in the way.")
@asker_option
def migrate(run: str, db: Path, as_json: bool, to: str, plan: bool, asker: str) -> int:
    """Let a paused run go on with another version of its procedure: a branch (main), a tag or a commit; or with another
    definition of its name (NAMESPACE/NAME:VERSION).

    What has begun stays as it is; what has not is taken from the new version. Exit code 1: something is in the way.

    Example: stepwell runs migrate 01936c2e v2 --plan
    """

    async def ask(stepwell: Stepwell, run_id: str) -> dict[str, Any]:
        if plan:
            return await stepwell.plan_migration(run_id, to)
        return await stepwell.migrate(run_id, to, by=asker)

    view = as_guest(db, run, ask)
    blocked = plan and bool(view["blockers"])
    if as_json:
        print_json(view)
    elif plan:
        for reason in view["reasons"]:
            say(f"{reason['level']:<12}  {reason['kind']} {reason['path']}: {line(reason['why'])}")
        say(
            f"run {view['run_id']} cannot be migrated as it is"
            if blocked
            else f"run {view['run_id']} can be migrated"
        )
    else:
        say(f"run {view['run_id']} goes on with version {view['version']} once it is resumed")
    return 1 if blocked else 0
