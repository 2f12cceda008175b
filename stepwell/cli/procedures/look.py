"""`stepwell procedures list | show | history | diff | parents`: nothing here changes anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from stepwell.cli.options import db_option, json_option
from stepwell.cli.procedures.common import SHORT, as_guest, commit_line, procedure_argument, told
from stepwell.cli.screen import line, print_json, say, table


@click.command("list")
@click.option("--namespace", metavar="NAME", help="Only those of this namespace.")
@click.option("--archived/--all", "archived", default=None, help="Archived ones, or those too.")
@db_option
@json_option
def list_(db: Path, as_json: bool, namespace: str | None, archived: bool | None) -> int:
    """List procedures that are not archived, by name.

    Example: stepwell procedures list --namespace stand
    """
    wanted = {True: True, False: None, None: False}[archived]
    found = as_guest(db, lambda stepwell: stepwell.procedures(namespace, archived=wanted))
    rows = [
        [one["procedure"], _marks(one), one["updated_at"], one["updated_by"] or "-", line(one["title"], 60)]
        for one in found
    ]
    if rows:
        rows.insert(0, ["PROCEDURE", "STATE", "UPDATED", "BY", "TITLE"])
    nothing = "there are no procedures; make one with: stepwell procedures commit FILE -m MESSAGE"
    return told({"procedures": found}, as_json, *(table(rows) or [nothing]))


def _marks(view: dict[str, Any]) -> str:
    return ",".join(name for name in ("archived", "published", "template") if view[name]) or "-"


@click.command()
@procedure_argument
@click.argument("revision", required=False)
@click.option("--document", "whole", is_flag=True, help="Print the document, as YAML.")
@click.option("--draft", is_flag=True, help="Of a branch with a draft, that.")
def show(procedure: str, revision: str | None, db: Path, as_json: bool, whole: bool, draft: bool) -> int:
    """Show a procedure with its branches and tags; or (with a REVISION, or --document) one version of it.

    Example: stepwell procedures show stand/hotfire v1 --document > hotfire.yaml
    """
    if revision is None and not (whole or draft):
        view = as_guest(db, lambda stepwell: stepwell.show_procedure(procedure))
        return told(view, as_json, *_shown(view))
    view = as_guest(db, lambda stepwell: stepwell.procedure_at(procedure, revision or "main", draft=draft))
    if whole and not as_json:
        say(_yaml(view["document"]))
        return 0
    problems = [
        f"  {one['file']}:{one['line']}:{one['column']}: {line(one['message'])}" for one in view["problems"]
    ]
    return told(view, as_json, commit_line(view), *problems)


def _yaml(document: Any) -> str:
    if isinstance(document, str):
        return document
    import yaml

    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)
    return text.rstrip("\n")


def _shown(view: dict[str, Any]) -> list[str]:
    lines = [f"procedure {view['procedure']}" + (f": {line(view['title'])}" if view["title"] else "")]
    marks = _marks(view)
    lines += [f"  state      {marks}"] if marks != "-" else []
    lines += [f"  about      {line(view['description'], 200)}"] if view["description"] else []
    lines += [f"  labels     {line(', '.join(view['labels']))}"] if view["labels"] else []
    lines += [f"  property   {line(name)} = {line(value)}" for name, value in view["properties"].items()]
    lines += [f"  created    {view['created_at']} by {view['created_by'] or '-'}"]
    for kind in ("branches", "tags"):
        lines += [f"  {one['kind']:<9}  {one['name']} at {one['commit'][:SHORT]}" for one in view[kind]]
    return [*lines, f"  main has   {commit_line(view['head'])}"]


@click.command()
@procedure_argument
@click.argument("revision", default="main")
@click.option("--drafts", is_flag=True, help="Drafts too.")
@click.option("--limit", type=int, default=50, show_default=True, metavar="N", help="How many.")
@click.option("--cursor", metavar="TEXT", help="Go on where the page before ended (`next` of its --json).")
def history(
    procedure: str, revision: str, db: Path, as_json: bool, drafts: bool, limit: int, cursor: str | None
) -> int:
    """Print a revision and what it follows from, newest first.

    Example: stepwell procedures history stand/hotfire --limit 10
    """
    page = as_guest(
        db,
        lambda stepwell: stepwell.procedure_history(
            procedure, revision, drafts=drafts, limit=limit, cursor=cursor
        ),
    )
    lines = [commit_line(one) for one in page["commits"]]
    lines += [f"more with: --cursor {page['next']}"] if page["next"] else []
    return told(page, as_json, *lines)


@click.command()
@procedure_argument
@click.argument("before", required=False)
@click.argument("after", default="main")
def diff(procedure: str, before: str | None, after: str, db: Path, as_json: bool) -> int:
    """Say how two revisions differ, by task, section and field, and what that means for runs. With one revision: how
    main differs from it; with none: what the last commit (or draft) of main changed.

    Example: stepwell procedures diff stand/hotfire v1 main
    """
    view = as_guest(db, lambda stepwell: stepwell.diff_procedure(procedure, before, after))
    if as_json:
        print_json(view)
        return 0
    for one in view["lines"] or ["no difference"]:
        say(one)
    if view["lines"]:
        say(
            f"for runs: {view['level']}"
            + ("; the fingerprint is the same" if view["same_fingerprint"] else "")
        )
    return 0


@click.command()
@procedure_argument
def parents(procedure: str, db: Path, as_json: bool) -> int:
    """Print the definitions that run it: where, and which versions they want.

    Example: stepwell procedures parents stand/purge
    """
    found = as_guest(db, lambda stepwell: stepwell.procedure_parents(procedure))
    rows = [[one["workflow"], one["wants"], one["pointer"]] for one in found]
    if rows:
        rows.insert(0, ["DEFINITION", "WANTS", "AT"])
    return told({"procedure": procedure, "parents": found}, as_json, *(table(rows) or ["nobody runs it"]))
