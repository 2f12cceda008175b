"""What `@step` is told about being late and failing, checked and turned into the rules of a step's options."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from stepwell.code.arguments import Arguments
from stepwell.code.checks import check_kind, check_whole, shown
from stepwell.code.document import NAME
from stepwell.code.options import MOST_RETRIES, Length, Retry, microseconds
from stepwell.code.registry import Key
from stepwell.model.base import Json
from stepwell.model.errors import InvalidInput
from stepwell.model.policy import Backoff
from stepwell.model.recourse import Recourse, Rule, Strike


class Named(Protocol):
    """A workflow, as others name it (see `workflow.Workflow`)."""

    arguments: Arguments

    @property
    def key(self) -> Key: ...


Hooked = Named | str
"""A workflow to start: itself, or `namespace/name:version`."""

_REFERENCE: Final = re.compile(rf"{NAME.pattern}/{NAME.pattern}:(latest|\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?)")


def reference_of(given: Hooked) -> str:
    """`namespace/name:version`. Raises `InvalidInput` where it cannot be started because of what happens elsewhere."""
    if isinstance(given, str):
        if not _REFERENCE.fullmatch(given):
            raise InvalidInput(f"{given!r} names no workflow", hint="write namespace/name:version")
        return given
    arguments: object = getattr(given, "arguments", None)
    if not isinstance(arguments, Arguments):
        raise InvalidInput(
            "what is started when a run ends (on_complete, on_fail, on_cancel, on_timeout), or a step is in trouble "
            f"(a policy's run), is a workflow, or namespace/name:version, not {shown(given)}",
            hint="put @workflow above the function" if callable(given) else "",
        )
    parameters = arguments.signature.parameters.values()
    if not any(p.name == "run" or p.kind is p.VAR_KEYWORD for p in parameters):
        raise InvalidInput(f"{given!r} is told what happened, and needs a parameter `run` for that")
    namespace, name, version = given.key
    return f"{namespace}/{name}:{version}"


@dataclass(frozen=True, slots=True)
class Policy:
    """What to do when a step fails, or is late: `action` "fail" ends it, "retry" tries again, "none" lets a late step
    go on, and a workflow whose step failed.

    `after`: the time limit in seconds (errors have none). A retry begins after `interval` seconds, twice as long each
    time if `exponential`, unless the step has had `count` of them (None: any number). `run`: a workflow, or
    `namespace/name:version`, that is started in any case; it gets `run`, what there is to know of this one.
    """

    action: str = "fail"
    after: Length | None = None
    interval: Length = 1.0
    exponential: bool = False
    count: int | None = 3
    run: Hooked | None = None

    def __post_init__(self) -> None:
        if self.action not in tuple(Recourse):
            raise InvalidInput(f"a policy's action is one of {', '.join(Recourse)}, not {self.action!r}")
        check_whole("a policy's count", self.count, 0, MOST_RETRIES)
        microseconds(self.interval, "interval")
        if self.after is not None:
            microseconds(self.after, "after")
        if self.run is not None:
            reference_of(self.run)

    def rule(self) -> Rule:
        return Rule(
            Recourse(self.action),
            after=None if self.after is None else microseconds(self.after, "after"),
            delay=microseconds(self.interval, "interval"),
            exponential=self.exponential,
            count=self.count,
            workflow=None if self.run is None else reference_of(self.run),
        )


Limit = Length | Policy
"""How long, and what then: plain seconds end the step."""

_NAMES: Final = {
    Strike.START: "start_timeout",
    Strike.RESPONSE: "response_timeout",
    Strike.COMPLETION: "total",
}


def recourse(
    on_error: Policy | None, limits: Mapping[Strike, Limit | None], retry: Retry | None
) -> dict[str, Any]:
    """Members of `StepOptions`. Raises `InvalidInput`."""
    check_kind("on_error", on_error, Policy, "a Policy", hint='write on_error=Policy("retry", count=3)')
    rules = {strike: _limit(strike, given) for strike, given in limits.items() if given is not None}
    options: dict[str, Any] = {}
    if on_error is not None:
        if retry is not None:
            raise InvalidInput("`retry` and `on_error` both say what to do when the step fails: give one")
        if on_error.after is not None:
            raise InvalidInput("`on_error` takes no `after`: an error has no time limit")
        rules[Strike.ERROR] = on_error.rule()
        options = _retries(rules[Strike.ERROR])
    completion = rules.get(Strike.COMPLETION)
    if completion is not None:
        options["total"] = completion.after
        if completion == Rule(after=completion.after):
            del rules[Strike.COMPLETION]  # what `total` says by itself
    written: dict[str, Json] = {strike.value: rule.as_json() for strike, rule in rules.items()}
    return {**options, "policy": written} if written else options


def _limit(strike: Strike, given: Limit) -> Rule:
    name = _NAMES[strike]
    if not isinstance(given, Policy):
        return Rule(after=microseconds(given, name))
    if given.after is None:
        raise InvalidInput(f"{name} needs `after`: Policy({given.action!r}, after=5)")
    if strike is Strike.COMPLETION and given.action == Recourse.RETRY:
        raise InvalidInput(
            "a step whose time is over cannot be tried again in time", hint='use "fail" or "none"'
        )
    return given.rule()


def _retries(rule: Rule) -> dict[str, Any]:
    """An error's rule in the words of retries."""
    if rule.action is Recourse.NONE:
        return {"optional": True}
    if rule.action is not Recourse.RETRY:
        return {}
    backoff = Backoff.EXPONENTIAL if rule.exponential else Backoff.CONSTANT
    return {"retries": rule.count, "delay": rule.delay, "backoff": backoff}
