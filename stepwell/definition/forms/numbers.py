"""Numbers, whole and other, and the checkbox."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

from stepwell.definition.forms.field import Field, Resolve, without_nothing, wrong_kind
from stepwell.model.base import Json

LARGEST_WHOLE: Final = (1 << 63) - 1
LARGEST: Final = 1.7976931348623157e308

Number = int | float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Numeric(Field):
    """Bounds are inclusive, or exclusive by their name. They are compared exactly, integers with fractions too."""

    minimum: Number | None = None
    maximum: Number | None = None
    exclusive_minimum: Number | None = None
    exclusive_maximum: Number | None = None

    def _out_of_bounds(self, value: Number) -> Iterator[str]:
        if self.minimum is not None and value < self.minimum:
            yield f"must be at least {self.minimum}"
        if self.maximum is not None and value > self.maximum:
            yield f"must be at most {self.maximum}"
        if self.exclusive_minimum is not None and value <= self.exclusive_minimum:
            yield f"must be more than {self.exclusive_minimum}"
        if self.exclusive_maximum is not None and value >= self.exclusive_maximum:
            yield f"must be less than {self.exclusive_maximum}"

    def _bounds(self) -> dict[str, Json]:
        return without_nothing(
            {
                "minimum": self.minimum,
                "maximum": self.maximum,
                "exclusiveMinimum": self.exclusive_minimum,
                "exclusiveMaximum": self.exclusive_maximum,
            }
        )

    def contradictions(self) -> Iterator[tuple[str, str]]:
        bounds = self._bounds()
        for name, bound in bounds.items():
            if not abs(bound) <= LARGEST:
                yield name, f"`{name}` must be a finite number"
        for side in ("inimum", "aximum"):
            if f"m{side}" in bounds and f"exclusiveM{side}" in bounds:
                yield f"exclusiveM{side}", f"keep one of `m{side}` and `exclusiveM{side}`"
        for low in ("minimum", "exclusiveMinimum"):
            for high in ("maximum", "exclusiveMaximum"):
                if low in bounds and high in bounds and self._empty(low, bounds[low], high, bounds[high]):
                    yield high, f"nothing fits between `{low}` and `{high}`"

    @staticmethod
    def _empty(low: str, least: Number, high: str, most: Number) -> bool:
        open_ended = low.startswith("exclusive") or high.startswith("exclusive")
        return least > most or (open_ended and least == most)


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegerField(_Numeric):
    """A whole number of at most 64 bits. `3.0` is one; its output is `3`."""

    kind: ClassVar[str] = "integer"

    def faults(self, value: Json) -> Iterator[str]:
        if isinstance(value, bool) or not isinstance(value, int | float):
            yield wrong_kind("a whole number", value)
        elif isinstance(value, float) and not value.is_integer():
            yield "must be a whole number"
        elif abs(value) > LARGEST_WHOLE:
            yield "must be a whole number of at most 64 bits"
        else:
            yield from self._out_of_bounds(value)

    def output(self, value: Json, resolve: Resolve | None) -> Json:
        return int(value)

    def schema(self) -> dict[str, Json]:
        found = {"type": "integer", **self._bounds()}
        found["minimum"] = max(found.get("minimum", -LARGEST_WHOLE), -LARGEST_WHOLE)
        found["maximum"] = min(found.get("maximum", LARGEST_WHOLE), LARGEST_WHOLE)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberField(_Numeric):
    """A number; infinity and not-a-number are none."""

    kind: ClassVar[str] = "number"

    def faults(self, value: Json) -> Iterator[str]:
        if isinstance(value, bool) or not isinstance(value, int | float):
            yield wrong_kind("a number", value)
        elif (isinstance(value, float) and not math.isfinite(value)) or abs(value) > LARGEST:
            yield "must be a finite number"
        else:
            yield from self._out_of_bounds(value)

    def schema(self) -> dict[str, Json]:
        return {"type": "number", **self._bounds()}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckboxField(Field):
    """Ticked or not. Required means ticked; one that was never touched is not ticked."""

    kind: ClassVar[str] = "checkbox"

    def faults(self, value: Json) -> Iterator[str]:
        if not isinstance(value, bool):
            yield wrong_kind("true or false", value)

    def lacks(self, value: Json) -> str:
        return "must be ticked" if self.required and value is not True else ""

    def schema(self) -> dict[str, Json]:
        return {"const": True} if self.required else {"type": "boolean"}
