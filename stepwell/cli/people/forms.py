"""`stepwell step set | submit | repeat`: filling in forms, by words or at a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from stepwell.cli.asking import confirm
from stepwell.cli.options import yes_option
from stepwell.cli.people.common import Found, Place, change, changing, found_step, values_options
from stepwell.cli.who import actor
from stepwell.model.errors import InvalidInput

if TYPE_CHECKING:
    from stepwell.assembly import Stepwell

_HOW: Final = "give them with --value ID=VALUE or --values JSON, or call it on a terminal to be asked"


@click.command("set")
@changing
@values_options
@click.option(
    "--auto-proceed/--no-auto-proceed", default=None, help="Whether it submits itself once complete."
)
@yes_option
def set_(
    place: Place,
    version: int | None,
    words: tuple[str, ...],
    text: str | None,
    auto_proceed: bool | None,
    yes: bool,
    **who: Any,
) -> int:
    """Change what stands in a form, without submitting it. On a terminal without values every field is asked.

    Example: stepwell step set 01936c2e check --value pressure=4.5 --value photo=@gauge.png
    """
    by, found = actor(who), found_step(place)
    values, version = _given(place, found, words, text, version, yes=yes or auto_proceed is not None)
    if values is None and auto_proceed is None:
        raise InvalidInput("nothing is given to be changed", hint=_HOW)

    async def ask(stepwell: Stepwell, run_id: str) -> dict[str, Any]:
        return await stepwell.update_step(
            run_id,
            place.step,
            await _kept(stepwell, found, values),
            auto_proceed=auto_proceed,
            version=version,
            by=by,
        )

    return change(place, ask, by, found.fields)


@click.command()
@changing
@values_options
@yes_option
def submit(
    place: Place, version: int | None, words: tuple[str, ...], text: str | None, yes: bool, **who: Any
) -> int:
    """Hand a form in; from then on its values are frozen. On a terminal without values every field is asked.

    Example: stepwell step submit 01936c2e check --value pressure=4.5 --value tools=wrench --value tools=gauge
    """
    by, found = actor(who), found_step(place)
    values, version = _given(place, found, words, text, version, yes=yes, complete=True)
    _refuse_incomplete(found, values)

    async def ask(stepwell: Stepwell, run_id: str) -> dict[str, Any]:
        return await stepwell.submit_step(
            run_id, place.step, await _kept(stepwell, found, values, complete=True), version=version, by=by
        )

    return change(place, ask, by, found.fields)


@click.command()
@changing
@values_options
@click.option("--downstream", is_flag=True, help="What came after it too: it is outdated, and done again.")
@yes_option
def repeat(
    place: Place,
    version: int | None,
    words: tuple[str, ...],
    text: str | None,
    downstream: bool,
    yes: bool,
    **who: Any,
) -> int:
    """Do a finished step again: a new one takes its place, and the old one stays on record.

    Example: stepwell step repeat 01936c2e check --downstream --yes
    """
    from stepwell.cli.people.values import read_values

    by, found = actor(who), found_step(place)
    values = read_values(found.fields, words, text)
    more = " What came after it is outdated, and done again too." if downstream else ""
    confirm(f"Do step {found.view['task']} again?{more}", yes=yes, as_json=place.as_json)

    async def ask(stepwell: Stepwell, run_id: str) -> dict[str, Any]:
        return await stepwell.repeat_step(
            run_id,
            place.step,
            await _kept(stepwell, found, values),
            downstream=downstream,
            version=version,
            by=by,
        )

    return change(place, ask, by, found.fields)


def _given(
    place: Place,
    found: Found,
    words: tuple[str, ...],
    text: str | None,
    version: int | None,
    *,
    yes: bool,
    complete: bool = False,
) -> tuple[dict[str, Any] | None, int | None]:
    """The values, and the version that they are for. On a terminal without any of them: asked, shown and confirmed."""
    from stepwell.cli.asking import can_ask
    from stepwell.cli.people.prompting import asked
    from stepwell.cli.people.values import read_values

    values = read_values(found.fields, words, text)
    fillable = "set_values" in found.view.get("can", ()) and (not complete or "submit" in found.view["can"])
    if values is not None or yes or not (found.fields and fillable and can_ask(as_json=place.as_json)):
        return values, version
    question = "Submit this?" if complete else "Keep this?"
    changed = asked(found.fields, found.view["values"], question, complete=complete)
    return changed, version or found.view["version"]


def _refuse_incomplete(found: Found, values: dict[str, Any] | None) -> None:
    """Where nothing is given and something is missing, say how to give it."""
    from stepwell.cli.people.fields import name_of, rules_of

    missing = [field for field in found.fields if field.id in found.view["missing"]] if found.fields else []
    if values is None and missing and "submit" in found.view["can"]:
        told = [f"{field.id}: {name_of(field)}, {rules_of(field)}" for field in missing]
        raise InvalidInput("\n  ".join(["values are needed:", *told]), hint=_HOW)


async def _kept(
    stepwell: Stepwell, found: Found, values: dict[str, Any] | None, *, complete: bool = False
) -> dict[str, Any] | None:
    from stepwell.cli.people.values import kept

    return (
        None
        if values is None
        else await kept(stepwell, found.fields, values, found.view.get("values") if complete else None)
    )
