"""`errorPolicy` as a step's options say it, hooks, kept results and rates."""

from __future__ import annotations

from collections.abc import Mapping

from stepwell.definition.duration import parse_duration
from stepwell.definition.expression import expression
from stepwell.definition.specs import CacheSpec
from stepwell.model.base import Duration, Json
from stepwell.model.ledger import Rate
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
        workflow=reference(given["workflow"]) if "workflow" in given else None,
    )


def length(given: Json) -> Duration | None:
    return None if given is None else parse_duration(given)


def hooks(metadata: Mapping[str, Json]) -> dict[str, str]:
    """`metadata.hooks` of the document, by outcome."""
    given = metadata.get("hooks") or {}
    return {outcome: reference(hook["workflow"]) for outcome, hook in given.items()}


def reference(given: Json) -> str:
    """`namespace/name:version`, however it was written."""
    return given if isinstance(given, str) else f"{given['namespace']}/{given['name']}:{given['version']}"


def split(reference: str) -> tuple[str, str, str]:
    """Namespace, name and version."""
    name, _, version = reference.partition(":")
    namespace, _, name = name.partition("/")
    return namespace, name, version


def cache(given: Mapping[str, Json] | None) -> CacheSpec | None:
    return None if given is None else CacheSpec(expression(given["key"]), parse_duration(given["ttl"]))


def rate(given: Mapping[str, Json] | None) -> Rate | None:
    if given is None:
        return None
    return Rate(given.get("name", ""), given["limit"], parse_duration(given["window"]))
