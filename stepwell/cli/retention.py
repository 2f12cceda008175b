"""`stepwell retention set | list | drop | run`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from stepwell.cli.archive import as_guest, confirm, plan_line, receipt_line
from stepwell.cli.durations import seconds
from stepwell.cli.options import PATH, db_option, json_option, yes_option
from stepwell.cli.screen import line, print_json, say


@click.group()
def command() -> None:
    """Say how long ended runs of a definition are kept, and enforce it.

    Nothing is removed until `retention run` is called, or an engine is told to do it (`serve --retention`).

    Example: stepwell retention set order --keep 30d
    """


def _namespace(function: Any) -> Any:
    return click.option(
        "--namespace", default="default", show_default=True, metavar="NAME", help="Of the definition."
    )(function)


@command.command("set")
@click.argument("name")
@click.option("--keep", type=seconds, required=True, metavar="TIME", help="How long, like 30d.")
@click.option("--keep-last", type=click.IntRange(0), default=0, metavar="N", help="Always keep the newest N.")
@click.option("--archive-to", "folder", type=PATH, metavar="FOLDER", help="Archive them there first.")
@_namespace
@db_option
@json_option
def set_(name: str, keep: float, db: Path, as_json: bool, **options: Any) -> int:
    """Keep ended runs of this definition for so long after their end.

    Example: stepwell retention set order --keep 30d --archive-to /var/archive
    """
    view = as_guest(db, lambda stepwell: stepwell.set_retention(name, keep_seconds=keep, **options))
    if as_json:
        print_json(view)
    else:
        say(_policy_line(view))
    return 0


def _policy_line(view: dict[str, Any]) -> str:
    days = view["keep_seconds"] / 86_400
    words = f"{view['namespace']}/{view['name']}: keep {days:g} days"
    if view["keep_last"]:
        words += f", and the newest {view['keep_last']}"
    return line(words + (f"; then archive to {view['folder']}" if view["folder"] else "; then remove"))


@command.command("list")
@db_option
@json_option
def list_(db: Path, as_json: bool) -> int:
    """List every policy.

    Example: stepwell retention list
    """
    found = as_guest(db, lambda stepwell: stepwell.retentions())
    if as_json:
        print_json({"policies": found})
        return 0
    for view in found:
        say(_policy_line(view))
    if not found:
        say("no policies: every run is kept")
    return 0


@command.command("drop")
@click.argument("name")
@_namespace
@db_option
@json_option
def drop(name: str, namespace: str, db: Path, as_json: bool) -> int:
    """Keep the runs of this definition for ever again.

    Example: stepwell retention drop order
    """
    as_guest(db, lambda stepwell: stepwell.drop_retention(name, namespace=namespace))
    if as_json:
        print_json({"namespace": namespace, "name": name, "dropped": True})
    else:
        say(f"runs of {namespace}/{name} are kept")
    return 0


@command.command("run")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@yes_option
@db_option
@json_option
def run(dry_run: bool, yes: bool, db: Path, as_json: bool) -> int:
    """Do what the policies say, a few runs per commit, so that an engine on the same file is not held up.

    Example: stepwell retention run --dry-run
    """
    if not dry_run:
        confirm("Remove what the policies no longer keep?", yes=yes or as_json)
    view = as_guest(db, lambda stepwell: stepwell.run_retention(dry_run=dry_run))
    if as_json:
        print_json(view)
        return 0
    for receipt in view["finished"]:
        say(f"finished {receipt_line(receipt)}")
    for policy in view["policies"]:
        say(_policy_line(policy))
        if dry_run:
            say(f"  {plan_line(policy['plan'])}")
        for receipt in policy.get("receipts", ()):
            say(f"  {receipt_line(receipt)}")
    return 0
