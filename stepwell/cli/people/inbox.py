"""`stepwell inbox`: what waits for people."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from stepwell.cli.options import db_option, json_option
from stepwell.cli.screen import line, on_terminal, print_json, table, tint, write
from stepwell.cli.who import actor, who_options
from stepwell.model.base import SECOND, Duration, Instant

if TYPE_CHECKING:
    from stepwell.model.people import Actor
    from stepwell.ports import Clock

LOOK_EVERY: Final[Duration] = SECOND

HEADINGS: Final = ("DUE", "PRIORITY", "PROCEDURE", "STEP", "TITLE", "TO DO", "RUN", "FOR")
TO_DO: Final = {"pending": "begin", "running": "fill in", "waiting": "decide"}
SHORT: Final = 13
"""characters of a run's id that tell runs apart, unless they began in the same millisecond"""


@click.command("inbox")
@who_options
@click.option("--mine", is_flag=True, help="Only what is yours by name: not your groups', not anybody's.")
@click.option("--all", "everybody", is_flag=True, help="What waits for anybody at all.")
@click.option("--run", metavar="RUN", help="Only what waits in this run.")
@click.option("--kind", type=click.Choice(["form", "approval", "condition"]), help="Only steps of this kind.")
@click.option("--watch", is_flag=True, help="Stay, and show it again whenever it changes, until Ctrl-C.")
@click.option("--limit", type=click.IntRange(1, 1_000), default=50, show_default=True, help="How many.")
@click.option("--cursor", metavar="CURSOR", help="Where the page before ended (`cursor` of its --json).")
@db_option
@json_option
def command(
    db: Path,
    as_json: bool,
    mine: bool,
    everybody: bool,
    run: str | None,
    kind: str | None,
    limit: int,
    cursor: str | None,
    watch: bool,
    **who: Any,
) -> int:
    """List what waits for you: what is yours by name, your groups', and anybody's; the most urgent first. What you have
    decided already, or may not decide, is not there.

    Exit code 0, whether something waits or not. With --watch and --json there is an object, on a line, for each change.

    Example: stepwell inbox --as ada --group stand-crew
    """
    by = None if everybody else actor(who)
    page = {"mine": mine, "kind": kind, "limit": limit, "cursor": cursor}

    def show(view: dict[str, Any], now: Instant) -> None:
        if as_json:
            print_json(view)
            return
        if watch and on_terminal():
            click.clear()
        for text in _lines(view, now, db, by.id if by is not None else None):
            write(text)

    asyncio.run(_ask(db, by, run, show, page, watch=watch))
    return 0


async def _ask(
    db: Path,
    by: Actor | None,
    run: str | None,
    show: Callable[[dict[str, Any], Instant], None],
    page: dict[str, Any],
    *,
    watch: bool,
) -> None:
    """Ask, and show it; with `watch` again and again, whenever it is another answer."""
    from stepwell.cli.attending import signals
    from stepwell.cli.opening import find_run, looker

    async with looker(db) as stepwell:
        run_id = None if run is None else await find_run(stepwell, run)
        clock, before = stepwell.engine.clock, None
        with signals() if watch else contextlib.nullcontext() as pressed:
            while True:
                view = await stepwell.inbox(by, run=run_id, **page)
                if view != before:
                    show(view, clock.now())
                before = view
                if pressed is None or await _left(pressed, clock):
                    return


async def _left(pressed: asyncio.Queue[int], clock: Clock) -> bool:
    """Wait until it is time to look again; whether somebody wants to leave."""
    key = asyncio.ensure_future(pressed.get())
    pause = asyncio.ensure_future(clock.wait_until(clock.now() + LOOK_EVERY))
    either: set[asyncio.Future[Any]] = {key, pause}
    done, waiting = await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    return key in done


def _lines(view: dict[str, Any], now: Instant, db: Path, name: str | None) -> list[str]:
    from stepwell.cli.opening import with_db

    items = view["items"]
    if not items:
        whom = f"for {line(name)}" if name is not None else "for anybody"
        more = "" if name is None else with_db("; what waits for others: stepwell inbox --all", db)
        return [f"nothing waits {whom}{more}"]
    short = short_ids([item["run_id"] for item in items])
    lines = table([HEADINGS, *(_cells(item, short[item["run_id"]], now) for item in items)])
    lines = [
        _marked(text, item["overdue"]) for text, item in zip(lines, [{"overdue": False}, *items], strict=True)
    ]
    if view["cursor"] is not None:
        lines.append(f"{len(items)} of {view['total']}; more: --cursor {view['cursor']}")
    first = items[0]
    step = shlex.quote(first["task"])
    return [*lines, with_db(f"go on with: stepwell step show {short[first['run_id']]} {step}", db)]


def _marked(text: str, overdue: bool) -> str:
    return tint(text.rstrip(), "red") if overdue else text.rstrip()


def _cells(item: dict[str, Any], run: str, now: Instant) -> tuple[str, ...]:
    from stepwell.cli.people.drawing import due_words, whose

    return (
        due_words(item["due"], now) or "-",
        str(item["priority"]),
        line(item["run_title"] or item["workflow"], 40),
        line(item["task"], 30),
        line(item["title"], 40),
        TO_DO.get(item["state"], item["state"]),
        run,
        whose(item),
    )


def short_ids(ids: Sequence[str]) -> dict[str, str]:
    """As much of each id as tells it from the others."""
    distinct = set(ids)
    length = SHORT
    while len({one[:length] for one in distinct}) < len(distinct):
        length += 1
    return {one: one[:length].rstrip("-") for one in distinct}
