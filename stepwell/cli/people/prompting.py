"""Filling in a form on a terminal, field by field. What is wrong is said at once, and asked again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import click

from stepwell.cli.people.fields import name_of, options_of, rules_of, shown
from stepwell.cli.people.values import looked_at, many, typed
from stepwell.cli.screen import line, say, table, tint, write
from stepwell.definition.forms.field import Field
from stepwell.model.errors import InvalidInput

HELP: Final = "?"
CLEAR: Final = "-"
END: Final = "."
HOW: Final = (
    "Enter keeps what stands in brackets, - empties it, ? shows the field again, Ctrl-C changes nothing."
)


def asked(
    fields: Sequence[Field], values: Mapping[str, Any], question: str, *, complete: bool
) -> dict[str, Any]:
    """What somebody changed, once they have seen all of it and agreed. Raises `click.Abort` where they do not."""
    changed = fill_in(fields, values, complete=complete)
    summarize(fields, values, changed)
    click.confirm(question, abort=True)
    return changed


def fill_in(fields: Sequence[Field], values: Mapping[str, Any], *, complete: bool) -> dict[str, Any]:
    """What somebody changed, by field; None empties one. `complete`: what is needed is insisted on."""
    say(HOW)
    changed: dict[str, Any] = {}
    for field in fields:
        _introduce(field)
        before = values.get(field.id)
        value = _value(field, before, complete=complete)
        if value != before:
            changed[field.id] = value
    return changed


def summarize(fields: Sequence[Field], values: Mapping[str, Any], changed: Mapping[str, Any]) -> None:
    """Show the whole form as it will be; what was changed is marked."""
    after = {**values, **changed}
    say()
    rows = [
        (f"{'*' if field.id in changed else ' '} {name_of(field)}", shown(looked_at(after.get(field.id))))
        for field in fields
    ]
    for text in table(rows):
        say(text)


def _introduce(field: Field) -> None:
    say()
    write(tint(name_of(field), bold=True))
    if field.description:
        say(f"  {line(field.description)}")
    say(f"  {rules_of(field)}")
    for number, (_, words) in enumerate(options_of(field), 1):
        say(f"  {number:>3}  {words}")


def _value(field: Field, before: Any, *, complete: bool) -> Any:
    """Ask until there is a value that will do."""
    while True:
        text = _answer(field, before)
        if text == HELP:
            _introduce(field)
            continue
        try:
            value = before if text == "" else None if text == CLEAR else _meant(field, text)
            wrong = _faults(field, value, complete=complete)
        except InvalidInput as error:
            wrong = [error.message]
        if not wrong:
            return value
        for complaint in wrong:
            write(tint(f"  {line(complaint)}", "red"))


def _answer(field: Field, before: Any) -> str:
    kept = f" [{shown(before)}]" if before is not None else ""
    text: str = click.prompt(
        line(f"{field.id}{kept}"), default="", show_default=False, prompt_suffix=": "
    ).strip()
    if getattr(field, "multiline", False) and text not in ("", HELP, CLEAR):
        say(f"  more lines; the last one is a single {END}")
        rest = iter(lambda: click.prompt("", default="", show_default=False, prompt_suffix="  "), END)
        text = "\n".join([text, *rest])
    return text


def _meant(field: Field, text: str) -> Any:
    """What was typed, as a value: options also by their numbers and labels, several with commas between them."""
    if field.kind == "choices":
        return [_option(field, word.strip()) for word in text.split(",") if word.strip()]
    if field.kind == "files":
        return many(field, [_at(word.strip()) for word in text.split(",") if word.strip()])
    if field.kind == "file":
        return typed(field, _at(text))
    return _option(field, text) if options_of(field) else typed(field, text)


def _at(text: str) -> str:
    """A path is a path here, with `@` before it or not."""
    return text if text.startswith(("@", "{")) else f"@{text}"


def _option(field: Field, text: str) -> str:
    options = getattr(field, "options", ())
    if any(one.value == text for one in options):
        return text
    if text.isascii() and text.isdigit() and 0 < int(text) <= len(options):
        value: str = options[int(text) - 1].value
        return value
    return next((one.value for one in options if one.label.lower() == text.lower()), text)


def _faults(field: Field, value: Any, *, complete: bool) -> list[str]:
    judged = looked_at(value)
    wrong = [] if judged is None else [*field.faults(judged)]
    lack = field.lacks(judged) if complete and not wrong else ""
    return [*wrong, *([lack] if lack else [])]
