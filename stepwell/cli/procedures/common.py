"""What the commands on procedures share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from stepwell.cli.options import db_option, json_option
from stepwell.cli.screen import line, print_json, say
from stepwell.cli.who import login

if TYPE_CHECKING:
    from stepwell.assembly import Stepwell

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")
SHORT = 12
"""digits of an id that are shown"""


def procedure_argument(function: F) -> F:
    """`PROCEDURE`, `--db` and `--json`."""
    return click.argument("procedure", metavar="PROCEDURE")(db_option(json_option(function)))


def branch_option(function: F) -> F:
    return click.option("--branch", default="main", show_default=True, metavar="NAME", help="The branch.")(
        function
    )


def expected_option(function: F) -> F:
    return click.option(
        "--expect",
        "expected",
        metavar="COMMIT",
        help="Do it only if the branch is still at this commit (7 digits of it will do).",
    )(function)


def by_option(function: F) -> F:
    return click.option(
        "--by",
        "--as",
        "by",
        envvar="STEPWELL_USER",
        show_envvar=True,
        default=login,
        metavar="NAME",
        help="Who does it.  [default: the login name]",
    )(function)


def as_guest(db: Path, ask: Callable[[Stepwell], Awaitable[T]], *, make: bool = False) -> T:
    """Ask something as a guest; `make`: also where there is no file yet."""

    async def main() -> T:
        from stepwell.cli.opening import engine, guest

        async with engine(db, guest=True) if make else guest(db) as stepwell:
            return await ask(stepwell)

    return asyncio.run(main())


def told(view: dict[str, Any], as_json: bool, *lines: str) -> int:
    """Print the view, or these lines."""
    if as_json:
        print_json(view)
    else:
        for text in lines:
            say(text)
    return 0


def commit_line(view: dict[str, Any]) -> str:
    """A commit in one line."""
    marks = [] if view["version"] is None else [f"v{view['version']}"]
    marks += ["draft"] if view["draft"] else []
    marks += [f"{len(view['problems'])} problems"] if view["problems"] else []
    marks += ["merge"] if view["merge_parent"] else []
    said = f"{view['commit'][:SHORT]}  {view['at']}  {view['author'] or '-'}  {line(view['message'], 80)}"
    return f"{said}  ({', '.join(marks)})" if marks else said
