"""Where a completion condition stands: a tree of JSON objects as the condition itself is a tree.

Every node has `kind`, `status` and the instants of what became of it (`submitted_at`, `started_at`, `ended_at`); groups
have `children`. Leaves add what they count. A node that failed, or was satisfied by something worth telling, says why:
`reason` is one word, `detail` a sentence. `fault`: it failed without the world having answered (SPEC N7, N8).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final

from stepwell.model.base import Instant, Json

Record = dict[str, Json]
"""One node of the tree, without its children."""


class ConditionStatus(StrEnum):
    """Where a node stands. `submitted`: asked for, and nothing was heard yet."""

    SUBMITTED = "submitted"
    IN_PROGRESS = "in_progress"
    SATISFIED = "satisfied"
    FAILED = "failed"
    CANCELLED = "cancelled"


STEP_ENDED: Final = "step_ended"
"""Why a measurement was skipped."""

OPEN: Final = frozenset({ConditionStatus.SUBMITTED, ConditionStatus.IN_PROGRESS})


class CaptureStatus(StrEnum):
    """Where a measurement stands."""

    IN_PROGRESS = "in_progress"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"


class Reason(StrEnum):
    """Why a node failed, or a measurement did."""

    TIMEOUT = "timeout"
    """it did not hold in time"""
    MISCONFIGURED = "misconfigured"
    """what it was given makes no sense: an unset reference, no address, a secret that is not there"""
    CHILD = "child_failed"
    HELD = "held"
    """what must not hold did"""
    ANSWER = "answer"
    """the answer is what `fail` asks for"""
    ATTEMPTS = "attempts"
    """too many exchanges failed in a row"""
    JOB_FAILED = "job_failed"
    JOB_NOT_FOUND = "job_not_found"
    SOURCE_NOT_FOUND = "source_not_found"
    CHANNEL_NOT_FOUND = "channel_not_found"
    UNSUPPORTED_TYPE = "unsupported_type"
    NO_DATA = "no_data"
    REFUSED = "refused"
    """a webhook's receiver answered with 4xx"""
    SERVER_ERROR = "server_error"
    NETWORK = "network"
    REQUEST_TIMEOUT = "request_timeout"
    REDIRECTED = "redirected"
    BAD_PAYLOAD = "bad_payload"
    TOO_LARGE = "response_too_large"
    INTERNAL = "internal"


FAULTS: Final = frozenset(
    {
        Reason.MISCONFIGURED,
        Reason.JOB_NOT_FOUND,
        Reason.SOURCE_NOT_FOUND,
        Reason.CHANNEL_NOT_FOUND,
        Reason.UNSUPPORTED_TYPE,
        Reason.BAD_PAYLOAD,
        Reason.INTERNAL,
    }
)
"""Failures that are no answer: `not` does not turn them into success."""


def flat(tree: Json) -> dict[str, Record]:
    """The nodes by path, children after their parents, each without its children."""
    return dict(_walk(tree)) if tree is not None else {}


def _walk(tree: Mapping[str, Json]) -> Iterator[tuple[str, Record]]:
    todo: list[tuple[str, Mapping[str, Json]]] = [("", tree)]
    while todo:
        path, node = todo.pop()
        yield path, {name: value for name, value in node.items() if name != "children"}
        children = list(enumerate(node.get("children", ())))
        todo.extend((f"{path}/{place}" if path else str(place), child) for place, child in reversed(children))


def nested(nodes: Mapping[str, Record]) -> Json:
    """The tree again. Children come after their parents, and in order."""
    made: dict[str, Record] = {}
    for path, record in nodes.items():
        node = made[path] = dict(record)
        if path:
            made[path.rpartition("/")[0]].setdefault("children", []).append(node)
    return made.get("")


def cancelled(record: Record, at: Instant) -> Record:
    """Nobody waits for this node any more."""
    left = {name: value for name, value in record.items() if name not in ("ask_at", "deadline_at")}
    left.setdefault("started_at", at)
    return {**left, "status": str(ConditionStatus.CANCELLED), "ended_at": at}


def stopped(tree: Json, at: Instant) -> Json:
    """The tree once its step has ended: what was open is cancelled."""
    if tree is None or tree["status"] not in OPEN:
        return tree
    nodes = flat(tree)
    return nested({path: cancelled(n, at) if n["status"] in OPEN else n for path, n in nodes.items()})


def unmeasured(captures: Mapping[str, Record], at: Instant) -> dict[str, Record]:
    """The measurements once their step has ended: what was not taken by then is skipped."""
    reason = {"status": str(CaptureStatus.SKIPPED), "reason": STEP_ENDED, "ended_at": at}
    return {
        name: {"started_at": record["started_at"], **reason}
        if record["status"] == CaptureStatus.IN_PROGRESS
        else record
        for name, record in captures.items()
    }


def moved(tree: Json, changes: Mapping[str, Record]) -> Json:
    """The tree with these nodes in the place of what stood there."""
    return nested({**flat(tree), **changes})
