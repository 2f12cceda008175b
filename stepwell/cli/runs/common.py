"""What the commands on one run share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from stepwell.cli.options import db_option, json_option

if TYPE_CHECKING:
    from stepwell.assembly import Stepwell
    from stepwell.client.looker import Looker

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


def run_argument(function: F) -> F:
    """`RUN`, `--db` and `--json`."""
    return click.argument("run", metavar="RUN")(db_option(json_option(function)))


def as_guest(db: Path, given: str, ask: Callable[[Stepwell, str], Awaitable[T]]) -> T:
    """Ask something about one run, as a guest; `ask` gets the full run id."""

    async def main() -> T:
        from stepwell.cli.opening import find_run, guest

        async with guest(db) as stepwell:
            return await ask(stepwell, await find_run(stepwell, given))

    return asyncio.run(main())


def as_looker(db: Path, given: str, ask: Callable[[Looker, str], Awaitable[T]]) -> T:
    """The same for what changes nothing."""

    async def main() -> T:
        from stepwell.cli.opening import find_run, looker

        async with looker(db) as stepwell:
            return await ask(stepwell, await find_run(stepwell, given))

    return asyncio.run(main())
