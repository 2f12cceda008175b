"""Steering many runs with one command: ids or filters, how many they are first, an answer for each."""

from __future__ import annotations

import asyncio
import sys
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from stepwell.cli.options import BY_KEY, db_option, json_option
from stepwell.cli.runs.common import F
from stepwell.cli.screen import line, print_json, say, table
from stepwell.cli.selecting import filter_options
from stepwell.model.errors import InvalidInput

if TYPE_CHECKING:
    from stepwell.client.verbs.bulk import Verb

SHOWN: Final = 20
USUAL: Final[dict[str, dict[str, Any]]] = {
    "retry": {"status": ("failed", "timed_out", "cancelled")},
    **{verb: {"open": True} for verb in ("pause", "resume", "cancel", "terminate")},
}
"""Which runs a filter means where it does not say so itself: those that the verb can do something for."""


def runs_arguments(function: F) -> F:
    """`RUN…` or filters, `--db` and `--json`. A `--key` names its run."""

    @wraps(function)
    def named(runs: tuple[str, ...], key: str | None, **options: Any) -> Any:
        return function(runs=runs if key is None else (*runs, BY_KEY + key), key=None, **options)

    argument = click.argument("runs", nargs=-1, metavar="[RUN]...")
    return argument(filter_options(db_option(json_option(named))))  # type: ignore[return-value]


def is_one(runs: tuple[str, ...], where: dict[str, Any]) -> bool:
    """Whether one run is named. Raises `InvalidInput` where none is, nor a filter, or both are."""
    if runs and where:
        raise InvalidInput("name runs or say which by filters, not both", hint="leave one of them out")
    if not runs and not where:
        raise InvalidInput(
            "no run is named",
            hint="name runs by their ids, or say which: --status, --name, --tag, --since, … (or --open)",
        )
    return len(runs) == 1


def steer_many(
    verb: Verb,
    runs: tuple[str, ...],
    where: dict[str, Any],
    db: Path,
    *,
    as_json: bool,
    yes: bool,
    asker: str,
    reason: str | None = None,
) -> int:
    """Do it for all of them; the exit code is 1 where a run refused."""
    if where and not {"status", "open", "carried_on"} & set(where):
        where = {**where, **USUAL[verb]}
    ids = asyncio.run(_resolved(runs, where, db))
    if not yes and ids:
        _confirm(verb, ids, asked_for=bool(runs), as_json=as_json)
    view = asyncio.run(_steered(verb, ids, reason, asker, db, quiet=as_json))
    if as_json:
        print_json(view)
    else:
        for text in _lines(view):
            say(text)
    return 1 if view["refused"] else 0


async def _resolved(runs: tuple[str, ...], where: dict[str, Any], db: Path) -> list[str]:
    from stepwell.cli.opening import find_run, guest

    async with guest(db) as stepwell:
        if runs:
            return [await find_run(stepwell, given) for given in runs]
        return await stepwell.matching(**where)


async def _steered(
    verb: Verb, ids: list[str], reason: str | None, asker: str, db: Path, *, quiet: bool
) -> dict[str, Any]:
    from stepwell.cli.opening import guest
    from stepwell.cli.progressing import progress

    async with guest(db) as stepwell:
        with progress(f"{verb} runs", quiet=quiet) as told:
            return await stepwell.steer_many(verb, ids, reason=reason, by=asker or None, progress=told)


def _confirm(verb: str, ids: list[str], *, asked_for: bool, as_json: bool) -> None:
    """Runs that were named are meant; those that a filter found are to be counted and agreed to first."""
    question = f"{verb.capitalize()} {len(ids)} runs?"
    if not as_json and sys.stdout.isatty() and sys.stdin.isatty():
        for run_id in ids[:SHOWN]:
            say(f"  {run_id}")
        if len(ids) > SHOWN:
            say(f"  … {len(ids) - SHOWN} more")
        click.confirm(question, abort=True)
    elif not asked_for:
        raise InvalidInput(
            f"{len(ids)} runs would be meant by {verb}; nothing was done",
            hint="look at them with `stepwell runs list` and the same filters, then say --yes",
        )


def _lines(view: dict[str, Any]) -> list[str]:
    """A line for each run, then the sum."""
    rows = [
        (
            result["run_id"],
            result["status"] if result["ok"] else f"refused: {line(result['error']['message'])}",
        )
        for result in view["results"]
    ]
    if not rows:
        return ["no run matches"]
    refused = f", {view['refused']} refused" if view["refused"] else ""
    return [*table(rows), f"{view['verb']}: {view['done']} of {view['total']}{refused}"]
