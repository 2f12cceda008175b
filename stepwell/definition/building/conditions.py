"""Conditions and captures of the model, from what the document says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from stepwell.definition.building.http import http_body
from stepwell.definition.building.parts import Uses
from stepwell.definition.building.values import (
    duration,
    optional_duration,
    optional_expression,
    optional_template,
)
from stepwell.definition.conditions import (
    HTTP_EVERY,
    JOB_EVERY,
    SERIES_EVERY,
    CaptureSpec,
    Channel,
    Comparator,
    Condition,
    ConditionKind,
    EventSpec,
    ExpressionSpec,
    HttpSpec,
    JobSpec,
    SeriesSource,
    SeriesSpec,
    Spec,
    TimerSpec,
    WebhookSpec,
    places,
)
from stepwell.definition.duration import parse_duration
from stepwell.definition.expression import Template, expression
from stepwell.definition.specs import DurationSpec
from stepwell.model.base import SECOND, Duration, Json

Members = Mapping[str, Json]

CAPTURE_TIMEOUT: Final = DurationSpec(constant=10 * SECOND)
SUBMITTED: Final = "step.submitted"
WEBHOOK_ATTEMPTS: Final = 3


def read_condition(given: Json, uses: Uses, path: str = "") -> Condition | None:
    """A condition that was checked before; None where there is none."""
    if given is None:
        return None
    ((word, inside),) = given.items()
    kind = ConditionKind(word)
    if kind in _LEAVES:
        return Condition(path, kind, _LEAVES[kind](inside, uses))
    parts = [inside] if kind is ConditionKind.NOT else inside
    prefix = f"{path}/" if path else ""
    found = [read_condition(part, uses, f"{prefix}{place}") for place, part in enumerate(parts)]
    return Condition(path, kind, children=tuple(child for child in found if child is not None))


def read_captures(given: Json, uses: Uses) -> tuple[CaptureSpec, ...]:
    """`captures:` of a form or a condition."""
    return tuple(
        CaptureSpec(
            field=each["field"],
            channel=_channel(each, uses),
            at=places(each.get("at")),
            timeout=_length(each, "timeout") or CAPTURE_TIMEOUT,
            every=_every(each, SERIES_EVERY),
            required=each.get("onFailure") == "fail",
        )
        for each in given or ()
    )


def _length(members: Members, name: str) -> DurationSpec | None:
    return optional_duration(members, name)


def _every(members: Members, usual: Duration) -> DurationSpec:
    return optional_duration(members, "every") or DurationSpec(constant=usual)


def _timer(given: Json, uses: Uses) -> Spec:
    return TimerSpec(duration(given))


def _expression(given: Json, uses: Uses) -> Spec:
    return ExpressionSpec(expression(given))


def _http(given: Members, uses: Uses) -> HttpSpec:
    return HttpSpec(
        request=http_body({"method": "GET", **given}, given, uses),
        every=_every(given, HTTP_EVERY),
        until=optional_expression(given, "until"),
        fail=optional_expression(given, "fail"),
        timeout=_length(given, "timeout"),
        attempts=given.get("attempts"),
    )


def _channel(given: Members, uses: Uses) -> Channel:
    source = given["source"]
    http = source.get("http")
    return Channel(
        source=SeriesSource(
            file=optional_template(source, "file"),
            http=http_body({"method": "GET", **http}, http, uses) if http is not None else None,
            name=source.get("name"),
        ),
        channel=Template.of(given["channel"]),
        tags=optional_template(given, "tags"),
        window=_length(given, "window"),
    )


def _series(given: Members, uses: Uses) -> Spec:
    return SeriesSpec(
        channel=_channel(given, uses),
        comparator=Comparator(given["comparator"]),
        every=_every(given, SERIES_EVERY),
        threshold=optional_template(given, "threshold"),
        consecutive=given.get("consecutive", 1),
        held=_length(given, "held"),
        timeout=_length(given, "timeout"),
    )


def _webhook(given: Members, uses: Uses) -> Spec:
    return WebhookSpec(
        endpoint=Template.of(given["endpoint"]),
        secret=given["secret"],
        payload=Template.of(given.get("payload")),
        event=given.get("event", SUBMITTED),
        headers=optional_template(given, "headers"),
        attempts=given.get("attempts", WEBHOOK_ATTEMPTS),
        interval=parse_duration(given.get("interval", "PT15S")),
        cap=parse_duration(given.get("cap", "PT300S")),
        exponential=given.get("exponential", True),
        timeout=parse_duration(given.get("timeout", "PT600S")),
    )


def _job(given: Members, uses: Uses) -> Spec:
    if "http" in given:
        beside = {name: given[name] for name in ("every", "timeout") if name in given}
        return _http({**beside, **given["http"]}, uses)
    return JobSpec(Template.of(given["run"]), _every(given, JOB_EVERY), _length(given, "timeout"))


def _event(given: Json, uses: Uses) -> Spec:
    members = {"name": given} if isinstance(given, str) else given
    return EventSpec(
        Template.of(members["name"]), optional_template(members, "correlation"), _length(members, "timeout")
    )


_LEAVES: Final[dict[ConditionKind, Callable[[Json, Uses], Spec]]] = {
    ConditionKind.TIMER: _timer,
    ConditionKind.EXPRESSION: _expression,
    ConditionKind.HTTP: _http,
    ConditionKind.SERIES: _series,
    ConditionKind.WEBHOOK: _webhook,
    ConditionKind.JOB: _job,
    ConditionKind.EVENT: _event,
}
