"""Policies of what may be called, and approvals: what is asked of whom, who said what, and what came of it.

SPEC X8 and Q8. The rules are in `kernel.approvals`; here are the nouns.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from stepwell.model.base import Duration, Instant, Json
from stepwell.model.errors import InvalidInput

MASK: Final = "***"
"""What stands where a secret was."""


class Mode(StrEnum):
    """What becomes of a call that no list names. The later, the stricter."""

    AUTO = "auto"
    """it is performed"""
    ASK = "ask"
    """it waits until people approve it"""
    DENY = "deny"
    """it fails"""


MODES: Final = tuple(mode.value for mode in Mode)


class ApprovalStatus(StrEnum):
    """Where an approval stands. The last four are final."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    """the step or the run ended otherwise: nobody has to decide any more"""


class Verdict(StrEnum):
    """What somebody says."""

    APPROVE = "approve"
    REJECT = "reject"


class Approvers(NamedTuple):
    """Who may decide: these people, and the members of these groups; nobody named: anybody. With `roles`, only whoever
    has one of them."""

    people: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Json]:
        return {name: list(each) for name, each in zip(self._fields, self, strict=True) if each}


ANYBODY: Final = Approvers()


def approvers(members: Json) -> Approvers:
    """What `Approvers.as_json` wrote, or a person did. Raises `InvalidInput`."""
    given = {} if members is None else members
    if not isinstance(given, Mapping):
        raise InvalidInput(
            "approvers must be an object", hint="{people: [ada], groups: [finance], roles: [lead]}"
        )
    unknown = [name for name in given if name not in Approvers._fields]
    if unknown:
        raise InvalidInput(f"approvers have no {unknown[0]!r}", hint="they have people, groups and roles")
    return Approvers(*(_names(given[name], name) if name in given else () for name in Approvers._fields))


def _names(given: Json, what: str) -> tuple[str, ...]:
    """Nothing is not everybody: an expression that came to nothing must not let anybody decide."""
    if not isinstance(given, list | tuple) or not all(isinstance(n, str) and n.strip() for n in given):
        raise InvalidInput(f"approvers: {what} must be a list of names")
    if not given:
        raise InvalidInput(f"approvers: {what} names nobody", hint=f"leave {what} out if it is not asked for")
    return tuple(dict.fromkeys(given))


class Terms(NamedTuple):
    """On what terms a call is approved. `need`: how many have to. `expires`: after so long it is rejected. `own`: who
    asked for it (started the run, submitted the step before) may decide too."""

    need: int = 1
    approvers: Approvers = ANYBODY
    expires: Duration | None = None
    own: bool = False

    def as_json(self) -> dict[str, Json]:
        return {
            "need": self.need,
            "approvers": self.approvers.as_json(),
            "expires": self.expires,
            "own": self.own,
        }


def terms_from(members: Mapping[str, Json]) -> Terms:
    """What `Terms.as_json` wrote."""
    return Terms(
        members["need"], approvers(members["approvers"]), members.get("expires"), members.get("own", False)
    )


DEFAULT_TERMS: Final = Terms()


def checked_terms(terms: Terms) -> Terms:
    """Raises `InvalidInput` where they can never be met."""
    if isinstance(terms.need, bool) or not isinstance(terms.need, int) or terms.need < 1:
        raise InvalidInput("need must be a whole number, 1 or more")
    named = terms.approvers
    if named.people and not named.groups and len(named.people) < terms.need:
        raise InvalidInput(
            f"{terms.need} approvals are needed, and only {len(named.people)} may be given",
            hint="name more people, or a group",
        )
    if terms.expires is not None and terms.expires <= 0:
        raise InvalidInput("expires must be longer than no time")
    return terms


def joined(terms: Sequence[Terms]) -> Terms:
    """What to ask for where several levels ask, the outermost first: the approvers of the first that names any, the
    most approvals, the shortest time; own decisions only if all allow them."""
    named = next((each.approvers for each in terms if each.approvers != ANYBODY), ANYBODY)
    times = [each.expires for each in terms if each.expires is not None]
    need = max(each.need for each in terms)
    return Terms(need, named, min(times, default=None), all(each.own for each in terms))


KINDS: Final = ("http", "python", "shell", "run", "step")
"""How the names of calls begin."""

PATTERN: Final = re.compile(rf"\*|(?:{'|'.join(KINDS)}):.+", re.DOTALL)


@dataclass(frozen=True, slots=True)
class CallPolicy:
    """What may be called. A call that `block` names is denied; else one that `allow` names is performed; else `mode`
    says. Both are lists of patterns (docs/approvals.md). `terms`: those of what is asked."""

    mode: Mode = Mode.AUTO
    allow: tuple[str, ...] = ()
    block: tuple[str, ...] = ()
    terms: Terms = DEFAULT_TERMS

    def __post_init__(self) -> None:
        """Raises `InvalidInput`: a pattern that can never match would protect nothing."""
        for pattern in (*self.allow, *self.block):
            if not isinstance(pattern, str) or not PATTERN.fullmatch(pattern):
                raise InvalidInput(
                    f"{pattern!r} is no pattern of what is called",
                    hint=f"it begins with {', '.join(kind + ':' for kind in KINDS)} or is `*`",
                )
        checked_terms(self.terms)


@dataclass(slots=True)
class Decision:
    """What somebody said. `chain`: by whom the right to say it was handed on, the first one first."""

    by: str
    verdict: Verdict
    at: Instant
    comment: str | None = None
    metadata: Json = None
    chain: tuple[str, ...] = ()


@dataclass(slots=True)
class Delegation:
    """Somebody handed the right to decide on."""

    by: str
    to: str
    at: Instant
    comment: str | None = None


@dataclass(slots=True)
class Approval:
    """What is asked, of whom, and what was said. `step` asks; `number` counts its requests (a retry asks again).

    `what` is what is to be called, or a title; `arguments` what it would be called with, secrets masked: once approved,
    exactly that is performed. `excluded`: people who may not decide, because they asked for it.
    """

    step: str
    what: str
    arguments: Json
    requested_at: Instant
    need: int = 1
    approvers: Json = None
    """`Approvers.as_json`"""
    due: Instant | None = None
    excluded: tuple[str, ...] = ()
    reason: str | None = None
    """why it is asked: which policy says so"""
    metadata: Json = None
    number: int = 1
    status: ApprovalStatus = ApprovalStatus.PENDING
    spent: bool = False
    """it does not count any more: the step is begun anew, and asks again"""
    decisions: list[Decision] = field(default_factory=list)
    delegations: list[Delegation] = field(default_factory=list)
    ended_at: Instant | None = None

    @property
    def open(self) -> bool:
        return self.status is ApprovalStatus.PENDING

    @property
    def given(self) -> int:
        """How many have approved."""
        return sum(each.verdict is Verdict.APPROVE for each in self.decisions)

    @property
    def last(self) -> Decision | None:
        """The decision that ended it, where one did."""
        return self.decisions[-1] if self.decisions else None

    def delegates(self) -> Collection[str]:
        """To whom the right to decide was handed on."""
        return {each.to for each in self.delegations}
