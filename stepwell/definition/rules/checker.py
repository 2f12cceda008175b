"""Goes through a document with the tables. Every value is visited once; nothing recurses; nothing stops
it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any, Final

from stepwell.definition.expression import (
    Expression,
    ExpressionError,
    Template,
    expression,
    syntax_errors,
)
from stepwell.definition.reading.issue import Issue, escape
from stepwell.definition.rules.graphs import ids_in, refer, section_ids
from stepwell.definition.rules.nouns import (
    Anything,
    Either,
    Flag,
    Many,
    NotYet,
    Record,
    Scope,
    Shape,
    Special,
    Text,
    Use,
    Whole,
    kind_of,
    nearest,
)
from stepwell.model.base import Json

NOT_SUPPORTED: Final = "not-supported"

VARIABLES: Final = frozenset(
    {
        "context",
        "input",
        "output",
        "secrets",
        "authorization",
        "task",
        "workflow",
        "runtime",
        "variables",
        "fields",
        "steps",
    }
)
"""Names that every expression may use."""

_LISTED: Final = 8
_REFERRING: Final = frozenset({"steps", "fields"})


class Checker:
    """Collects all issues of a document. `shapes` are the tables."""

    def __init__(self, document: Json, shapes: Mapping[str, Shape]) -> None:
        self.document = document
        self.issues: list[Issue] = []
        self.expressions: list[tuple[str, Expression]] = []
        self.calls: list[tuple[str, str]] = []
        """(pointer of a task, name of the function under `use` that it calls)"""
        self._shapes = shapes
        self._todo: list[tuple[Shape, Json, str, Scope]] = []

    def run(self, shape: Shape) -> list[Issue]:
        """All issues, in no particular order."""
        self.push(shape, self.document, "", Scope())
        while self._todo:
            found, value, pointer, scope = self._todo.pop()
            while isinstance(found, str):
                found = self._shapes[found]
            _CHECKS[type(found)](self, found, value, pointer, scope)
        for pointer, complaint in syntax_errors(self.expressions):
            self.complain("expression", f"not jq: {complaint}", pointer)
        return self.issues

    # what rules say

    def push(self, shape: Shape, value: Json, pointer: str, scope: Scope) -> None:
        """Check this value too."""
        self._todo.append((shape, value, pointer, scope))

    def complain(
        self,
        code: str,
        message: str,
        pointer: str,
        hint: str = "",
        *,
        key: bool = False,
        lacking: bool = False,
    ) -> None:
        self.issues.append(Issue(code, message, pointer, hint, key, lacking=lacking))

    def not_yet(self, feature: str, pointer: str, hint: str = "", *, key: bool = True) -> None:
        hint = hint or "leave it out until it is"
        self.complain(NOT_SUPPORTED, f"{feature}: not supported yet", pointer, hint, key=key)

    def reference(self, what: str, section: str, name: str, pointer: str) -> bool:
        """Whether `use.<section>` has this name; complains if it has not."""
        known = self.used(section)
        if name in known:
            return True
        hint = nearest(name, known) or f"add it under `use.{section}`"
        self.complain("unknown-reference", f"there is no {what} `{name}`", pointer, hint)
        return False

    @cached_property
    def procedure(self) -> Mapping[str, Json] | None:
        """`document.metadata.procedure`; None where the document is no procedure."""
        found = self.document
        for name in ("document", "metadata", "procedure"):
            found = found.get(name) if isinstance(found, Mapping) else None
        return found if isinstance(found, Mapping) else None

    @cached_property
    def global_fields(self) -> frozenset[str]:
        """The ids of the procedure's global fields."""
        return frozenset(ids_in((self.procedure or {}).get("fields")))

    @cached_property
    def sections(self) -> frozenset[str]:
        """The ids of the procedure's sections, those within others included."""
        return frozenset(id for id, _ in section_ids((self.procedure or {}).get("sections")))

    def used(self, section: str) -> Json:
        """What stands under `use.<section>`, empty where there is nothing of use."""
        use = self.document.get("use") if isinstance(self.document, Mapping) else None
        found = use.get(section) if isinstance(use, Mapping) else None
        if section == "secrets":
            return [name for name in found if isinstance(name, str)] if isinstance(found, list) else []
        return found if isinstance(found, Mapping) else {}

    def expression(self, text: str, pointer: str, scope: Scope) -> None:
        """An expression stands here, bare or within `${}`."""
        found = expression(text)
        self.note([found], pointer, scope)

    def note(self, found: Iterable[Expression], pointer: str, scope: Scope) -> None:
        for each in found:
            if not each.source:
                self.complain("expression", "an empty expression", pointer, lacking=True)
            elif each.refused is not None:
                self.complain("refused-expression", each.refused, pointer)
            else:
                self.expressions.append((pointer, each))
                self._in_scope(each, pointer, scope)
                if each.names & _REFERRING:
                    refer(self, each.source, pointer, scope)

    def template(self, value: Json, pointer: str, scope: Scope) -> None:
        """Strings in this value may hold `${}`."""
        try:
            self.note(Template.of(value).expressions, pointer, scope)
        except ExpressionError as error:
            self.complain("expression", str(error), pointer, "close it with }")

    def _in_scope(self, found: Expression, pointer: str, scope: Scope) -> None:
        if scope.variables is None:
            return
        for name in sorted(found.names - VARIABLES - scope.variables):
            known = VARIABLES | scope.variables
            hint = nearest(name, known) or f"known here: {', '.join('$' + n for n in sorted(known))}"
            self.complain("unknown-variable", f"there is no variable ${name} here", pointer, hint)

    # one function per kind of shape

    def _wrong_kind(self, wanted: str, value: Json, pointer: str) -> None:
        hint = ""
        if wanted == "text" and isinstance(value, int | float) and not isinstance(value, bool):
            hint = "put it in quotes"
        name = pointer.rpartition("/")[2]
        subject = f"`{name}`" if name and not name.isdigit() else "this"
        message = f"{subject} must be {wanted}, not {kind_of(value)}"
        self.complain("type", message, pointer, hint, lacking=value is None)

    def text(self, shape: Text, value: Json, pointer: str, scope: Scope) -> None:
        if not isinstance(value, str):
            self._wrong_kind(f"one of {', '.join(shape.among)}" if shape.among else "text", value, pointer)
        elif shape.use is Use.EXPRESSION:
            self.expression(value, pointer, scope)
        elif shape.use is Use.ONLY_EXPRESSION and not _is_expression(value):
            self.complain("expression", f"{value[:60]!r} is no expression", pointer, "write it as ${ … }")
        elif shape.use is not Use.LITERAL and "${" in value:
            self.template(value, pointer, scope)
        elif shape.among and value not in shape.among:
            hint = nearest(value, shape.among) or f"one of {', '.join(shape.among)}"
            self.complain("value", f"{value[:60]!r} is not known here", pointer, hint)
        elif shape.pattern is not None and shape.pattern.fullmatch(value) is None:
            self.complain("value", f"{value[:60]!r} is not {shape.like}", pointer)
        if shape.hook is not None and isinstance(value, str):
            shape.hook(self, value, pointer, scope)

    def whole(self, shape: Whole, value: Json, pointer: str, scope: Scope) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            self._wrong_kind("a whole number", value, pointer)
        elif shape.least is not None and value < shape.least:
            self.complain("value", f"{_digits(value)} is less than {shape.least}", pointer)
        elif shape.most is not None and value > shape.most:
            self.complain("value", f"{_digits(value)} is more than {shape.most}", pointer)

    def flag(self, shape: Flag, value: Json, pointer: str, scope: Scope) -> None:
        if not isinstance(value, bool):
            self._wrong_kind("true or false", value, pointer)

    def anything(self, shape: Anything, value: Json, pointer: str, scope: Scope) -> None:
        if shape.template:
            if isinstance(value, Mapping):
                for name, member in value.items():
                    self.push(shape, member, f"{pointer}/{escape(name)}", scope)
            elif isinstance(value, list):
                for place, item in enumerate(value):
                    self.push(shape, item, f"{pointer}/{place}", scope)
            elif isinstance(value, str) and "${" in value:
                self.template(value, pointer, scope)
        if shape.hook is not None:
            shape.hook(self, value, pointer, scope)

    def many(self, shape: Many, value: Json, pointer: str, scope: Scope) -> None:
        if not isinstance(value, list):
            self._wrong_kind("a list", value, pointer)
            return
        if len(value) < shape.least:
            hint = f"it needs at least {shape.least}"
            self.complain("value", "the list is empty", pointer, hint, lacking=True)
        for place, item in enumerate(value):
            self.push(shape.of, item, f"{pointer}/{place}", scope)

    def record(self, shape: Record, value: Json, pointer: str, scope: Scope) -> None:
        if not isinstance(value, Mapping):
            self._wrong_kind("an object", value, pointer)
            return
        if len(value) < shape.least:
            self.complain("value", "the object is empty", pointer, lacking=True)
        for name in shape.required:
            if name not in value:
                self._missing(f"`{name}`", value, pointer, shape)
        present = [name for name in value if name in shape.one_of]
        if shape.one_of and not present:
            self._missing(" or ".join(f"`{name}`" for name in shape.one_of), value, pointer, shape)
        for name in present[1:]:
            message = f"`{name}` cannot stand beside `{present[0]}`"
            self.complain("one-of", message, f"{pointer}/{escape(name)}", "keep one of them", key=True)
        self.members(shape, value, pointer, scope)
        if shape.hook is not None:
            shape.hook(self, value, pointer, scope)

    def members(self, shape: Record, value: Mapping[str, Json], pointer: str, scope: Scope) -> None:
        for name, member in value.items():
            place = f"{pointer}/{escape(name)}"
            inside = shape.members.get(name, shape.others)
            if inside is None:
                hint = nearest(name, [n for n in shape.members if n not in value]) or _known(shape)
                self.complain("unknown-property", f"`{name}` is not known here", place, hint, key=True)
            else:
                inner = scope if shape.rescope is None else shape.rescope(value, name, scope)
                self.push(inside, member, place, inner)

    def _missing(self, what: str, value: Mapping[str, Json], pointer: str, shape: Record) -> None:
        subject = pointer.rpartition("/")[2].replace("~1", "/").replace("~0", "~")
        where = "" if not subject or subject.isdigit() else f" in `{subject}`"
        self.complain("required", f"{what} is missing{where}", pointer, lacking=True)

    def either(self, shape: Either, value: Json, pointer: str, scope: Scope) -> None:
        kinds = (
            (shape.text, isinstance(value, str), "text"),
            (shape.flag, isinstance(value, bool), "true or false"),
            (shape.whole, isinstance(value, int) and not isinstance(value, bool), "a whole number"),
            (shape.number, isinstance(value, int | float) and not isinstance(value, bool), "a number"),
            (shape.record, isinstance(value, Mapping), "an object"),
            (shape.many, isinstance(value, list), "a list"),
        )
        for inside, fits, _ in kinds:
            if inside is not None and fits:
                self.push(inside, value, pointer, scope)
                return
        self._wrong_kind(" or ".join(name for inside, _, name in kinds if inside is not None), value, pointer)

    def not_yet_shape(self, shape: NotYet, value: Json, pointer: str, scope: Scope) -> None:
        self.not_yet(shape.feature, pointer)
        self.push(shape.shape, value, pointer, scope)

    def special(self, shape: Special, value: Json, pointer: str, scope: Scope) -> None:
        shape.hook(self, value, pointer, scope)


_CHECKS: Final[dict[type, Callable[..., Any]]] = {
    Text: Checker.text,
    Whole: Checker.whole,
    Flag: Checker.flag,
    Anything: Checker.anything,
    Many: Checker.many,
    Record: Checker.record,
    Either: Checker.either,
    NotYet: Checker.not_yet_shape,
    Special: Checker.special,
}


def _digits(number: int) -> str:
    """A number as messages show it. Python refuses to write very long ones."""
    return str(number) if number.bit_length() < 256 else "a number of that size"


def _is_expression(text: str) -> bool:
    text = text.strip()
    return text.startswith("${") and text.endswith("}")


def _known(shape: Record) -> str:
    names = list(shape.members)
    if not names:
        return "nothing is"
    return "known are " + ", ".join(names[:_LISTED]) + (", …" if len(names) > _LISTED else "")
