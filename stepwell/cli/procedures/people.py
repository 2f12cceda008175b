"""`stepwell procedures status | begin | succeed | fail | abort | set-fields`: a run of a procedure as a whole."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from stepwell.cli.asking import confirm
from stepwell.cli.options import yes_option
from stepwell.cli.people.common import Place, aftermath, explained, next_lines, reason_option
from stepwell.cli.procedures.common import F
from stepwell.cli.runs.common import as_guest, as_looker, run_argument
from stepwell.cli.screen import line, print_json, say, write
from stepwell.cli.who import actor, who_options
from stepwell.model.errors import InvalidInput

if TYPE_CHECKING:
    from stepwell.assembly import Stepwell
    from stepwell.client.looker import Looker
    from stepwell.definition.forms.field import Field

FIELD_HELP: Final = "A global field; @PATH for a file; ID= empties it; may be given again."


def field_option(function: F) -> F:
    """`--field`, and `--value` for the same."""
    return click.option("--field", "--value", "words", multiple=True, metavar="ID=VALUE", help=FIELD_HELP)(
        function
    )


@click.command()
@run_argument
def status(run: str, db: Path, as_json: bool) -> int:
    """Show how a run of a procedure stands: its fields, its steps by section, who did what, and what comes next.

    Example: stepwell procedures status 01936c2e
    """
    from stepwell.cli.opening import with_db
    from stepwell.cli.people.overview import overview

    async def ask(stepwell: Looker, run_id: str) -> tuple[dict[str, Any], dict[str, Any], int]:
        view, told = await stepwell.procedure(run_id), await stepwell.explain(run_id)
        return view, told, stepwell.engine.clock.now()

    view, told, now = as_looker(db, run, ask)
    if as_json:
        print_json(view)
        return 0
    for text in overview(view, told, now):
        write(with_db(text, db))
    return 0


@click.command()
@run_argument
@who_options
def begin(run: str, db: Path, as_json: bool, **who: Any) -> int:
    """Begin a run that was started with --held.

    Example: stepwell procedures begin 01936c2e
    """
    by = actor(who)
    return _change(run, db, as_json, lambda s, run_id: s.begin(run_id, by=by), by)


@click.command()
@run_argument
@who_options
@yes_option
def succeed(run: str, db: Path, as_json: bool, yes: bool, **who: Any) -> int:
    """End a run as completed; what is open in it is cancelled. Refused while a required step is not through.

    Example: stepwell procedures succeed 01936c2e
    """
    by = actor(who)
    confirm(f"End run {run} as completed?", yes=yes, as_json=as_json)
    return _change(run, db, as_json, lambda s, run_id: s.succeed(run_id, by=by), by)


@click.command()
@run_argument
@who_options
@reason_option
@yes_option
def fail(run: str, db: Path, as_json: bool, reason: str, yes: bool, **who: Any) -> int:
    """End a run as failed.

    Example: stepwell procedures fail 01936c2e --reason "the seal leaks"
    """
    by = actor(who)
    confirm(f"End run {run} as failed?", yes=yes, as_json=as_json)
    return _change(run, db, as_json, lambda s, run_id: s.fail(run_id, reason, by=by), by)


@click.command()
@run_argument
@who_options
@reason_option
@yes_option
def abort(run: str, db: Path, as_json: bool, reason: str, yes: bool, **who: Any) -> int:
    """Stop a run before its end: it is cancelled once what is in flight has stopped.

    Example: stepwell procedures abort 01936c2e --reason "thunderstorm" --yes
    """
    by = actor(who)
    confirm(f"Abort run {run}?", yes=yes, as_json=as_json)
    return _change(run, db, as_json, lambda s, run_id: s.abort(run_id, reason, by=by), by)


@click.command("set-fields")
@run_argument
@who_options
@field_option
@click.option("--values", "text", metavar="JSON|@FILE|-", help="An object with a value per field.")
def set_fields(
    run: str, db: Path, as_json: bool, words: tuple[str, ...], text: str | None, **who: Any
) -> int:
    """Change global fields of a run. On a terminal without values every field is asked.

    Example: stepwell procedures set-fields 01936c2e --field stand=A2
    """
    from stepwell.cli.asking import can_ask
    from stepwell.cli.people.prompting import asked
    from stepwell.cli.people.values import kept, read_values
    from stepwell.definition.forms.reading import read_fields

    by = actor(who)
    view = as_looker(db, run, lambda stepwell, run_id: stepwell.procedure(run_id))
    fields = read_fields(view["form"])
    values = read_values(fields, words, text)
    if values is None and fields and can_ask(as_json=as_json):
        values = asked(fields, view["fields"], "Keep this?", complete=False)
    if values is None:
        raise InvalidInput(
            "nothing is given to be changed", hint="give values with --field ID=VALUE or --values JSON"
        )
    given = values

    async def ask(stepwell: Stepwell, run_id: str) -> dict[str, Any]:
        return await stepwell.set_fields(run_id, await kept(stepwell, fields, given), by=by)

    return _change(run, db, as_json, ask, by, fields)


def _change(
    run: str,
    db: Path,
    as_json: bool,
    ask: Callable[[Stepwell, str], Awaitable[dict[str, Any]]],
    by: Any,
    fields: tuple[Field, ...] = (),
) -> int:
    async def main(stepwell: Stepwell, run_id: str) -> dict[str, Any]:
        with explained(Place(run, "", db, as_json), run_id, fields):
            view = await ask(stepwell, run_id)
        return {**view, **await aftermath(stepwell, run_id, by)}

    view = as_guest(db, run, main)
    if as_json:
        print_json(view)
        return 0
    say(line(f"run {view['run_id']} is {view['status']}"))
    for text in next_lines(view, db):
        say(text)
    return 0
