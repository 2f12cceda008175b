"""Fields with options: one choice, many, and references to resources that live elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple

from stepwell.definition.forms.field import (
    MOST_ITEMS,
    NEEDED,
    Field,
    Resolve,
    count_faults,
    crossed,
    shown,
    text_faults,
    wrong_kind,
)
from stepwell.model.base import Json
from stepwell.model.errors import InvalidForm

LONGEST_CHOICE: Final = 1_000
_MOST_NAMED: Final = 10
_NAME: Final = "[A-Za-z_][A-Za-z0-9_]{0,99}"
REFERENCE: Final = rf"{_NAME}(?:\.{_NAME})?"
_REFERENCE: Final = re.compile(REFERENCE)


class Option(NamedTuple):
    """What can be chosen. `value` is kept, `label` is shown."""

    value: str
    label: str = ""


def _unknown(value: str, options: Sequence[Option]) -> str:
    named = ", ".join(option.value for option in options[:_MOST_NAMED])
    more = ", …" if len(options) > _MOST_NAMED else ""
    return f"{shown(value)} is not one of: {named}{more}"


def _doubled(options: Sequence[Option]) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for option in options:
        if option.value in seen:
            yield "options", f"the option {shown(option.value)} is there twice"
        if fault := next(_choice_faults(option.value), ""):
            yield "options", f"the option {shown(option.value)} {fault}"
        seen.add(option.value)


def _choice_faults(value: Json) -> Iterator[str]:
    if value == "":
        yield "must not be empty"
    yield from text_faults(value, LONGEST_CHOICE)


def _free_text() -> dict[str, Json]:
    return {"type": "string", "minLength": 1, "maxLength": LONGEST_CHOICE}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choosing(Field):
    options: tuple[Option, ...] = ()
    allow_custom: bool = False
    look: str = "dropdown"

    def _one(self, value: Json) -> Iterator[str]:
        unusable = [*_choice_faults(value)]
        yield from unusable
        known = self.allow_custom or any(option.value == value for option in self.options)
        if not unusable and not known:
            yield _unknown(value, self.options)

    def _item(self) -> dict[str, Json]:
        return _free_text() if self.allow_custom else {"enum": [option.value for option in self.options]}

    def contradictions(self) -> Iterator[tuple[str, str]]:
        yield from _doubled(self.options)
        if not self.options and not self.allow_custom:
            yield "options", "there is nothing to choose from: give `options`, or set `allowCustom`"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceField(_Choosing):
    """One of the options, or another text where `allowCustom`."""

    kind: ClassVar[str] = "choice"

    def faults(self, value: Json) -> Iterator[str]:
        yield from self._one(value)

    def schema(self) -> dict[str, Json]:
        return self._item()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoicesField(_Choosing):
    """Any number of the options, none twice."""

    kind: ClassVar[str] = "choices"
    min_count: int | None = None
    max_count: int | None = None

    @property
    def least(self) -> int:
        return max(self.min_count or 0, int(self.required))

    @property
    def obligatory(self) -> bool:
        return self.least > 0

    def faults(self, value: Json) -> Iterator[str]:
        if not isinstance(value, list):
            yield wrong_kind("a list", value)
            return
        too_many = [*count_faults(len(value), self.max_count, "choices")]
        yield from too_many
        if too_many:
            return
        seen: set[str] = set()
        for item in value:
            wrong = [*self._one(item)]
            yield from wrong
            if not wrong and item in seen:
                yield f"{shown(item)} is chosen twice"
            if not wrong:
                seen.add(item)

    def lacks(self, value: Json) -> str:
        return too_few(value, self.least, "choices")

    def schema(self) -> dict[str, Json]:
        found = {"type": "array", "items": self._item(), "uniqueItems": True}
        return {**found, **counts(self.least, self.max_count)}

    def contradictions(self) -> Iterator[tuple[str, str]]:
        yield from _Choosing.contradictions(self)
        yield from crossed("minCount", self.least, "maxCount", self.max_count)
        if not self.allow_custom and self.options and self.least > len(self.options):
            yield "minCount", f"`minCount` is {self.least}, but there are {len(self.options)} options"


def counts(least: int, most: int | None) -> dict[str, Json]:
    """The bounds of a list in a JSON Schema."""
    return {"minItems": least, "maxItems": MOST_ITEMS if most is None else most}


def too_few(value: Json, least: int, what: str) -> str:
    count = len(value or ())
    if count >= least:
        return ""
    return NEEDED if least == 1 else f"must have at least {least:,} {what}, it has {count:,}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceField(Field):
    """Something that lives elsewhere (`resource` says what), by its name: one of `options`, or free where there are
    none, or where `allowCustom`.

    The value may also be `{ref: step.field}`; its output is what is found there.
    """

    kind: ClassVar[str] = "reference"
    resource: str = ""
    options: tuple[Option, ...] = ()
    allow_custom: bool = False

    @property
    def free(self) -> bool:
        return self.allow_custom or not self.options

    def faults(self, value: Json) -> Iterator[str]:
        if self.default is not None and value == self.default:
            return
        if isinstance(value, Mapping):
            yield from self._reference_faults(value)
            return
        unusable = [*_choice_faults(value)]
        yield from unusable
        if not unusable and not self.free and all(option.value != value for option in self.options):
            yield _unknown(value, self.options)

    def _reference_faults(self, value: Mapping[str, Json]) -> Iterator[str]:
        ref = value.get("ref") if len(value) == 1 else None
        if not isinstance(ref, str) or len(ref) > 201 or _REFERENCE.fullmatch(ref) is None:
            yield "must be text, or {ref: step.field}"
        elif not self.free:
            yield "must be one of the options"

    def output(self, value: Json, resolve: Resolve | None) -> Json:
        """Raises `InvalidForm` where what is found is not the name of a resource."""
        if not isinstance(value, Mapping):
            return value
        if resolve is None:
            raise InvalidForm({self.id: ["it refers to another step, which cannot be read here"]})
        found = resolve(value["ref"])
        if wrong := [*_choice_faults(found)]:
            raise InvalidForm({self.id: [f"what {value['ref']} holds {fault}" for fault in wrong]})
        return found

    def schema(self) -> dict[str, Json]:
        allowed: list[Json] = [{"enum": [option.value for option in self.options]}]
        if self.free:
            reference = {"type": "string", "pattern": f"^(?:{REFERENCE})$"}
            allowed = [
                _free_text(),
                {
                    "type": "object",
                    "properties": {"ref": reference},
                    "required": ["ref"],
                    "additionalProperties": False,
                },
            ]
        elif self.default is not None:
            allowed.append({"const": self.default})
        return allowed[0] if len(allowed) == 1 else {"anyOf": allowed}

    def contradictions(self) -> Iterator[tuple[str, str]]:
        yield from _doubled(self.options)
        if self.default is None:
            return
        known = ReferenceField(id=self.id)
        for fault in known.faults(self.default):
            yield "default", fault
