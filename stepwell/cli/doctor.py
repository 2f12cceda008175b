"""`stepwell doctor`: is the record sound?"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click

from stepwell.cli.options import db_option, json_option


@click.command()
@click.option("--rebuild", is_flag=True, help="Make the indexes anew from the journal first.")
@db_option
@json_option
def command(rebuild: bool, db: Path, as_json: bool) -> int:
    """Read the whole record and check it: hashes, gaps, indexes, that every run can be replayed, and that the
    files that runs name are here and unaltered.

    Exit code 0: nothing wrong; 1: findings, each with what to do; 4: the file cannot be opened.

    Example: stepwell doctor --rebuild
    """
    from stepwell.cli.opening import with_db
    from stepwell.cli.screen import print_json, say

    view = asyncio.run(_doctor(db, rebuild, quiet=as_json))
    for finding in view["findings"]:
        finding["action"] = with_db(finding["action"], db)
    if as_json:
        print_json(view)
    else:
        for text in _lines(view, db):
            say(text)
    return 0 if view["ok"] else 1


async def _doctor(db: Path, rebuild: bool, *, quiet: bool) -> dict[str, Any]:
    from stepwell.cli.opening import guest
    from stepwell.cli.progressing import steps

    async with guest(db) as stepwell:
        with steps(quiet=quiet) as told:
            return await stepwell.doctor(rebuild=rebuild, progress=told)


def _lines(view: dict[str, Any], db: Path) -> list[str]:
    from stepwell.cli.screen import lines_of

    library = ", ".join(f"{name} {value}" for name, value in view["library"].items())
    lines = [f"{db}: {view['runs']} runs, {view['open_runs']} open"]
    lines[0] += (f", {view['files']} files" if view["files"] else "") + (f"; {library}" if library else "")
    if view["rebuilt"]:
        lines.append("the indexes were made anew from the journal")
    for finding in view["findings"]:
        first, *others = lines_of(finding["message"], "  ")
        lines += [f"{finding['severity']} {finding['code']}: {first}", *others]
        lines.append(f"  what next: {finding['action']}")
    if not view["ok"]:
        return [*lines, "something is wrong: see above"]
    warned = any(finding["severity"] == "warning" for finding in view["findings"])
    return [
        *lines,
        "the record is sound; some runs cannot go on: see above" if warned else "nothing is wrong",
    ]
