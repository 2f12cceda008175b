"""`stepwell approvals …`: what waits for a decision, deciding, handing a decision on, asking for one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from stepwell.cli.options import db_option, json_option
from stepwell.cli.procedures.common import by_option
from stepwell.cli.runs.common import as_guest, as_looker, run_argument
from stepwell.cli.screen import line, print_json, write
from stepwell.model.errors import InvalidInput

if TYPE_CHECKING:
    from stepwell.assembly import Stepwell
    from stepwell.model.people import Actor

F = TypeVar("F", bound=Callable[..., Any])
HEADINGS = ("run", "step", "what", "who", "given", "since", "due")


@click.group()
def command() -> None:
    """Approvals: what people are asked before it is done. See docs/approvals.md.

    Example: stepwell approvals list --by ada
    """


def _step_argument(function: F) -> F:
    """`RUN [STEP]`, `--db` and `--json`."""
    return run_argument(click.argument("step", required=False)(function))


def _decider(function: F) -> F:
    """Who decides, and what that somebody is."""
    for name, words in (("role", "A role of theirs."), ("group", "A group that they belong to.")):
        function = click.option(
            f"--{name}", f"{name}s", multiple=True, metavar="NAME", help=f"{words} May be repeated."
        )(function)
    return by_option(function)


def _comment(function: F) -> F:
    return click.option("--comment", "-m", metavar="TEXT", help="Why, for whoever reads it later.")(function)


@command.command("list")
@click.option("--by", metavar="NAME", help="Only what this person may decide on.")
@click.option("--group", "groups", multiple=True, metavar="NAME", help="A group of theirs. May be repeated.")
@click.option("--role", "roles", multiple=True, metavar="NAME", help="A role of theirs. May be repeated.")
@db_option
@json_option
def list_(by: str | None, groups: tuple[str, ...], roles: tuple[str, ...], db: Path, as_json: bool) -> None:
    """Open approvals, the most urgent first.

    Example: stepwell approvals list --by ada --group finance --json
    """
    who = None if by is None else _actor(by, groups, roles)
    from stepwell.cli.opening import looked

    views = looked(db, lambda s: s.pending_approvals(who, groups=groups if who is None else ()))
    if as_json:
        print_json({"approvals": views})
        return
    rows = [HEADINGS, *map(_row, views)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    for row in rows:
        write(line("  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()))


@command.command()
@_step_argument
def show(run: str, step: str | None, db: Path, as_json: bool) -> None:
    """What is asked of whom, with which arguments, and who said what.

    Example: stepwell approvals show 0198 pay
    """
    _tell(as_looker(db, run, lambda s, run_id: s.approval(run_id, step)), as_json)


@command.command()
@_step_argument
@_decider
@_comment
def approve(run: str, step: str | None, db: Path, as_json: bool, **said: Any) -> None:
    """Approve what a step asks for.

    Example: stepwell approvals approve 0198 pay --by ada -m "Within budget"
    """
    _decide("approve", run, step, db, as_json, **said)


@command.command()
@_step_argument
@_decider
@_comment
def reject(run: str, step: str | None, db: Path, as_json: bool, **said: Any) -> None:
    """Reject it: the step fails.

    Example: stepwell approvals reject 0198 pay --by ada -m "Ask again in May"
    """
    _decide("reject", run, step, db, as_json, **said)


@command.command()
@_step_argument
@click.option("--to", required=True, metavar="NAME", help="Who decides instead.")
@_decider
@_comment
def delegate(
    run: str,
    step: str | None,
    db: Path,
    as_json: bool,
    to: str,
    by: str,
    groups: tuple[str, ...],
    roles: tuple[str, ...],
    comment: str | None,
) -> None:
    """Let somebody else decide instead.

    Example: stepwell approvals delegate 0198 pay --by ada --to eve -m "On leave"
    """
    who = _actor(by, groups, roles)
    ask = as_guest(
        db, run, lambda s, run_id: s.delegate_approval(run_id, to, by=who, step=step, comment=comment)
    )
    _tell(ask, as_json)


@command.command()
@click.argument("what")
@click.option("--arguments", metavar="JSON", help="What it is about, for whoever decides.")
@click.option("--person", "people", multiple=True, metavar="NAME", help="Who may decide. May be repeated.")
@click.option("--group", "groups", multiple=True, metavar="NAME", help="A group that may. May be repeated.")
@click.option("--role", "roles", multiple=True, metavar="NAME", help="A role that it takes. May be repeated.")
@click.option(
    "--need", type=click.IntRange(1), default=1, show_default=True, help="How many have to approve."
)
@click.option("--expires", metavar="DURATION", help="After so long it is rejected, like PT8H.")
@click.option("--key", metavar="TEXT", help="The same key again is the same approval.")
@by_option
@db_option
@json_option
def request(
    what: str,
    arguments: str | None,
    people: tuple[str, ...],
    groups: tuple[str, ...],
    roles: tuple[str, ...],
    need: int,
    expires: str | None,
    key: str | None,
    by: str,
    db: Path,
    as_json: bool,
) -> None:
    """Ask people, without a workflow. Whoever asks does not decide.

    Example: stepwell approvals request "Ship 2.0" --group leads --need 2 --expires P1D
    """
    try:
        about = None if arguments is None else json.loads(arguments)
    except ValueError as error:
        raise InvalidInput(f"--arguments is no JSON: {error}") from error
    given = {"people": people, "groups": groups, "roles": roles}
    named = {kind: names for kind, names in given.items() if names}
    view = _ask(
        db,
        lambda s: s.request_approval(
            what, about, approvers=named, need=need, expires=expires, key=key, by=by
        ),
        make=True,
    )
    _tell(view, as_json)


def _actor(by: str, groups: tuple[str, ...], roles: tuple[str, ...]) -> Actor:
    from stepwell.model.people import Actor

    return Actor(by, groups=groups, roles=roles)


def _decide(
    verdict: str,
    run: str,
    step: str | None,
    db: Path,
    as_json: bool,
    *,
    by: str,
    groups: tuple[str, ...],
    roles: tuple[str, ...],
    comment: str | None,
) -> None:
    who = _actor(by, groups, roles)
    view = as_guest(
        db, run, lambda s, run_id: s.decide_approval(run_id, verdict, by=who, step=step, comment=comment)
    )
    _tell(view, as_json)


def _ask(db: Path, ask: Callable[[Stepwell], Awaitable[Any]], *, make: bool = False) -> Any:
    """As a guest; `make`: also where there is no file yet."""

    async def main() -> Any:
        from stepwell.cli.opening import engine, guest

        async with engine(db, guest=True) if make else guest(db) as stepwell:
            return await ask(stepwell)

    return asyncio.run(main())


def _row(view: dict[str, Any]) -> tuple[str, ...]:
    given = f"{view['given']} of {view['need']}"
    return (
        view["run_id"], view["step"], view["what"], view["who"], given, view["requested_at"] or "-",
        view["due"] or "-",
    )  # fmt: skip


def _tell(view: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(view)
        return
    write(line(f"{view['what']}: {view['status']}, {view['given']} of {view['need']} have approved"))
    write(line(f"  run       {view['run_id']}"))
    write(line(f"  step      {view['step']}"))
    write(line(f"  who       {view['who']}"))
    if view["excluded"]:
        write(line(f"  not       {', '.join(view['excluded'])} (asked for it)"))
    if view["reason"]:
        write(line(f"  because   {view['reason']}"))
    if view["due"]:
        write(line(f"  until     {view['due']}"))
    write(line(f"  arguments {json.dumps(view['arguments'], ensure_ascii=False)}"))
    for said in view["decisions"]:
        through = f" for {said['chain'][0]}" if said["chain"] else ""
        why = f": {said['comment']}" if said["comment"] else ""
        write(line(f"  {said['at']}  {said['by']}{through}: {said['verdict']}{why}"))
    for handed in view["delegations"]:
        why = f": {handed['comment']}" if handed["comment"] else ""
        write(line(f"  {handed['at']}  {handed['by']} handed it on to {handed['to']}{why}"))
