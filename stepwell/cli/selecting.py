"""The options that say which runs are meant: the same for listings and for verbs on many runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from stepwell.cli.options import read_tags
from stepwell.model.states import RunStatus

F = TypeVar("F", bound=Callable[..., Any])
WHEN: Final = "A time (2026-11-21T09:00Z), or how long ago: 90s, 30m, 12h, 7d."


def _text(flag: str, name: str, metavar: str, help_: str) -> Callable[[F], F]:
    return click.option(flag, name, metavar=metavar, help=help_)


_OPTIONS: Final = (
    click.option(
        "--status",
        multiple=True,
        type=click.Choice([status.value for status in RunStatus]),
        metavar="STATUS",
        help="Only runs of this status; may be given several times.",
    ),
    click.option("--open/--ended", "open", default=None, help="Only runs that have not ended, or that have."),
    click.option(
        "--carried-on/--orphaned",
        "carried_on",
        default=None,
        help="Only open runs that an engine carries on, or that none does.",
    ),
    _text("--name", "name", "NAME", "Only runs of definitions of this name."),
    _text("--namespace", "namespace", "NAMESPACE", "Only runs of definitions of this namespace."),
    _text("--version", "version", "VERSION", "Only runs of this version of a definition."),
    click.option("--tag", "tags", multiple=True, metavar="K=V", help="Only runs with this tag."),
    _text("--where", "where", "FILTER", 'Only runs with such attributes: amount > 100 and region = "eu".'),
    click.option("--overdue", is_flag=True, default=None, help="Only open runs past their soft deadline."),
    _text("--parent", "parent_id", "RUN", "Only runs that this run started."),
    _text("--rerun-of", "rerun_of", "RUN", "Only reruns of this run."),
    _text("--error", "error_type", "TYPE", "Only runs with an error of this type; its last part will do."),
    _text("--key", "key", "K", "Only runs that were started with this key."),
    _text("--id", "id_prefix", "PREFIX", "Only runs whose id begins so."),
    _text("--since", "created_after", "TIME", f"Only runs created since. {WHEN}"),
    _text("--until", "created_before", "TIME", "Only runs created before."),
    _text("--updated-since", "updated_after", "TIME", "Only runs whose status changed since."),
    _text("--updated-until", "updated_before", "TIME", "Only runs whose status last changed before."),
    _text("--ended-since", "ended_after", "TIME", "Only runs that ended since."),
    _text("--ended-until", "ended_before", "TIME", "Only runs that ended before."),
)
_FILTERS: Final = (
    "status", "open", "carried_on", "name", "namespace", "version", "tags", "where", "overdue", "parent_id", "rerun_of",
    "error_type", "key", "id_prefix", "created_after", "created_before", "updated_after", "updated_before",
    "ended_after", "ended_before",
)  # fmt: skip


def filter_options(function: F) -> F:
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def taken(options: dict[str, Any]) -> dict[str, Any]:
    """Take the filters out of a command's options; only what was given. Raises `InvalidInput`."""
    given = {name: options.pop(name) for name in _FILTERS}
    given["tags"] = read_tags(given["tags"])
    return {name: value for name, value in given.items() if value not in (None, (), {})}


def detail_option(default: str) -> Callable[[F], F]:
    return click.option(
        "--detail",
        type=click.Choice(["summary", "standard", "full"]),
        default=default,
        show_default=True,
        help="Without payloads; with their shapes and sizes; with them.",
    )
