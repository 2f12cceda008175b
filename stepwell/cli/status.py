"""`stepwell status`: how the whole file stands."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Final

import click

from stepwell.cli.options import db_option, json_option

SHOWN: Final = 10
"""open runs that have a line each"""


@click.command()
@db_option
@json_option
def command(db: Path, as_json: bool) -> int:
    """Say how the file stands: runs by status, the oldest open ones and their reasons, engines, and what needs you.

    Exit code 0: nothing needs anybody; 1: something should be done, each finding says what; 4: the file cannot be
    opened.

    Example: stepwell status
    """
    from stepwell.cli.opening import with_db
    from stepwell.cli.screen import print_json, write

    view = asyncio.run(_status(db))
    for found in (*view["findings"], *view["open"]):
        name = "action" if "action" in found else "next"
        found[name] = found[name] and with_db(found[name], db)
    if as_json:
        print_json(view)
    else:
        for text in _lines(view, db):
            write(text)
    return 0 if view["ok"] else 1


async def _status(db: Path) -> dict[str, Any]:
    from stepwell.cli.opening import looker

    async with looker(db) as stepwell:
        return await stepwell.status()


def _lines(view: dict[str, Any], db: Path) -> list[str]:
    from stepwell.cli.runs.showing import STATUS_STYLES
    from stepwell.cli.screen import line, lines_of, tint

    runs, store = view["runs"], view["store"]
    lines = [
        f"{line(str(db))}: {runs['total']} runs, {runs['open']} open; {store['bytes'] / 1_000_000:.1f} MB"
    ]
    lines += [
        f"  {count:>8}  {tint(status, STATUS_STYLES.get(status, 'yellow'))}"
        for status, count in runs["by_status"].items()
        if count
    ]
    alive = [engine for engine in view["engines"] if engine["alive"]]
    lines.append(f"engines alive: {len(alive)}")
    lines += [f"  {line(engine['id'])}  {engine['open_runs']} open" for engine in alive]
    if view["open"]:
        lines.append("oldest open runs:")
        lines += [_open_line(run) for run in view["open"][:SHOWN]]
        if runs["open"] > SHOWN:
            lines.append(f"  … {runs['open'] - SHOWN} more: stepwell runs list --open --sort oldest")
    for finding in view["findings"]:
        style = "red" if finding["severity"] == "warning" else "yellow"
        first, *others = lines_of(finding["message"], "  ")
        lines += [f"{tint(finding['severity'], style)} {finding['code']}: {first}", *others]
        lines.append(f"  what next: {line(finding['action'])}")
    if view["unexplained"]:
        lines.append(
            f"{view['unexplained']} open runs more were not looked into (the {len(view['open'])} oldest were); of one:"
        )
        lines.append("  stepwell runs explain RUN")
    return [*lines, "nothing needs anybody" if view["ok"] else "something should be done: see above"]


def _open_line(run: dict[str, Any]) -> str:
    from stepwell.cli.screen import line, lines_of
    from stepwell.client.open_steps import span

    age = span(int(run["open_seconds"] * 1_000_000))
    return (
        f"  {run['run_id']}  {line(run['name'], 24)}  {age}  {line(lines_of(run['summary'])[0]).rstrip(':')}"
    )
