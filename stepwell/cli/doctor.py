"""`stepwell doctor`: is the record sound?"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import click

from stepwell.cli.options import db_option, json_option

MOST_IDS: Final = 5


@click.command()
@click.option("--rebuild", is_flag=True, help="Make the indexes anew from the journal first.")
@db_option
@json_option
def command(rebuild: bool, db: Path, as_json: bool) -> int:
    """Read the whole record and check it: hashes, gaps, indexes, that every run can be replayed, and that the
    files that runs name are here and unaltered. What is the same of many runs is said once, with the first ids.

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
    from stepwell.cli.opening import guest, looker
    from stepwell.cli.progressing import steps

    async with guest(db) if rebuild else looker(db) as stepwell:
        with steps(quiet=quiet) as told:
            return await stepwell.doctor(rebuild=rebuild, progress=told)


def _lines(view: dict[str, Any], db: Path) -> list[str]:
    from stepwell.cli.screen import lines_of

    library = ", ".join(f"{name} {value}" for name, value in view["library"].items())
    lines = [f"{db}: {view['runs']} runs, {view['open_runs']} open"]
    lines[0] += (f", {view['files']} files" if view["files"] else "") + (f"; {library}" if library else "")
    if view["rebuilt"]:
        lines.append("the indexes were made anew from the journal")
    for finding, *alike in grouped(view["findings"]):
        first, *others = lines_of(finding["message"], "  ")
        lines += [f"{finding['severity']} {finding['code']}: {first}", *others]
        if alike:
            ids = ", ".join(one["run_id"] for one in alike[:MOST_IDS])
            more = ", … (--json has them all)" if len(alike) > MOST_IDS else ""
            lines.append(f"  the same of {len(alike)} more: {ids}{more}")
        lines.append(f"  what next: {finding['action']}")
    if not view["ok"]:
        return [*lines, "something is wrong: see above"]
    warned = any(finding["severity"] == "warning" for finding in view["findings"])
    return [
        *lines,
        "the record is sound; some runs need somebody: see above" if warned else "nothing is wrong",
    ]


def grouped(findings: Iterable[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Findings that say the same of different runs, together; in the order of the first of each."""
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for number, finding in enumerate(findings):
        run, texts = finding["run_id"], (finding["message"], finding["action"])
        said = (str(number),) if run is None else tuple(text.replace(run, "\0") for text in texts)
        groups.setdefault((finding["severity"], finding["code"], *said), []).append(finding)
    return list(groups.values())
