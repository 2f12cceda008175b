"""`stepwell procedures branch | tag | edit | archive | unarchive | delete | compact`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from stepwell.cli.asking import confirm
from stepwell.cli.options import db_option, json_option, read_tags, yes_option
from stepwell.cli.procedures.common import SHORT, as_guest, by_option, procedure_argument, told
from stepwell.model.errors import InvalidInput


@click.command()
@procedure_argument
@click.argument("name")
@click.option("--at", default="main", show_default=True, metavar="REVISION", help="Where it begins.")
@click.option("--delete", "drop", is_flag=True, help="Delete it; its commits stay.")
@by_option
@yes_option
def branch(
    procedure: str, name: str, db: Path, as_json: bool, at: str, drop: bool, by: str, yes: bool
) -> int:
    """Create a branch, or delete it. `main` cannot be deleted.

    Example: stepwell procedures branch stand/hotfire dev
    """
    if drop:
        confirm(f"Delete branch {name} of {procedure}?", yes=yes, as_json=as_json)
        view = as_guest(db, lambda stepwell: stepwell.delete_branch(procedure, name))
    else:
        view = as_guest(db, lambda stepwell: stepwell.create_branch(procedure, name, at=at, by=by))
    return _told(view, as_json)


@click.command()
@procedure_argument
@click.argument("name")
@click.option("--at", default="main", show_default=True, metavar="REVISION", help="What it names.")
@click.option("--delete", "drop", is_flag=True, help="Delete it; its commit stays.")
@by_option
@yes_option
def tag(procedure: str, name: str, db: Path, as_json: bool, at: str, drop: bool, by: str, yes: bool) -> int:
    """Name a revision; a tag never moves.

    Example: stepwell procedures tag stand/hotfire v1 --at main
    """
    if drop:
        confirm(f"Delete tag {name} of {procedure}?", yes=yes, as_json=as_json)
        view = as_guest(db, lambda stepwell: stepwell.delete_tag(procedure, name))
    else:
        view = as_guest(db, lambda stepwell: stepwell.create_tag(procedure, name, at=at, by=by))
    return _told(view, as_json)


def _told(view: dict[str, Any], as_json: bool) -> int:
    done = "is deleted; it was" if view.get("deleted") else "is" if view["created"] else "was already"
    return told(
        view,
        as_json,
        f"{view['kind']} {view['name']} of {view['procedure']} {done} at {view['commit'][:SHORT]}",
    )


@click.command()
@procedure_argument
@click.option("--title", metavar="TEXT", help="Its title.")
@click.option("--description", metavar="TEXT", help="What it is for.")
@click.option("--label", "labels", multiple=True, metavar="TEXT", help="All its labels; may be given again.")
@click.option("--no-labels", is_flag=True, help="It has none.")
@click.option(
    "--property", "properties", multiple=True, metavar="K=V", help="All its properties; may be given again."
)
@click.option("--published/--unpublished", default=None, help="Whether it is meant for everybody.")
@click.option("--template/--no-template", default=None, help="Whether others can be made from it.")
@by_option
def edit(
    procedure: str,
    db: Path,
    as_json: bool,
    labels: tuple[str, ...],
    no_labels: bool,
    properties: tuple[str, ...],
    **options: Any,
) -> int:
    """Change what is said of a procedure; what is not given stays. None of this has versions.

    Example: stepwell procedures edit stand/hotfire --title Hotfire --label engine --label test
    """
    given = {name: value for name, value in options.items() if value is not None}
    if labels and no_labels:
        raise InvalidInput("give labels, or say that there are none", hint="leave one of them out")
    if labels or no_labels:
        given["labels"] = list(labels)
    if properties:
        given["properties"] = read_tags(properties)
    if set(given) == {"by"}:
        raise InvalidInput("nothing is given to be changed", hint="see: stepwell procedures edit --help")
    view = as_guest(db, lambda stepwell: stepwell.edit_procedure(procedure, **given))
    return told(view, as_json, f"procedure {view['procedure']} is changed")


@click.command()
@procedure_argument
@by_option
def archive(procedure: str, db: Path, as_json: bool, by: str) -> int:
    """Take no new versions and start no runs. Runs that are open go on.

    Example: stepwell procedures archive stand/hotfire
    """
    view = as_guest(db, lambda stepwell: stepwell.archive_procedure(procedure, by=by))
    return told(view, as_json, f"procedure {view['procedure']} is archived")


@click.command()
@procedure_argument
@by_option
def unarchive(procedure: str, db: Path, as_json: bool, by: str) -> int:
    """Bring an archived procedure back.

    Example: stepwell procedures unarchive stand/hotfire
    """
    view = as_guest(db, lambda stepwell: stepwell.unarchive_procedure(procedure, by=by))
    return told(view, as_json, f"procedure {view['procedure']} is back")


@click.command()
@procedure_argument
@yes_option
def delete(procedure: str, db: Path, as_json: bool, yes: bool) -> int:
    """Remove a procedure with all its versions. Refused while other definitions run it, or runs of it are open.

    Example: stepwell procedures delete stand/hotfire --yes
    """
    confirm(f"Remove procedure {procedure} with all its versions?", yes=yes, as_json=as_json)
    view = as_guest(db, lambda stepwell: stepwell.delete_procedure(procedure))
    return told(
        view, as_json, f"procedure {view['procedure']} is deleted; main was at {view['head'][:SHORT]}"
    )


@click.command()
@click.argument("procedure", required=False, metavar="[PROCEDURE]")
@click.option(
    "--older-than", "days", type=float, default=7, show_default=True, metavar="DAYS", help="Saved before."
)
@click.option(
    "--keep", type=int, default=20, show_default=True, metavar="N", help="The newest of each branch stay."
)
@yes_option
@db_option
@json_option
def compact(procedure: str | None, db: Path, as_json: bool, days: float, keep: int, yes: bool) -> int:
    """Remove old drafts, of one procedure or of all.

    Example: stepwell procedures compact --older-than 30
    """
    confirm(f"Remove drafts of {procedure or 'all procedures'}?", yes=yes, as_json=as_json)
    gone = as_guest(db, lambda stepwell: stepwell.compact_drafts(procedure, older_than_days=days, keep=keep))
    return told({"removed": gone}, as_json, f"{gone} drafts removed")
