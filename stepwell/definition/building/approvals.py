"""Approvals as documents say them, and the policy of a document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from stepwell.definition.building.values import Members, optional_duration, optional_template
from stepwell.definition.duration import DurationError, parse_duration
from stepwell.definition.specs import ApprovalSpec
from stepwell.model.approvals import DEFAULT_TERMS, MODES, CallPolicy, Mode, Terms, approvers
from stepwell.model.base import Json
from stepwell.model.errors import InvalidInput


def spec(given: Members) -> ApprovalSpec:
    return ApprovalSpec(
        need=optional_template(given, "need"),
        approvers=optional_template(given, "approvers"),
        expires=optional_duration(given, "expires"),
        own=optional_template(given, "selfApproval"),
        what=optional_template(given, "title"),
        arguments=optional_template(given, "arguments"),
        metadata=optional_template(given, "metadata"),
        fails=given.get("refused", "fail") == "fail",
    )


def before(given: Json) -> ApprovalSpec | None:
    """`metadata.approval` of a task: `ask`, `auto`, or the terms."""
    if given is None or given == "auto":
        return None
    return ApprovalSpec() if given == "ask" else spec(given)


MEMBERS: Final = ("mode", "allow", "block", "need", "approvers", "expires", "selfApproval")


def asked(given: Json) -> Terms:
    """What code says of who is asked: `ask`, or the terms. Raises `InvalidInput`."""
    if given == "ask":
        return DEFAULT_TERMS
    if not isinstance(given, Mapping) or {"mode", "allow", "block"} & set(given):
        raise InvalidInput(f"approval must be `ask` or the terms, not {given!r}", hint="{'need': 2}")
    policy = engine_policy(given)
    assert policy is not None
    return policy.terms


def engine_policy(given: Mapping[str, Json] | None) -> CallPolicy | None:
    """The policy of an engine, which no rules of documents have checked. Raises `InvalidInput`."""
    if given is None:
        return None
    unknown = [name for name in given if name not in MEMBERS]
    if unknown:
        raise InvalidInput(f"a policy has no {unknown[0]!r}", hint=f"it has {', '.join(MEMBERS)}")
    if given.get("mode", Mode.AUTO) not in MODES:
        raise InvalidInput(f"mode must be {', '.join(MODES)}, not {given['mode']!r}")
    for name in ("allow", "block"):
        if not isinstance(given.get(name, ()), list | tuple):
            raise InvalidInput(f"{name} must be a list of patterns")
    if not isinstance(given.get("selfApproval", False), bool):
        raise InvalidInput("selfApproval must be true or false")
    try:
        return call_policy(given)
    except DurationError as error:
        raise InvalidInput(f"expires: {error}") from error


def call_policy(given: Mapping[str, Json] | None) -> CallPolicy | None:
    """`metadata.policy` of a document, or that of an engine. Raises `InvalidInput`."""
    if given is None:
        return None
    plain = Terms()
    terms = Terms(
        need=given.get("need", plain.need),
        approvers=approvers(given.get("approvers")),
        expires=parse_duration(given["expires"]) if "expires" in given else None,
        own=given.get("selfApproval", False),
    )
    return CallPolicy(
        Mode(given.get("mode", Mode.AUTO)),
        tuple(given.get("allow", ())),
        tuple(given.get("block", ())),
        terms,
    )
