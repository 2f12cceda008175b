"""`stepwell procedures export | import | create-from`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from stepwell.cli.options import PATH, db_option, json_option, read_text
from stepwell.cli.procedures.common import SHORT, as_guest, by_option, procedure_argument, told
from stepwell.cli.screen import print_json
from stepwell.model.errors import InvalidDefinition, InvalidInput


@click.command()
@procedure_argument
@click.option("--to", type=PATH, metavar="FILE", help="A new file, .json or .yaml; else standard output.")
@click.option("--drafts", is_flag=True, help="Drafts too.")
def export(procedure: str, db: Path, as_json: bool, to: Path | None, drafts: bool) -> int:
    """Write a procedure with its history: one JSON (or YAML) object, for `procedures import`.

    Example: stepwell procedures export stand/hotfire --to hotfire.json
    """
    file = as_guest(db, lambda stepwell: stepwell.export_procedure(procedure, drafts=drafts))
    if to is None:
        print_json(file)
        return 0
    _write(to, file)
    view = {"procedure": procedure, "file": str(to), "commits": len(file["commits"])}
    return told(view, as_json, f"{to}: {view['commits']} commits of {procedure}")


def _write(to: Path, file: dict[str, Any]) -> None:
    if to.suffix in (".yaml", ".yml"):
        import yaml

        text = yaml.safe_dump(file, sort_keys=False, allow_unicode=True)
    else:
        text = json.dumps(file, indent=1) + "\n"
    try:
        with to.open("x", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError:
        raise InvalidInput(f"{to} is there already", hint="name a new file") from None
    except OSError as error:
        raise InvalidInput(f"cannot write {to}: {error.strerror}") from error


@click.command("import")
@click.argument("file", type=PATH)
@db_option
@json_option
def import_(file: Path, db: Path, as_json: bool) -> int:
    """Store an exported procedure, with its history. All of it is checked first.

    Example: stepwell procedures import hotfire.json
    """
    from stepwell.definition.source import read

    source = read(read_text(file), str(file))
    if source.issues:
        raise InvalidDefinition(source.findings(source.issues))
    view = as_guest(db, lambda stepwell: stepwell.import_procedure(source.value), make=True)
    done = "is stored" if view["created"] else "was there already"
    return told(view, as_json, f"procedure {view['procedure']} {done}, main at {view['commit'][:SHORT]}")


@click.command("create-from")
@click.argument("template")
@procedure_argument
@click.option(
    "--at", default="main", show_default=True, metavar="REVISION", help="Which version of the template."
)
@click.option("--title", metavar="TEXT", help="The title of the new one.")
@by_option
def create_from(
    template: str, procedure: str, db: Path, as_json: bool, at: str, by: str, title: str | None
) -> int:
    """Make a procedure that begins with what a template has (see `procedures edit --template`).

    Example: stepwell procedures create-from stand/hotfire stand/cold-flow
    """
    said = {} if title is None else {"title": title}
    view = as_guest(db, lambda stepwell: stepwell.create_from(template, procedure, at=at, by=by, **said))
    return told(view, as_json, f"procedure {view['procedure']} is made: commit {view['commit'][:SHORT]}")
