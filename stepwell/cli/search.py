"""`stepwell search runs | definitions`, and `stepwell runs search`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from stepwell.cli.lazy import LazyGroup
from stepwell.cli.options import db_option, json_option, read_input
from stepwell.cli.screen import line, print_json, table, write
from stepwell.model.errors import InvalidInput
from stepwell.model.search import DEFINITION_SORTS, RUN_SORTS

F = TypeVar("F", bound=Callable[..., Any])
WIDEST: Final = 60


@click.group(
    cls=LazyGroup,
    commands_in={
        "runs": ("stepwell.cli.search:runs", "Find runs by what they are called and what became of them."),
        "definitions": ("stepwell.cli.search:definitions", "Find stored definitions by what they say."),
    },
)
def command() -> None:
    """Find runs and definitions. See docs/search.md for what can be asked.

    Example: stepwell search runs 'label:engine and not state:failed and text:"leak check"'
    """


def search_options(sorts: tuple[str, ...], default: str) -> Callable[[F], F]:
    """`QUERY`, `--tree`, `--sort`, `--limit`, `--cursor`, `--db`, `--json`."""
    known = ", ".join(sorts)

    def add(function: F) -> F:
        for option in (
            json_option,
            db_option,
            click.option("--cursor", metavar="CURSOR", help="Where the page before ended (`next`)."),
            click.option("--limit", type=click.IntRange(1, 1_000), default=100, show_default=True),
            click.option(
                "--sort",
                default=default,
                show_default=True,
                metavar="KEY[:asc|:desc]",
                help=f"Sort by {known}.",
            ),
            click.option("--tree", metavar="JSON|@FILE", help="The search as a tree, instead of QUERY."),
            click.argument("query", nargs=-1, metavar="[QUERY]"),
        ):
            function = option(function)
        return function

    return add


@click.command("search")
@search_options(RUN_SORTS, "created:desc")
def runs(db: Path, as_json: bool, query: tuple[str, ...], tree: str | None, **options: Any) -> int:
    """Find runs by title, description, labels, properties, author, state, times, tags, error and more; archived ones
    only where the search says archived:true.

    Example: stepwell runs search 'label:engine and not state:failed and created>=7d' --sort name
    """
    from stepwell.cli.runs.showing import listing

    asked = read_search(query, tree)

    async def ask() -> tuple[dict[str, Any], int]:
        from stepwell.cli.opening import looker

        async with looker(db) as stepwell:
            return await stepwell.search_runs(asked, **options), stepwell.engine.clock.now()

    view, now = asyncio.run(ask())
    if as_json:
        print_json(view)
        return 0
    for text in listing(view, now, titles=True):
        write(text)
    return 0


@click.command("definitions")
@search_options(DEFINITION_SORTS, "name:asc")
def definitions(db: Path, as_json: bool, query: tuple[str, ...], tree: str | None, **options: Any) -> int:
    """Find stored definitions by title, summary, labels, properties, tags, name, version and author.

    Example: stepwell search definitions 'hotfire and label:engine'
    """
    asked = read_search(query, tree)

    async def ask() -> dict[str, Any]:
        from stepwell.cli.opening import looker

        async with looker(db) as stepwell:
            return await stepwell.search_definitions(asked, **options)

    view = asyncio.run(ask())
    if as_json:
        print_json(view)
        return 0
    for text in _lines(view):
        write(text)
    return 0


def read_search(query: tuple[str, ...], tree: str | None) -> Any:
    """What is searched; None: all. Raises `InvalidInput`."""
    text = " ".join(query).strip()
    if tree is not None and text:
        raise InvalidInput("give the search as text or as a tree, not both")
    return read_input(tree) if tree is not None else text or None


def _lines(view: dict[str, Any]) -> list[str]:
    cards = view["definitions"]
    if not cards:
        return ["no definitions"]
    rows: list[tuple[str, ...]] = [("DEFINITION", "TITLE", "LABELS", "STORED")]
    rows += [
        (
            f"{card['namespace']}/{card['name']}:{card['version']}",
            line(card["title"] or "", WIDEST),
            line(", ".join(card["labels"]), WIDEST),
            card["created_at"],
        )
        for card in cards
    ]
    lines = [text.rstrip() for text in table(rows)]
    return [*lines, f"more: --cursor {view['next']}"] if view["next"] is not None else lines
