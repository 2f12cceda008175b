"""Fields of forms in words: what they are called, what they take, what stands in them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from stepwell.cli.screen import line
from stepwell.model.errors import InvalidForm

if TYPE_CHECKING:
    from stepwell.definition.forms.field import Field

WIDEST: Final = 60
_RULES: Final = (
    ("minimum", "at least {}"),
    ("exclusive_minimum", "more than {}"),
    ("maximum", "at most {}"),
    ("exclusive_maximum", "less than {}"),
    ("min_length", "at least {} characters"),
    ("max_length", "at most {} characters"),
    ("min_count", "at least {} of them"),
    ("max_count", "at most {} of them"),
    ("max_size", "at most {:,} bytes"),
)


def name_of(field: Field) -> str:
    """Its label, with the unit."""
    return line(f"{field.label or field.id}{f' ({field.unit})' if field.unit else ''}")


def rules_of(field: Field) -> str:
    """What it takes, in one line: `number, more than 0, at most 6, needed`."""
    return line(", ".join([_KINDS.get(field.kind, field.kind), *_rules(field)]))


_KINDS: Final = {
    "datetime": "a time (RFC 3339)",
    "duration": "a length of time (like PT1H30M)",
    "checkbox": "yes or no",
    "choices": "any of",
    "choice": "one of",
}


def _rules(field: Field) -> Iterator[str]:
    if getattr(field, "multiline", False):
        yield "of many lines"
    for member, words in _RULES:
        bound = getattr(field, member, None)
        if bound is not None:
            yield words.format(bound)
    endings = getattr(field, "suffixes", ())
    if endings:
        yield f"its name ends in {' or '.join(endings)}"
    if getattr(field, "types", ()):
        yield f"of type {' or '.join(field.types)}"  # type: ignore[attr-defined]
    if getattr(field, "pattern", None):
        yield getattr(field, "message", "") or f"like {field.pattern}"  # type: ignore[attr-defined]
    if getattr(field, "resource", ""):
        yield f"the name of: {field.resource}"  # type: ignore[attr-defined]
    if getattr(field, "allow_custom", False):
        yield "or something else"
    if field.obligatory:
        yield "must be ticked" if field.kind == "checkbox" else "needed"


def options_of(field: Field) -> Sequence[tuple[str, str]]:
    """(value, what is shown) of what can be chosen."""
    found = getattr(field, "options", ())
    return [(one.value, _option(one.value, one.label)) for one in found]


def _option(value: str, label: str) -> str:
    return line(value if label in ("", value) else f"{label} ({value})")


def shown(value: Any) -> str:
    """A value in one line."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return line(value, WIDEST)
    if isinstance(value, list):
        return line(", ".join(map(shown, value)), WIDEST) or "none"
    if isinstance(value, Mapping) and {"file", "name", "size"} <= value.keys():
        return line(f"{value['name']} ({value['size']:,} bytes)", WIDEST)
    return line(json.dumps(value, ensure_ascii=False), WIDEST)


def with_labels(error: InvalidForm, fields: Sequence[Field]) -> InvalidForm:
    """The same, in the words of the form: with labels where there are any."""
    labels = {field.id: f"{name_of(field)}, {field.id}" for field in fields if field.label}
    wrong = [
        f"{labels.get(name, line(name, WIDEST)) or 'the form'}: {line(text)}"
        for name, texts in error.fields.items()
        for text in texts
    ]
    error.message = "\n  ".join([error.message.partition("\n")[0], *wrong])
    return error
