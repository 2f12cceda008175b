"""What a policy says of a call, at each level and at all of them together.

At one level:

    | mode | in `block` | else in `allow` | else |
    | auto | deny       | auto            | auto |
    | ask  | deny       | auto            | ask  |
    | deny | deny       | auto            | deny |

Of all levels together the strictest holds: deny, then ask, then auto.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from stepwell.kernel.approvals.names import matching
from stepwell.model.approvals import DEFAULT_TERMS, CallPolicy, Mode, Terms, joined


class Level(NamedTuple):
    """A policy, and whose it is: `the engine`, `the workflow`, `the task`; the outermost comes first."""

    whose: str
    policy: CallPolicy


class Judgement(NamedTuple):
    """`reason` says who wants it so, for people; `terms` are those to ask on."""

    mode: Mode
    reason: str = ""
    terms: Terms = DEFAULT_TERMS


PASSES = Judgement(Mode.AUTO)


def judge(name: str, levels: Sequence[Level]) -> Judgement:
    """What becomes of a call of this name."""
    said = [(level, *_at_one(name, level)) for level in levels]
    for _, mode, reason in said:
        if mode is Mode.DENY:
            return Judgement(mode, reason)
    asking = [(level, reason) for level, mode, reason in said if mode is Mode.ASK]
    if not asking:
        return PASSES
    terms = joined([level.policy.terms for level, _ in asking])
    return Judgement(Mode.ASK, asking[0][1], terms)


def _at_one(name: str, level: Level) -> tuple[Mode, str]:
    policy = level.policy
    blocked = matching(name, policy.block, strict=False)
    if blocked is not None:
        return Mode.DENY, f"{level.whose} blocks {blocked}"
    if matching(name, policy.allow, strict=True) is not None:
        return Mode.AUTO, ""
    says = {Mode.DENY: "allows only what is on its list", Mode.ASK: "asks before it", Mode.AUTO: ""}
    return policy.mode, f"{level.whose} {says[policy.mode]}"
