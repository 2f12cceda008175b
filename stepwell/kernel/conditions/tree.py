"""A tree that moves: leaves by their own rules, groups by what became of their parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from stepwell.definition.conditions import Condition, ConditionKind
from stepwell.kernel.conditions.leaf import (
    Ask,
    Ground,
    Rules,
    Wake,
    Want,
    blank,
    failed,
    is_open,
    noted,
    satisfied,
    started,
)
from stepwell.kernel.conditions.table import LEAVES
from stepwell.kernel.ruling import Fault
from stepwell.model.actions import Outcome
from stepwell.model.base import Instant, Json
from stepwell.model.conditions import ConditionStatus, Reason, Record, cancelled, flat
from stepwell.model.problem import Problem
from stepwell.model.records import Signal


class Moved(NamedTuple):
    """What is to be written down (nodes by path), and what is wanted now. `root` is the whole's own node."""

    changes: dict[str, Record]
    wants: list[Want]
    root: Record

    @property
    def status(self) -> ConditionStatus:
        return ConditionStatus(self.root["status"])


def begin(condition: Condition, ground: Ground) -> Moved:
    """The step was submitted: everything begins at once."""
    moving = _Moving(condition, {}, ground)
    for node in condition.walk():
        record = blank(node.kind, ground.now)
        moving.records[node.path] = record if node.leaf else started(record, ground.now)
    for node in condition.walk():
        moving.move(node.path, _beginning(node))
    return moving.settle()


def _beginning(node: Condition) -> Callable[[Rules, Record, Ground], Record]:
    return lambda rules, record, ground: rules.begin(node.spec, record, ground)


def look(condition: Condition, tree: Json, ground: Ground, paths: Iterable[str] | None = None) -> Moved:
    """Time has passed for these leaves, or the run's data changed (None: look at all)."""
    moving = _Moving(condition, flat(tree), ground)
    for path in list(moving.nodes) if paths is None else paths:
        moving.move(path, _looking(moving.nodes[path]))
    return moving.settle()


def _looking(node: Condition) -> Callable[[Rules, Record, Ground], Record | None]:
    def looking(rules: Rules, record: Record, ground: Ground) -> Record | None:
        return rules.look(node.spec, record, ground) if rules.look is not None else None

    return looking


def hear(
    condition: Condition, tree: Json, path: str, number: int, outcome: Outcome, ground: Ground
) -> Moved | None:
    """What came of asking. None: it was heard before, or nobody asked."""
    moving = _Moving(condition, flat(tree), ground)
    node, record = moving.nodes.get(path), moving.records.get(path)
    if node is None or record is None or record.get("number") != number or "late" in record:
        return None
    if not is_open(record):
        return moving.late(node, outcome) if record["status"] == ConditionStatus.CANCELLED else None
    moving.move(path, _hearing(node, outcome), heard=True)
    return moving.settle()


def _hearing(node: Condition, outcome: Outcome) -> Callable[[Rules, Record, Ground], Record | None]:
    def hearing(rules: Rules, record: Record, ground: Ground) -> Record | None:
        return rules.hear(node.spec, record, outcome, ground) if rules.hear is not None else None

    return hearing


def offer(condition: Condition, tree: Json, signal: Signal, ground: Ground) -> Moved | None:
    """A signal came. None: no leaf waits for it. The first one that does takes it."""
    moving = _Moving(condition, flat(tree), ground)
    for path, node in moving.nodes.items():
        if moving.move(path, _taking(node, signal)):
            return moving.settle()
    return None


def _taking(node: Condition, signal: Signal) -> Callable[[Rules, Record, Ground], Record | None]:
    def taking(rules: Rules, record: Record, ground: Ground) -> Record | None:
        return rules.signal(node.spec, record, signal, ground) if rules.signal is not None else None

    return taking


def refuse(condition: Condition, tree: Json, path: str, problem: Problem, ground: Ground) -> Moved:
    """What the leaf wanted to ask cannot be asked."""
    moving = _Moving(condition, flat(tree), ground)
    moving.move(path, lambda rules, record, at: _misconfigured(record, problem, at.now))
    return moving.settle()


def wants(condition: Condition, tree: Json, now: Instant) -> list[Want]:
    """All that a tree on record wants: what is to be asked and waited for anew after somebody else took over."""
    nodes, records = {node.path: node for node in condition.walk()}, flat(tree)
    return [want for path, record in records.items() if nodes[path].leaf for want in _of(path, record, now)]


def _of(path: str, record: Record, now: Instant) -> list[Want]:
    if not is_open(record):
        return []
    ask_at: Instant | None = record.get("ask_at")
    asked = ask_at is not None and ask_at <= now
    instants = [record.get("deadline_at"), record.get("due_at"), None if asked else ask_at]
    left = [at for at in instants if at is not None]
    asks: list[Want] = [Ask(path, record["number"])] if asked else []
    return [*asks, Wake(path, min(left))] if left else asks


