"""Text, of one line or many."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

from stepwell.definition.forms import patterns
from stepwell.definition.forms.field import LONGEST_TEXT, NEEDED, Field, crossed, text_faults
from stepwell.model.base import Json

ONE_LINE: Final = "^[^\\u0000-\\u0008\\u000a-\\u001f\\u007f\\u0085\\u2028\\u2029]*$"
"""no line breaks and no control characters but the tab, as JSON Schema has it"""
_BREAKS: Final = re.compile("[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True, kw_only=True)
class TextField(Field):
    """`pattern` is for the whole text; `message` is told where it does not match."""

    kind: ClassVar[str] = "text"
    multiline: bool = False
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    message: str = ""

    @property
    def longest(self) -> int:
        limit = LONGEST_TEXT if self.pattern is None else patterns.LONGEST_MATCHED
        return limit if self.max_length is None else min(limit, self.max_length)

    def faults(self, value: Json) -> Iterator[str]:
        unusable = [*text_faults(value, self.longest)]
        yield from unusable
        if unusable or (self.required and value == ""):
            return
        if self.min_length is not None and len(value) < self.min_length:
            yield f"must have at least {self.min_length:,} characters, it has {len(value):,}"
        if not self.multiline and _BREAKS.search(value):
            yield "must be one line, without control characters"
        if self.pattern is not None and not patterns.matches(self.pattern, value):
            yield self.message or f"must match {self.pattern}"

    def lacks(self, value: Json) -> str:
        return NEEDED if self.required and value in (None, "") else ""

    def schema(self) -> dict[str, Json]:
        least = max(self.min_length or 0, int(self.required))
        found: dict[str, Json] = {"type": "string", "maxLength": self.longest}
        if least:
            found["minLength"] = least
        rules = [] if self.multiline else [ONE_LINE]
        rules += [] if self.pattern is None else [patterns.whole(self.pattern)]
        if len(rules) == 1:
            found["pattern"] = rules[0]
        elif rules:
            found["allOf"] = [{"pattern": rule} for rule in rules]
        return found

    def contradictions(self) -> Iterator[tuple[str, str]]:
        yield from crossed("minLength", self.min_length, "maxLength", self.max_length)
        if self.message and self.pattern is None:
            yield "message", "`message` is told where a `pattern` does not match, and there is none"
        if self.pattern is not None and (complaint := patterns.complaint(self.pattern)):
            yield "pattern", complaint
