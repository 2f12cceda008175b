"""The fields of a form: what a document may say of each kind, and what would contradict itself.

A field is checked on its own first. Only where its shape is right is it asked for contradictions, so that it never
meets a member of the wrong kind.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from stepwell.definition.forms.field import LONGEST_TEXT, MOST_ITEMS
from stepwell.definition.forms.files import SUFFIX, TYPES
from stepwell.definition.forms.numbers import LARGEST_WHOLE
from stepwell.definition.forms.reading import KINDS, RESERVED, contradictions, read_field
from stepwell.definition.reading.issue import escape
from stepwell.definition.rules.checker import Checker
from stepwell.definition.rules.common import LITERAL, among
from stepwell.definition.rules.graphs import resource
from stepwell.definition.rules.nouns import (
    Anything,
    Either,
    Examiner,
    Flag,
    Many,
    Record,
    Scope,
    Shape,
    Special,
    Text,
    Whole,
    kind_of,
    nearest,
)
from stepwell.model.base import Json

FIELD_ID: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")


def _id(checker: Examiner, value: Json, pointer: str, scope: Scope) -> None:
    if value in RESERVED:
        message = f"the id `{value}` stands for the step itself where its fields are read"
        checker.complain("value", message, pointer, "take another one")


_COMMON: Final[Mapping[str, Shape]] = {
    "kind": LITERAL,
    "id": Text(
        pattern=FIELD_ID, like="the id of a field: a letter or _, then letters, digits and _", hook=_id
    ),
    "label": LITERAL,
    "description": LITERAL,
    "required": Flag(),
    "default": Anything(),
    "unit": LITERAL,
}
_BOUND: Final = Either(whole=Whole(), number=Anything())
_BOUNDS: Final[Mapping[str, Shape]] = dict.fromkeys(
    ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _BOUND
)
_TIMES: Final[Mapping[str, Shape]] = {"minimum": LITERAL, "maximum": LITERAL}
_COUNTS: Final[Mapping[str, Shape]] = {"minCount": Whole(0, MOST_ITEMS), "maxCount": Whole(0, MOST_ITEMS)}
_OPTION: Final = Either(
    text=LITERAL, record=Record({"value": LITERAL, "label": LITERAL}, required=("value",))
)
_CHOOSING: Final[Mapping[str, Shape]] = {"options": Many(_OPTION), "allowCustom": Flag()}
_LOOK: Final[Mapping[str, Shape]] = {"look": among("buttons", "dropdown")}
_FILING: Final[Mapping[str, Shape]] = {
    "suffixes": Many(Text(pattern=SUFFIX, like="the end of a file's name, like .csv"), least=1),
    "types": Many(Text(pattern=TYPES, like="a media type, like text/csv or image/*"), least=1),
    "maxSize": Whole(0, LARGEST_WHOLE),
}
_LENGTH: Final = Whole(0, LONGEST_TEXT)

_OWN: Final[Mapping[str, Mapping[str, Shape]]] = {
    "text": {
        "multiline": Flag(),
        "minLength": _LENGTH,
        "maxLength": _LENGTH,
        "pattern": LITERAL,
        "message": LITERAL,
    },
    "integer": _BOUNDS,
    "number": _BOUNDS,
    "checkbox": {},
    "choice": {**_CHOOSING, **_LOOK},
    "choices": {**_CHOOSING, **_LOOK, **_COUNTS},
    "datetime": _TIMES,
    "duration": _TIMES,
    "file": _FILING,
    "files": {**_FILING, **_COUNTS},
    "reference": {**_CHOOSING, "resource": LITERAL},
}
SHAPES: Final[Mapping[str, Record]] = {
    kind: Record({**_COMMON, **own}, required=("id", "kind")) for kind, own in _OWN.items()
}


def _fields(checker: Examiner, value: Json, pointer: str, scope: Scope) -> None:
    if not isinstance(value, list):
        checker.push(Many(Anything()), value, pointer, scope)
        return
    seen: set[str] = set()
    for place, field in enumerate(value):
        _field(checker, field, f"{pointer}/{place}")
        id = field.get("id") if isinstance(field, Mapping) else None
        if isinstance(id, str) and id in seen:
            message = f"another field has the id `{id[:60]}`"
            checker.complain("duplicate", message, f"{pointer}/{place}/id", "give it an id of its own")
        if isinstance(id, str):
            seen.add(id)
        default = field.get("default") if isinstance(field, Mapping) else None
        if isinstance(default, Mapping) and isinstance(default.get("ref"), str):
            resource(checker, default["ref"], f"{pointer}/{place}/default/ref", scope)


def _field(checker: Examiner, field: Json, pointer: str) -> None:
    if not isinstance(field, Mapping):
        checker.complain("type", f"a field must be an object, not {kind_of(field)}", pointer)
        return
    kind = field.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        _no_kind(checker, field, pointer)
        return
    alone = Checker(field, {})
    issues = alone.run(SHAPES[kind])
    for issue in issues:
        place = pointer + issue.pointer
        checker.complain(issue.code, issue.message, place, issue.hint, key=issue.key, lacking=issue.lacking)
    for member, message in [] if issues else contradictions(read_field(field)):
        checker.complain("field", message, f"{pointer}/{escape(member)}")


def _no_kind(checker: Examiner, field: Mapping[str, Json], pointer: str) -> None:
    known = f"one of {', '.join(KINDS)}"
    if "kind" not in field:
        checker.complain("required", "the field needs a `kind`", pointer, known, lacking=True)
        return
    kind = field["kind"]
    named = isinstance(kind, str)
    message = f"{repr(kind[:60]) if named else kind_of(kind)} is no kind of field"
    checker.complain("value", message, f"{pointer}/kind", (nearest(kind, KINDS) if named else "") or known)


FIELDS: Final[Shape] = Special(_fields)
"""A list of fields."""
