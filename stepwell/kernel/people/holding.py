"""The completion condition of a submitted step: begun with it, moved by reports, signals, time and data (SPEC N7, N8).

What a leaf wants to know of the world is asked of workers (`Probe`), and reported back with `ReportCondition`. Nothing
of the asking is on record but what came of it: whoever takes a run over asks anew, and the counters go on.
"""

from __future__ import annotations

from typing import Final

from stepwell.definition.conditions import Condition, ConditionKind
from stepwell.kernel.conditions import tree
from stepwell.kernel.conditions.leaf import Ask
from stepwell.kernel.people.asking import probe, question
from stepwell.kernel.people.ground import StepGround
from stepwell.kernel.people.values import attended
from stepwell.kernel.ruling import Fault, Ruling
from stepwell.model import events as e
from stepwell.model import problem
from stepwell.model.actions import Outcome
from stepwell.model.base import Json
from stepwell.model.conditions import ConditionStatus, Reason, Record, flat
from stepwell.model.effects import SetTimer
from stepwell.model.records import Signal, Step
from stepwell.model.states import RunStatus, StepStatus

PURPOSE: Final = "condition:"
"""What the purposes of a condition's timers begin with; the leaf's path follows."""

_TOLD: Final = frozenset({"detail", "value", "run", "name", "correlation"})
"""Members of a record that hold what came from outside."""


def holds(r: Ruling, step: Step) -> bool:
    """The phase: whether the step may go on. Raises `Fault` where the condition failed."""
    condition = condition_of(r, step)
    if condition is None:
        return True
    if _tree(r, step) is None:
        keep(r, step, condition, tree.begin(condition, StepGround(r, step)))
    root = _tree(r, step)
    if root["status"] == ConditionStatus.FAILED:
        told = root.get("detail", "")
        if root["reason"] != Reason.CHILD:  # whose detail names the part, and its reason
            told = f"{root['kind']}: {root['reason']}" + (f": {told}" if told else "")
        raise Fault(problem.condition(f"the condition of {step.name} failed: {told}"))
    return bool(root["status"] == ConditionStatus.SATISFIED)


def condition_of(r: Ruling, step: Step) -> Condition | None:
    task = r.task(step.path)
    return attended(task).condition if task.attended else None


def _tree(r: Ruling, step: Step) -> Json:
    node = r.draft.find_node(step.id)
    return None if node is None else node.condition


def keep(r: Ruling, step: Step, condition: Condition, moved: tree.Moved) -> bool:
    """Write down what has changed, and ask for what is wanted. Whether anything was written down."""
    told = bool(moved.changes)
    if told:
        changes: dict[str, Json] = {path: _clean(r, record) for path, record in moved.changes.items()}
        r.emit(e.StepConditionMoved(step.id, changes))
    for want in moved.wants:
        if isinstance(want, Ask):
            told = _ask(r, step, condition, want) or told
        else:
            r.effect(SetTimer(step.id, f"{PURPOSE}{want.leaf}", want.at))
    return told


def _clean(r: Ruling, record: Record) -> Record:
    """Without secrets, which an answer may quote."""
    redact = r.env.redact
    if redact is None:
        return record
    return {name: redact(value) if name in _TOLD else value for name, value in record.items()}


def asks(r: Ruling) -> bool:
    """Whether this engine may ask now: not while the run is paused, nor for a run that somebody else carries on (who
    may have secrets that are not here)."""
    return r.draft.run.status is RunStatus.RUNNING and r.env.begins > 0


def _ask(r: Ruling, step: Step, condition: Condition, want: Ask) -> bool:
    """Whether it was written down that this cannot be asked."""
    node, record = condition.find(want.leaf), flat(_tree(r, step)).get(want.leaf)
    if not asks(r) or node is None or node.spec is None or record is None or "ask_at" not in record:
        return False
    ground = StepGround(r, step)
    try:
        r.effect(probe(ground, want.leaf, record, question(ground, want.leaf, node.spec, record)))
    except Fault as fault:
        return keep(
            r, step, condition, tree.refuse(condition, _tree(r, step), want.leaf, fault.problem, ground)
        )
    return False


def report(r: Ruling, step: Step, leaf: str, number: int, outcome: Outcome) -> bool:
    """What came of asking. Whether the step may be able to go on."""
    condition = condition_of(r, step)
    if condition is None or _tree(r, step) is None:
        return False
    found = tree.hear(condition, _tree(r, step), leaf, number, outcome, StepGround(r, step))
    return found is not None and keep(r, step, condition, found)


def look(r: Ruling, step: Step, leaf: str | None = None) -> bool:
    """Time has passed for a leaf, or data of the run changed. Whether the step may be able to go on."""
    condition = condition_of(r, step)
    if condition is None or step.status is not StepStatus.SUBMITTED or _tree(r, step) is None:
        return False
    if leaf is not None and condition.find(leaf) is None:
        return False
    hanging = [node.path for node in condition.walk() if node.kind is ConditionKind.EXPRESSION]
    paths = hanging if leaf is None else [leaf]
    return keep(r, step, condition, tree.look(condition, _tree(r, step), StepGround(r, step), paths))


def offer(r: Ruling, step: Step, signal: Signal) -> tree.Moved | None:
    """What the condition of this step would do with the signal; None: it does not wait for it."""
    condition = condition_of(r, step)
    if condition is None or _tree(r, step) is None:
        return None
    return tree.offer(condition, _tree(r, step), signal, StepGround(r, step))


def ask_anew(r: Ruling, step: Step) -> bool:
    """Somebody else took over, or a pause is over: everything that is open is asked and waited for again."""
    condition, current = condition_of(r, step), _tree(r, step)
    if condition is None or current is None:
        return False
    return keep(r, step, condition, tree.Moved({}, tree.wants(condition, current, r.now), flat(current)[""]))
