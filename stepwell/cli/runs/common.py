"""What the commands on one run share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from stepwell.cli.options import BY_KEY, SHIFTED, db_option, json_option

if TYPE_CHECKING:
    from stepwell.assembly import Stepwell
    from stepwell.client.looker import Looker

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


class RunArgument(click.Argument):
    """`RUN`, or instead of it `--key K`: what stands first is what comes after RUN then."""

    def __init__(self, names: Sequence[str], **options: Any) -> None:
        super().__init__(names, is_eager=True, **options)  # before the others, which it may shift

    def consume_value(self, ctx: click.Context, opts: Mapping[str, Any]) -> Any:
        key = opts.get("key")
        if not isinstance(key, str):
            return super().consume_value(ctx, opts)
        names = [str(each.name) for each in ctx.command.params if isinstance(each, click.Argument)]
        given = [opts.get(name) for name in names]
        if isinstance(given[-1], str):
            raise click.UsageError("a run is named by its id or by --key, not by both", ctx)
        if len(given) > 1 and isinstance(given[0], str):
            ctx.meta[SHIFTED] = given[0]  # whether it is a run after all, the file knows: see `find_run`
        cast(MutableMapping[str, Any], opts).update(zip(names[1:], given, strict=False))
        return BY_KEY + key, click.core.ParameterSource.COMMANDLINE


def run_argument(function: F) -> F:
    """`RUN` or `--key`, `--db` and `--json`."""
    key = click.option(
        "--key", metavar="K", expose_value=False, help="Instead of RUN: the key that it was started with."
    )
    run = click.argument("run", metavar="RUN", cls=RunArgument)
    return run(key(db_option(json_option(function))))


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
