"""`stepwell queues …`: queues looked at, set up, held and let go; runs get into them with `run --queue`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stepwell.cli.options import db_option, json_option
from stepwell.cli.screen import line, print_json, table, write
from stepwell.model.errors import InvalidInput

if TYPE_CHECKING:
    from stepwell.assembly import Stepwell

HEADINGS = ("queue", "waiting", "delayed", "held", "running", "limits", "oldest waiting")


@click.group()
def command() -> None:
    """Queues: how many runs wait in them and are carried on, and their limits.

    Example: stepwell queues list
    """


@command.command("list")
@db_option
@json_option
def list_(db: Path, as_json: bool) -> None:
    """Every queue, with what is in it.

    Example: stepwell queues list --json
    """
    from stepwell.cli.opening import looked

    views = looked(db, lambda stepwell: stepwell.queues())
    if as_json:
        print_json({"queues": views})
        return
    for text in table([[line(cell) for cell in row] for row in (HEADINGS, *map(_row, views))]):
        write(text)


@command.command()
@click.argument("name")
@db_option
@json_option
def show(name: str, db: Path, as_json: bool) -> None:
    """One queue: depth, running, the oldest that waits, rate and limits.

    Example: stepwell queues show mail
    """
    from stepwell.cli.opening import looked

    _tell(looked(db, lambda stepwell: stepwell.queue(name)), as_json)


def _limit(text: str) -> int | None:
    """A number from 1, or `none`."""
    if text == "none":
        return None
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise InvalidInput(f"a limit is a number from 1, or none; not {text!r}")


def _rate(text: str) -> tuple[int, float] | None:
    """`N/SECONDS`, or `none`."""
    if text == "none":
        return None
    count, slash, window = text.partition("/")
    try:
        if slash:
            return int(count), float(window)
    except ValueError:
        pass
    raise InvalidInput(f"{text!r} is not a rate", hint="write NUMBER/SECONDS, like --rate 100/60, or none")


LIMITS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "concurrency": ("Runs carried on at once, by all processes together.", _limit),
    "worker_concurrency": ("… by one process.", _limit),
    "partition_concurrency": ("… of one partition.", _limit),
    "rate": ("No more than N beginnings in so many seconds.", _rate),
}


def _limits(function: Callable[..., Any]) -> Callable[..., Any]:
    for name, (words, _) in reversed(LIMITS.items()):
        shape = "N/SECONDS|none" if name == "rate" else "N|none"
        function = click.option(f"--{name.replace('_', '-')}", metavar=shape, help=words)(function)
    return function


@command.command("set")
@click.argument("name")
@_limits
@db_option
@json_option
def set_(name: str, db: Path, as_json: bool, **limits: str | None) -> None:
    """Make a queue, or change limits of one; those that are not named stay as they are.

    Example: stepwell queues set mail --concurrency 10 --rate 100/60
    """
    changes = {limit: LIMITS[limit][1](text) for limit, text in limits.items() if text is not None}
    _tell(_ask(db, lambda stepwell: _set(stepwell, name, changes), make=True), as_json)


@command.command()
@click.argument("name")
@db_option
@json_option
def pause(name: str, db: Path, as_json: bool) -> None:
    """Nothing begins in the queue from now on; what has begun goes on.

    Example: stepwell queues pause mail
    """
    _tell(_ask(db, lambda stepwell: stepwell.pause_queue(name)), as_json)


@command.command()
@click.argument("name")
@db_option
@json_option
def resume(name: str, db: Path, as_json: bool) -> None:
    """Let a paused queue go on.

    Example: stepwell queues resume mail
    """
    _tell(_ask(db, lambda stepwell: stepwell.resume_queue(name)), as_json)


async def _set(stepwell: Stepwell, name: str, changes: dict[str, Any]) -> dict[str, Any]:
    from stepwell.model.queues import Queue

    known = {depth.queue.name: depth.queue for depth in await stepwell.engine.store.queues.list(0)}
    queue = known.get(name, Queue(name))._replace(paused=None)
    return await stepwell.put_queue(queue._replace(**changes))


def _ask(db: Path, ask: Callable[[Stepwell], Awaitable[Any]], *, make: bool = False) -> Any:
    """As a guest; `make`: also where there is no file yet."""

    async def main() -> Any:
        from stepwell.cli.opening import engine, guest

        async with engine(db, guest=True) if make else guest(db) as stepwell:
            return await ask(stepwell)

    return asyncio.run(main())


def _row(view: dict[str, Any]) -> tuple[str, ...]:
    counts = (str(view[name]) for name in ("waiting", "delayed", "held", "running"))
    return (view["name"], *counts, ", ".join(_words(view)) or "-", view["oldest_waiting"] or "-")


def _words(view: dict[str, Any]) -> list[str]:
    """The limits, in words."""
    found = ["paused"] if view["paused"] else []
    for name, words in (("concurrency", "{} at once"), ("worker_concurrency", "{} a process")):
        found += [words.format(view[name])] if view[name] is not None else []
    if view["partition_concurrency"] is not None:
        found.append(f"{view['partition_concurrency']} a partition")
    if view["rate"] is not None:
        count, window = view["rate"]
        found.append(f"{count} in {window:g} s ({view['begun_in_window']} began)")
    return found


def _tell(view: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(view)
        return
    write(line(f"{view['name']}: {', '.join(_words(view)) or 'no limits'}"))
    for name in ("waiting", "delayed", "held", "running"):
        write(line(f"  {name:8} {view[name]}"))
    if view["oldest_waiting"] is not None:
        write(line(f"  the oldest has waited since {view['oldest_waiting']}"))
