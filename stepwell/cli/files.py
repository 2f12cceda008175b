"""`stepwell files put | get | list`: files beside the database, as forms and steps name them."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from stepwell.cli.options import PATH, db_option, json_option
from stepwell.cli.screen import line, print_json, say, table
from stepwell.model.errors import Conflict, InvalidInput, NotFound

if TYPE_CHECKING:
    from stepwell.assembly import Stepwell

T = TypeVar("T")
SHORT = 16
"""digits of a hash that tell files apart for people"""


@click.group()
def command() -> None:
    """Files that people and steps hand in: kept beside the database, each once, by the SHA-256 of what is in it.

    Example: stepwell files put gauge.png
    """


def _as_guest(db: Path, ask: Callable[[Stepwell], Awaitable[T]]) -> T:
    async def main() -> T:
        from stepwell.cli.opening import guest

        async with guest(db) as stepwell:
            return await ask(stepwell)

    return asyncio.run(main())


@command.command("put")
@click.argument("paths", nargs=-1, required=True, type=PATH, metavar="PATH...")
@click.option("--name", metavar="NAME", help="What it is called.  [default: as the path]")
@click.option("--type", "kind", metavar="TYPE", help="Its media type.  [default: by its name]")
@db_option
@json_option
def put(paths: tuple[Path, ...], name: str | None, kind: str | None, db: Path, as_json: bool) -> int:
    """Keep files, and print for each what stands for it in a form or an input: {"file", "name", "size", "type"}.

    With --json one object: {"files": […]}.

    Example: stepwell files put gauge.png
    """
    if len(paths) > 1 and name is not None:
        raise InvalidInput("--name is the name of one file", hint="name one path, or leave it out")

    async def ask(stepwell: Stepwell) -> list[dict[str, Any]]:
        return [await stepwell.put_file(path, name=name, type=kind) for path in paths]

    found = _as_guest(db, ask)
    if as_json:
        print_json({"files": found})
        return 0
    for value in found:
        print_json(value)
    return 0


@command.command("get")
@click.argument("file", metavar="FILE")
@click.option(
    "--to", type=PATH, metavar="PATH", help="Write it there, where nothing is.  [default: standard output]"
)
@db_option
@json_option
def get(file: str, to: Path | None, db: Path, as_json: bool) -> int:
    """Read a file; FILE is its SHA-256, or as much of its beginning as makes it the only one. It is checked as it is
    read: a damaged one is not left behind.

    Example: stepwell files get 9f86d081884c7d65 --to gauge.png
    """
    if to is None and (as_json or sys.stdout.isatty()):
        raise InvalidInput("it is not said where to write it", hint="say --to PATH")

    async def ask(stepwell: Stepwell) -> dict[str, Any]:
        digest = await _found(stepwell, file)
        size = await (_to_output(stepwell, digest) if to is None else _to_path(stepwell, digest, to))
        return {"file": digest, "size": size, "path": None if to is None else str(to)}

    view = _as_guest(db, ask)
    if as_json:
        print_json(view)
    elif to is not None:
        say(f"{to}: {view['size']:,} bytes")
    return 0


async def _found(stepwell: Stepwell, beginning: str) -> str:
    found = [each["file"] for each in await stepwell.files() if each["file"].startswith(beginning)]
    if len(found) == 1 and beginning:
        return str(found[0])
    if found and beginning:
        raise InvalidInput(f"{len(found)} files begin with {beginning}", hint="give more of it")
    raise NotFound(f"there is no file {beginning}", hint="list the files with: stepwell files list")


async def _to_output(stepwell: Stepwell, digest: str) -> int:
    size = 0
    async for piece in stepwell.stream_file(digest):
        sys.stdout.buffer.write(piece)
        size += len(piece)
    sys.stdout.buffer.flush()
    return size


async def _to_path(stepwell: Stepwell, digest: str, to: Path) -> int:
    size = 0
    try:
        target = await asyncio.to_thread(to.open, "xb")
    except FileExistsError as error:
        raise Conflict(f"{to} is there already", hint="name another file") from error
    except OSError as error:
        raise InvalidInput(f"cannot write {to}: {error.strerror}") from error
    try:
        with target:
            async for piece in stepwell.stream_file(digest):
                await asyncio.to_thread(target.write, piece)
                size += len(piece)
    except BaseException:
        with contextlib.suppress(OSError):
            await asyncio.to_thread(to.unlink)
        raise
    return size


@command.command("list")
@click.option("--run", metavar="RUN", help="Only the files that this run names, by their names.")
@db_option
@json_option
def list_(run: str | None, db: Path, as_json: bool) -> int:
    """List the files that are kept, or those that a run names. With --json one object: {"files": […]}.

    Example: stepwell files list --run 01936c2e
    """

    async def ask(stepwell: Stepwell) -> list[dict[str, Any]]:
        from stepwell.cli.opening import find_run

        if run is None:
            return await stepwell.files()
        return await stepwell.run_files(await find_run(stepwell, run))

    found = _as_guest(db, ask)
    if as_json:
        print_json({"files": found})
        return 0
    for text in table(_rows(found, of_run=run is not None)) or ["no files"]:
        say(text.rstrip())
    return 0


def _rows(found: list[dict[str, Any]], *, of_run: bool) -> list[tuple[str, ...]]:
    if not found:
        return []
    if of_run:
        return [
            ("FILE", "SIZE", "TYPE", "NAME", ""),
            *(
                (one["file"][:SHORT], f"{one['size']:,}", line(one["type"]), line(one["name"]), _here(one))
                for one in found
            ),
        ]
    return [
        ("FILE", "SIZE", "KEPT", ""),
        *(
            (
                one["file"][:SHORT],
                f"{one['size']:,}",
                one["kept_at"],
                "" if one["named"] else "nothing names it: a sweep removes it",
            )
            for one in found
        ),
    ]


def _here(one: dict[str, Any]) -> str:
    return "" if one["here"] else "not here, or not whole"
