"""`errorPolicy` as a step's options say it."""

from __future__ import annotations

from collections.abc import Mapping

from stepwell.definition.duration import parse_duration
from stepwell.model.base import Duration, Json
from stepwell.model.recourse import Recourse, Rule


def policy(given: Mapping[str, Json] | None) -> dict[str, Json] | None:
    if not given:
        return None
    return {"policy": {strike: _rule(members).as_json() for strike, members in given.items()}}


def _rule(given: Mapping[str, Json]) -> Rule:
    plain = Rule()
    return Rule(
        Recourse(given.get("action", plain.action)),
        after=length(given.get("after")),
        delay=parse_duration(given["interval"]) if "interval" in given else plain.delay,
        exponential=given.get("exponential", plain.exponential),
        count=given.get("count", plain.count),
    )


def length(given: Json) -> Duration | None:
    return None if given is None else parse_duration(given)
