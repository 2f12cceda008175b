"""`stepwell procedures commit | save | discard | merge | rollback`: new versions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stepwell.cli.asking import confirm
from stepwell.cli.options import PATH, db_option, json_option, yes_option
from stepwell.cli.procedures.common import (
    SHORT,
    as_guest,
    branch_option,
    by_option,
    expected_option,
    procedure_argument,
    told,
)
from stepwell.cli.screen import line

if TYPE_CHECKING:
    from stepwell.assembly import Stepwell


@click.command()
@click.argument("file", type=PATH, metavar="FILE")
@click.option("-m", "--message", required=True, metavar="TEXT", help="What was changed, and why.")
@branch_option
@expected_option
@by_option
@click.option(
    "--merges", metavar="BRANCH", help="The branch whose changes it has, after conflicts were settled."
)
@db_option
@json_option
def commit(file: Path, db: Path, as_json: bool, **options: Any) -> int:
    """Commit the definition in FILE to its procedure, which is made where there is none.

    Exit code 1: the branch is not at --expect; who was faster is told.

    Example: stepwell procedures commit hotfire.yaml -m "Check the valve first" --expect 3f2a9c1
    """

    async def ask(stepwell: Stepwell) -> dict[str, Any]:
        from stepwell.cli.reading import read_definition

        return await stepwell.commit_procedure(await read_definition(file), create=True, **options)

    view = as_guest(db, ask, make=True)
    done = "commit" if view["created"] else "nothing new: it has this already, commit"
    return told(view, as_json, f"{view['procedure']} {view['branch']}: {done} {view['commit'][:SHORT]}")


@click.command()
@procedure_argument
@click.argument("file", type=PATH, metavar="FILE")
@branch_option
@expected_option
@by_option
def save(procedure: str, file: Path, db: Path, as_json: bool, **options: Any) -> int:
    """Save a draft, valid or not; what is wrong with it is told, and kept with it.

    Example: stepwell procedures save stand/hotfire hotfire.yaml
    """
    view = as_guest(db, lambda stepwell: stepwell.save_draft(procedure, file, **options))
    problems = [
        f"{one['file']}:{one['line']}:{one['column']}: {line(one['message'])}" for one in view["problems"]
    ]
    state = f"with {len(problems)} problems" if problems else "fine"
    return told(
        view, as_json, *problems, f"{procedure} {view['branch']}: draft {view['commit'][:SHORT]}, {state}"
    )


@click.command()
@procedure_argument
@branch_option
@expected_option
@by_option
@yes_option
def discard(procedure: str, db: Path, as_json: bool, yes: bool, **options: Any) -> int:
    """Let a branch go back from its draft to its last commit.

    Example: stepwell procedures discard stand/hotfire
    """
    confirm(f"Leave the draft on {options['branch']} of {procedure}?", yes=yes, as_json=as_json)
    view = as_guest(db, lambda stepwell: stepwell.discard_draft(procedure, **options))
    done = "is back" if view["discarded"] else "has no draft: it is"
    return told(view, as_json, f"{procedure} {view['branch']} {done} at {view['commit'][:SHORT]}")


@click.command()
@procedure_argument
@click.argument("branch")
@click.option("-m", "--message", required=True, metavar="TEXT", help="Why.")
@click.option("--into", default="main", show_default=True, metavar="BRANCH", help="Where to.")
@expected_option
@by_option
def merge(procedure: str, branch: str, db: Path, as_json: bool, **options: Any) -> int:
    """Bring what was changed on BRANCH into main. Conflicts are told all at once; then nothing is written.

    Example: stepwell procedures merge stand/hotfire dev -m "Valve check"
    """
    view = as_guest(db, lambda stepwell: stepwell.merge_branch(procedure, branch, **options))
    how = {"nothing": "had it already", "forward": "moved forward", "merged": "merged"}[view["merge"]]
    return told(view, as_json, f"{procedure} {view['branch']}: {how}, at {view['commit'][:SHORT]}")


@click.command()
@procedure_argument
@click.argument("revision")
@click.option("-m", "--message", metavar="TEXT", help="Why.")
@branch_option
@expected_option
@by_option
def rollback(procedure: str, revision: str, db: Path, as_json: bool, **options: Any) -> int:
    """Commit once more what an older revision had. The history stays as it is.

    Example: stepwell procedures rollback stand/hotfire v1
    """
    view = as_guest(db, lambda stepwell: stepwell.roll_back_procedure(procedure, revision, **options))
    return told(
        view,
        as_json,
        f"{procedure} {view['branch']}: commit {view['commit'][:SHORT]}: {line(view['message'])}",
    )
