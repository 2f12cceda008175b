"""The parts that tasks share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from stepwell.definition.building.approvals import before
from stepwell.definition.building.recourse import cache, length, policy, rate
from stepwell.definition.building.values import (
    Members,
    duration,
    optional_duration,
    optional_expression,
    optional_template,
)
from stepwell.definition.expression import Template
from stepwell.definition.model import CatchSpec, JitterSpec, RaiseBody, RetrySpec
from stepwell.definition.specs import (
    AuthSpec,
    DeadlineSpec,
    DurationSpec,
    InputSpec,
    Options,
    OutputSpec,
)
from stepwell.model.base import Json
from stepwell.model.people import assignment
from stepwell.model.policy import Backoff, FailureMode, FailurePolicy

_NOTHING: Final = InputSpec()
_NO_OUTPUT: Final = OutputSpec()
_NO_OPTIONS: Final = Options()
_DIRECT: Final = ("type", "status", "title", "detail", "instance")


class Uses:
    """`use:` of the document: what references stand for."""

    def __init__(self, document: Members) -> None:
        self._use: Members = document.get("use") or {}

    def find(self, section: str, given: Json) -> Json:
        """The thing itself, whether it was given or named."""
        return self._use[section][given] if isinstance(given, str) else given

    def functions(self) -> Members:
        return self._use.get("functions") or {}

    def secrets(self) -> frozenset[str]:
        return frozenset(self._use.get("secrets") or ())


def timeout(members: Members, uses: Uses) -> DurationSpec | None:
    if "timeout" not in members:
        return None
    return duration(uses.find("timeouts", members["timeout"])["after"])


def input_spec(members: Members) -> InputSpec:
    given = members.get("input")
    return _NOTHING if not given else InputSpec(_schema(given), _shaped(given, "from"))


def output_spec(members: Members, name: str = "output") -> OutputSpec:
    given = members.get(name)
    return _NO_OUTPUT if not given else OutputSpec(_shaped(given, "as"), _schema(given))


def _schema(members: Members) -> Json:
    return members["schema"]["document"] if "schema" in members else None


def _shaped(members: Members, name: str) -> Template | None:
    return Template.expression(members[name]) if name in members else None


def options(metadata: Members | None, kind: str) -> Options:
    if not metadata:
        return _NO_OPTIONS
    schedule = metadata.get("schedule")
    rules = metadata.get("errorPolicy") or {}
    return Options(
        optional=metadata.get("optional", False) or (rules.get("error") or {}).get("action") == "none",
        policy=policy(rules),
        cache=cache(metadata.get("cache")),
        rate=rate(metadata.get("rateLimit")),
        completion=length((rules.get("completion") or {}).get("after")),
        priority=metadata.get("priority", 0),
        concurrency=metadata.get("concurrency") if kind == "for" else None,
        schedule=duration(schedule["after"]) if schedule else None,
        debug_pause=(metadata.get("debug") or {}).get("pause", False),
        irreversible=metadata.get("irreversible", False),
        deadline=deadline(metadata),
        auto_start=metadata.get("autoStart", True),
        required=metadata.get("required", False),
        assign=assignment(metadata.get("assign")),
        title=metadata.get("title", ""),
        description=metadata.get("description", ""),
        section=metadata.get("section", ""),
        approval=before(metadata.get("approval")),
        attachments=tuple(metadata.get("attachments", ())),
        raw=metadata,
    )


def deadline(metadata: Members) -> DeadlineSpec | None:
    """`metadata.deadline` of a task or of the document."""
    given = metadata.get("deadline")
    if given is None:
        return None
    if not isinstance(given, Mapping) or "after" not in given:
        return DeadlineSpec(duration(given))
    return DeadlineSpec(
        duration(given["after"]),
        duration(given["warn"]) if "warn" in given else None,
        duration(given["escalate"]) if "escalate" in given else None,
    )


def auth(given: Json, uses: Uses) -> AuthSpec | None:
    if given is None:
        return None
    policy = uses.find("authentications", given["use"]) if "use" in given else given
    (scheme, members) = next(iter(policy.items()))
    if "use" in members:
        return AuthSpec(scheme, secret=members["use"])
    return AuthSpec(
        scheme,
        username=optional_template(members, "username"),
        password=optional_template(members, "password"),
        token=optional_template(members, "token"),
    )


def catch(given: Members, uses: Uses) -> CatchSpec:
    """Without its handler, which holds tasks."""
    return CatchSpec(
        errors_with=(given.get("errors") or {}).get("with") or {},
        as_=given.get("as", "error"),
        when=optional_expression(given, "when"),
        except_when=optional_expression(given, "exceptWhen"),
        retry=_retry(uses.find("retries", given["retry"])) if "retry" in given else None,
        then=given.get("then"),
    )


def _retry(given: Members) -> RetrySpec:
    limit = given.get("limit") or {}
    attempt = limit.get("attempt") or {}
    jitter = given.get("jitter")
    backoff = next(iter(given.get("backoff") or {}), Backoff.CONSTANT)
    return RetrySpec(
        when=optional_expression(given, "when"),
        except_when=optional_expression(given, "exceptWhen"),
        delay=optional_duration(given, "delay"),
        backoff=Backoff(backoff),
        count=attempt.get("count"),
        attempt_duration=optional_duration(attempt, "duration"),
        duration=optional_duration(limit, "duration"),
        jitter=JitterSpec(duration(jitter["from"]), duration(jitter["to"])) if jitter else None,
    )


def raised(given: Json, uses: Uses) -> RaiseBody:
    error = uses.find("errors", given)
    return RaiseBody(**{name: Template.of(error[name]) for name in _DIRECT if name in error})


def failure_policy(metadata: Members) -> FailurePolicy:
    usual = FailureMode.HOLD if "procedure" in metadata else FailureMode.FAIL_FAST
    given = metadata.get("failurePolicy", usual)
    if isinstance(given, str):
        return FailurePolicy(FailureMode(given))
    tolerated = given["tolerate"]
    if isinstance(tolerated, str):
        return FailurePolicy(FailureMode.TOLERATE, float(tolerated.rstrip("% ")), percent=True)
    return FailurePolicy(FailureMode.TOLERATE, tolerated)
