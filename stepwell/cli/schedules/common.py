"""What the commands on schedules share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from stepwell.cli.options import db_option, json_option
from stepwell.cli.screen import line, print_json, say

if TYPE_CHECKING:
    from stepwell.assembly import Stepwell
    from stepwell.client.looker import Looker

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


def name_argument(function: F) -> F:
    """`NAME`, `--db` and `--json`."""
    return click.argument("name", metavar="NAME")(db_option(json_option(function)))


def as_guest(db: Path, ask: Callable[[Stepwell], Awaitable[T]]) -> T:
    """Ask something as a guest: the engine that serves the file hears of it."""

    async def main() -> T:
        from stepwell.cli.opening import guest

        async with guest(db) as stepwell:
            return await ask(stepwell)

    return asyncio.run(main())


def as_looker(db: Path, ask: Callable[[Looker], Awaitable[T]]) -> T:
    """Ask something that changes nothing."""
    from stepwell.cli.opening import looked

    return looked(db, ask)


def told(view: dict[str, Any], as_json: bool, *lines: str) -> int:
    """Print the view, or these lines."""
    if as_json:
        print_json(view)
    else:
        for text in lines:
            say(text)
    return 0


def local(at: str | None, schedule: Mapping[str, Any]) -> str:
    """An instant as the clock shows it where the schedule's cron is read; RFC 3339, so it is no less exact."""
    if at is None or schedule["cron"] is None:
        return at or "-"
    from zoneinfo import ZoneInfo

    return datetime.fromisoformat(at).astimezone(ZoneInfo(schedule["zone"])).isoformat(timespec="seconds")


def times(view: dict[str, Any]) -> str:
    """When it fires, in a few words."""
    if view["cron"] is not None:
        return line(f"cron {view['cron']} in {view['zone']}")
    return f"every {view['every']}" if view["every"] is not None else f"{view['after']} after the last run"
