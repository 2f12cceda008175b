"""`stepwell archive plan | apply | list | show | finish | restore | verify`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stepwell.cli.durations import seconds
from stepwell.cli.options import PATH, db_option, json_option, yes_option
from stepwell.cli.progressing import steps
from stepwell.cli.screen import line, print_json, say

if TYPE_CHECKING:
    from stepwell.assembly import Stepwell


@click.group()
def command() -> None:
    """Put ended runs away, by plan, token and receipt; and bring them back.

    A plan says which runs, and gives a token for exactly these. Applying the token writes them to a file (--to), reads
    the file back, and then removes them from the database. See docs/retention.md.

    Example: stepwell archive plan --older-than 30d
    """


def as_guest(db: Path, ask: Callable[[Stepwell], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        from stepwell.cli.opening import guest

        async with guest(db) as stepwell:
            return await ask(stepwell)

    return asyncio.run(main())


def confirm(question: str, *, yes: bool) -> None:
    if not yes and sys.stdout.isatty() and sys.stdin.isatty():
        click.confirm(line(question), abort=True)


@command.command("plan")
@click.option(
    "--older-than", type=seconds, default="30d", show_default=True, metavar="TIME", help="Since their end."
)
@click.option("--status", "statuses", multiple=True, metavar="STATUS", help="Only runs that ended so.")
@click.option("--name", metavar="NAME", help="Only runs of definitions of this name.")
@click.option("--namespace", metavar="NAME", help="Only runs of this namespace.")
@click.option("--where", metavar="FILTER", help="Only runs with such attributes (see `runs list --where`).")
@click.option(
    "--keep-last", type=click.IntRange(0), default=0, metavar="N", help="Keep the newest N of each."
)
@click.option("--most", type=click.IntRange(1), default=10_000, show_default=True, help="Runs in one plan.")
@db_option
@json_option
def plan(db: Path, as_json: bool, statuses: tuple[str, ...], **options: Any) -> int:
    """Say which ended runs would be put away, and give the token for it. Changes nothing.

    Example: stepwell archive plan --older-than 90d --status completed --keep-last 100
    """
    view = as_guest(db, lambda stepwell: stepwell.plan_archive(status=statuses, **options))
    if as_json:
        print_json(view)
        return 0
    from stepwell.cli.opening import with_db

    say(plan_line(view))
    if view["held_back"]:
        say(
            f"  {view['held_back']} more fit, but belong to families that have not all ended, or do not all fit"
        )
    if view["more"]:
        say(f"  {view['more']} more wait for another plan")
    if view["runs"]:
        say(with_db(f"apply it with: stepwell archive apply --to FILE {view['token']}", db))
    return 0


def plan_line(view: dict[str, Any]) -> str:
    if not view["runs"]:
        return f"no runs that ended before {view['selection']['before']}"
    size = f"{view['turns']} turns, {view['bytes']:,} bytes"
    return f"{view['runs']} runs ({size}), ended from {view['oldest']} to {view['newest']}"


@command.command("apply")
@click.argument("token")
@click.option("--to", type=PATH, metavar="FILE", help="Write them to this file first (gzip of JSON lines).")
@click.option("--keep", is_flag=True, help="Write the file only; remove nothing.")
@yes_option
@db_option
@json_option
def apply(token: str, to: Path | None, keep: bool, yes: bool, db: Path, as_json: bool) -> int:
    """Carry out the plan of this token, and print the receipt. Given again, it finishes what was interrupted.

    Without --to the runs are removed for good.

    Example: stepwell archive apply --to old.jsonl.gz eyJ0…
    """
    if not keep:
        how = f"They are written to {to} first." if to is not None else "There will be no copy of them."
        confirm(f"Remove the runs of this plan? {how}", yes=yes or as_json)
    with steps(quiet=as_json) as told:
        view = as_guest(
            db, lambda stepwell: stepwell.apply_archive(token, to=to, remove=not keep, progress=told)
        )
    return show_receipt(view, as_json)


def show_receipt(view: dict[str, Any], as_json: bool) -> int:
    if as_json:
        print_json(view)
        return 0
    say(receipt_line(view))
    for name in ("file", "file_sha256"):
        if view[name]:
            say(f"  {name.replace('_', ' '):<12} {line(str(view[name]))}")
    if view.get("files"):
        say(f"  {'files':<12} {view['files']} ({view['files_bytes']:,} bytes) are in it too")
    if view.get("files_missing"):
        say(f"  {len(view['files_missing'])} files that its runs name were not there, or damaged: not in it")
    if view["kept"]:
        say(f"  {len(view['kept'])} runs changed since the plan was made and were kept")
    return 0


def receipt_line(view: dict[str, Any]) -> str:
    what = (
        f"{view['removed']} of {view['runs']} runs removed"
        if view["removed"] or view["state"] == "removing"
        else (f"{view['runs']} runs written, none removed")
    )
    return f"{view['archive_id'][:12]}  {view['made_at']}  {view['state']}: {what}"


@command.command("list")
@click.option("--limit", type=click.IntRange(1, 1_000), default=20, show_default=True, help="How many.")
@db_option
@json_option
def list_(limit: int, db: Path, as_json: bool) -> int:
    """List the receipts of applied plans, newest first.

    Example: stepwell archive list
    """
    found = as_guest(db, lambda stepwell: stepwell.archives(limit))
    if as_json:
        print_json({"archives": found})
        return 0
    for view in found:
        say(receipt_line(view))
    if not found:
        say("no archives")
    return 0


@command.command("show")
@click.argument("archive")
@db_option
@json_option
def show(archive: str, db: Path, as_json: bool) -> int:
    """Print one receipt.

    Example: stepwell archive show 3f2a9c
    """
    return show_receipt(as_guest(db, lambda stepwell: stepwell.archive_receipt(archive)), as_json)


@command.command("finish")
@db_option
@json_option
def finish(db: Path, as_json: bool) -> int:
    """Finish plans whose removal was interrupted.

    Example: stepwell archive finish
    """
    found = as_guest(db, lambda stepwell: stepwell.finish_archives())
    if as_json:
        print_json({"finished": found})
        return 0
    for view in found:
        say(receipt_line(view))
    if not found:
        say("nothing was left to finish")
    return 0


@command.command("restore")
@click.argument("file", type=PATH)
@db_option
@json_option
def restore(file: Path, db: Path, as_json: bool) -> int:
    """Bring the runs of an archive back. Its lines and turns are checked first; runs that are there stay as they are.

    Exit code 1: some runs are there, and are not what the file has.

    Example: stepwell archive restore old.jsonl.gz
    """
    with steps(quiet=as_json) as told:
        view = as_guest(db, lambda stepwell: stepwell.restore_archive(file, progress=told))
    if as_json:
        print_json(view)
    else:
        say(f"{view['restored']} of {view['runs']} runs restored, {view['present']} were there already")
        if view["files"]:
            say(f"  and {view['files']} files")
        for run_id in view["differing"]:
            say(f"  run {run_id} is there and differs: left as it is")
    return 1 if view["differing"] else 0


@command.command("verify")
@click.argument("file", type=PATH)
@json_option
def verify(file: Path, as_json: bool) -> int:
    """Read an archive and check every hash.

    Example: stepwell archive verify old.jsonl.gz
    """
    from stepwell.client.archive import carry

    with steps(quiet=as_json) as told:
        view = asyncio.run(carry.verify(file, carry.Told(None, told)))
    if as_json:
        print_json(view)
    else:
        say(f"{file}: {view['runs']} runs, {view['turns']} turns, {view['files']} files; nothing is wrong")
    return 0