class _Moving:
    """A tree while it moves. `records` are the nodes as they come to stand."""

    def __init__(self, condition: Condition, before: Mapping[str, Record], ground: Ground) -> None:
        self.condition, self.ground, self.before = condition, ground, before
        self.nodes = {node.path: node for node in condition.walk()}
        self.records = dict(before)
        self._touched: dict[str, bool] = {}

    def move(
        self, path: str, rule: Callable[[Rules, Record, Ground], Record | None], *, heard: bool = False
    ) -> bool:
        """Let a leaf move, if it is open. A fault of the workflow's is the leaf's failure. Whether the rule applied."""
        record, node = self.records[path], self.nodes[path]
        if not node.leaf or not is_open(record):
            return False
        try:
            found = rule(LEAVES[node.kind], record, self.ground)
        except Fault as fault:
            found = _misconfigured(record, fault.problem, self.ground.now)
        if found is None:
            return False
        self._touched[path] = heard
        self.records[path] = found
        return True

    def late(self, node: Condition, outcome: Outcome) -> Moved:
        """It was cancelled meanwhile: what came of it is noted, and changes nothing else (SPEC N10)."""
        record = self.records[node.path]
        as_if = {**record, "status": str(ConditionStatus.IN_PROGRESS)}
        self.records[node.path] = as_if
        self.move(node.path, _hearing(node, outcome))
        found = self.records[node.path]
        told = {"at": self.ground.now, "status": found["status"], "reason": found.get("reason")}
        self.records[node.path] = noted(
            record, late={name: value for name, value in told.items() if value is not None}
        )
        return self._moved()

    def settle(self) -> Moved:
        """Groups follow from their parts, the lowest first; what is open below a group that has ended is cancelled."""
        now = self.ground.now
        for node in reversed(list(self.condition.walk())):
            record = self.records[node.path]
            if not node.leaf and is_open(record):
                parts = [self.records[child.path] for child in node.children]
                self.records[node.path] = _GROUPS[node.kind](record, parts, now)
        for node in self.condition.walk():
            if not is_open(self.records[node.path]):
                for child in node.children:
                    if is_open(self.records[child.path]):
                        self.records[child.path] = cancelled(self.records[child.path], now)
        return self._moved()

    def _moved(self) -> Moved:
        """What was heard and is worth telling is counted; the other reports leave no trace, and may come again."""
        changes = {path: self.records[path] for path in self.records if self._changed(path)}
        for path in changes:
            if self._touched.get(path):
                record = self.records[path]
                changes[path] = self.records[path] = {**record, "number": record["number"] + 1}
        wanted = [want for path in self._touched for want in _of(path, self.records[path], self.ground.now)]
        return Moved(changes, wanted, self.records[""])

    def _changed(self, path: str) -> bool:
        before, after = self.before.get(path), self.records[path]
        return before is None or {**before, "ask_at": 0} != {**after, "ask_at": 0}


def _misconfigured(record: Record, problem: Problem, now: Instant) -> Record:
    return failed(record, Reason.MISCONFIGURED, problem.detail or problem.title, now)


def _all(record: Record, parts: list[Record], now: Instant) -> Record:
    broken = next((part for part in parts if part["status"] == ConditionStatus.FAILED), None)
    if broken is not None:
        return _because(record, broken, now)
    through = all(part["status"] == ConditionStatus.SATISFIED for part in parts)
    return satisfied(record, now) if through else record


def _any(record: Record, parts: list[Record], now: Instant) -> Record:
    if any(part["status"] == ConditionStatus.SATISFIED for part in parts):
        return satisfied(record, now)
    if any(is_open(part) for part in parts):
        return record
    broken = next((part for part in parts if "fault" in part), parts[-1])
    return _because(record, broken, now)


def _not(record: Record, parts: list[Record], now: Instant) -> Record:
    (part,) = parts
    if part["status"] == ConditionStatus.SATISFIED:
        return failed(record, Reason.HELD, f"{part['kind']} holds, which it must not", now)
    if part["status"] == ConditionStatus.FAILED:
        return _because(record, part, now) if "fault" in part else satisfied(record, now)
    return record


def _because(record: Record, part: Record, now: Instant) -> Record:
    told = f"{part['kind']}: {part['reason']}" + (f": {part['detail']}" if part.get("detail") else "")
    if part["reason"] == Reason.CHILD:
        told = part["detail"]
    return failed(record, Reason.CHILD, told, now, fault="fault" in part)


_GROUPS: Final[dict[ConditionKind, Callable[[Record, list[Record], Instant], Record]]] = {
    ConditionKind.ALL: _all,
    ConditionKind.ANY: _any,
    ConditionKind.NOT: _not,
}
