"""Templates, expressions and durations that may be there."""

from __future__ import annotations

from collections.abc import Mapping

from stepwell.definition.duration import parse_duration
from stepwell.definition.expression import Expression, Template, expression
from stepwell.definition.specs import DurationSpec
from stepwell.model.base import Json

Members = Mapping[str, Json]


def optional_expression(members: Members, name: str) -> Expression | None:
    return expression(members[name]) if name in members else None


def optional_template(members: Members, name: str) -> Template | None:
    return Template.of(members[name]) if name in members else None


def duration(value: Json) -> DurationSpec:
    if isinstance(value, str) and "${" in value:
        return DurationSpec(template=Template.of(value))
    return DurationSpec(constant=parse_duration(value))


def optional_duration(members: Members, name: str) -> DurationSpec | None:
    return duration(members[name]) if name in members else None
