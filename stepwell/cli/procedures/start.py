"""`stepwell procedures start`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stepwell.cli.options import input_option, read_input
from stepwell.cli.procedures.common import as_guest, by_option, procedure_argument, told
from stepwell.cli.procedures.people import field_option
from stepwell.model.errors import InvalidForm, InvalidInput

if TYPE_CHECKING:
    from stepwell.assembly import Stepwell
    from stepwell.definition.model import Definition


@click.command()
@procedure_argument
@input_option
@field_option
@click.option("--held", is_flag=True, help="It waits for `procedures begin`.")
@click.option("--commit", metavar="COMMIT", help="This commit.")
@click.option("--branch", metavar="NAME", help="What this branch is at.")
@click.option("--tag", "tag_name", metavar="NAME", help="What this tag names.")
@click.option("--key", metavar="K", help="Idempotency key: the same key gives the same run.")
@click.option("--title", metavar="TEXT", help="What the run is called.")
@by_option
def start(
    procedure: str,
    db: Path,
    as_json: bool,
    input_text: str | None,
    words: tuple[str, ...],
    held: bool,
    tag_name: str | None,
    by: str,
    **options: Any,
) -> int:
    """Start a run of a version (main where none is named). An engine on the file carries it on: stepwell serve.

    Its global fields are given with --field or --input; on a terminal without either they are asked.

    Example: stepwell procedures start stand/hotfire --tag v1 --field stand=A2
    """
    given = {name: value for name, value in {**options, "tag": tag_name}.items() if value is not None}
    version = {name: given.pop(name, None) for name in ("commit", "branch", "tag")}
    data = read_input(input_text)
    if words or input_text is None:
        definition, version["commit"] = as_guest(db, lambda stepwell: _picked(stepwell, procedure, **version))
        version = {"commit": version["commit"]}
        data, fields = _filled_in(definition, data, words, as_json=as_json)
    else:
        fields = ()

    async def ask(stepwell: Stepwell) -> dict[str, Any]:
        from stepwell.cli.people.fields import with_labels
        from stepwell.cli.people.values import kept

        values = await kept(stepwell, fields, data) if fields and data else data
        try:
            handle = await stepwell.start_procedure(
                procedure, values, held=held, author=by, **version, **given
            )
        except InvalidForm as error:
            raise with_labels(error, fields) from None
        row = await stepwell.engine.row(handle.run_id)
        return {
            "run_id": handle.run_id,
            "created": handle.created,
            "procedure": procedure,
            "version": row.version,
            "definition_hash": row.definition_hash,
            "held": held,
        }

    view = as_guest(db, ask)
    return told(view, as_json, *_lines(view, db))


async def _picked(stepwell: Stepwell, procedure: str, **version: str | None) -> tuple[Definition, str]:
    from stepwell.client.versions.picking import picked

    return await picked(stepwell.engine, procedure, **version)


def _filled_in(
    definition: Definition, data: Any, words: tuple[str, ...], *, as_json: bool
) -> tuple[Any, tuple[Any, ...]]:
    """The input with the fields that were given or asked, and the fields of the procedure."""
    from stepwell.cli.asking import can_ask
    from stepwell.cli.people.prompting import asked
    from stepwell.cli.people.values import read_values
    from stepwell.definition.forms.values import defaults

    fields = definition.procedure.fields if definition.procedure is not None else ()
    if words and definition.procedure is None:
        raise InvalidInput("it is no procedure: it has no global fields", hint="give its input with --input")
    values = read_values(fields, words, None)
    if values is not None:
        if data is not None and not isinstance(data, dict):
            raise InvalidInput("--field belongs to an input that is an object")
        return {**(data or {}), **values}, fields
    if fields and can_ask(as_json=as_json):
        return asked(fields, defaults(fields), "Start it with this?", complete=True), fields
    return data, fields


def _lines(view: dict[str, Any], db: Path) -> list[str]:
    from stepwell.cli.opening import with_db

    run, done = view["run_id"], "is started" if view["created"] else "was started before"
    if view["held"]:
        return [f"run {run} {done}", with_db(f"  it waits to be begun: stepwell procedures begin {run}", db)]
    return [
        with_db(f"run {run} {done}; an engine carries it on: stepwell serve", db),
        with_db(f"  how it stands: stepwell procedures status {run}", db),
    ]
