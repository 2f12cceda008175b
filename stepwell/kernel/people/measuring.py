"""Measurements taken when a step starts and when it is about to be completed (SPEC N14).

Each is one sample of a channel, the latest one, waited for as long as its time-out says. It succeeds, fails with a
reason, or is skipped because the step ended first; a failure is the step's only where that was asked for.
"""

from __future__ import annotations

from typing import Final

from stepwell.definition.conditions import Moment
from stepwell.kernel.people.asking import probe, sampling
from stepwell.kernel.people.ground import StepGround
from stepwell.kernel.people.holding import PURPOSE, asks
from stepwell.kernel.people.values import captures_of
from stepwell.kernel.ruling import Fault, Ruling
from stepwell.model import events as e
from stepwell.model import problem
from stepwell.model.actions import Outcome, Succeeded
from stepwell.model.base import Instant, Json
from stepwell.model.conditions import CaptureStatus, Reason, Record
from stepwell.model.effects import SetTimer
from stepwell.model.problem import Problem
from stepwell.model.records import Step

LEAF: Final = "capture:"
"""What the names of measurements begin with, where leaves of conditions have a path."""


def measured(r: Ruling, step: Step) -> bool:
    """The phase: whether everything was measured. Raises `Fault` where something that had to be was not."""
    measure(r, step, Moment.COMPLETION)
    specs, taken = captures_of(r, step), r.draft.node(step.id).captures
    for name, record in taken.items():
        if record["status"] == CaptureStatus.FAILED and specs[name].required:
            told = record.get("detail") or record["reason"]
            raise Fault(problem.condition(f"{name} could not be measured ({record['reason']}): {told}"))
    return all(record["status"] != CaptureStatus.IN_PROGRESS for record in taken.values())


def measure(r: Ruling, step: Step, moment: Moment) -> None:
    """Begin what is measured at this moment, once."""
    for name, spec in captures_of(r, step).items():
        if name.endswith(f"/{moment}") and name not in r.draft.node(step.id).captures:
            record: Record = {"status": str(CaptureStatus.IN_PROGRESS), "started_at": r.now, "number": 1}
            try:
                record["deadline_at"] = r.now + StepGround(r, step).duration(spec.timeout)
            except Fault as fault:
                record = _misconfigured(r, record, fault.problem)
            _keep(r, step, name, record)
            _ask(r, step, name)


def report(r: Ruling, step: Step, leaf: str, number: int, outcome: Outcome) -> bool:
    """What came of reading. Whether that settled it."""
    name = leaf.removeprefix(LEAF)
    record = _open(r, step, name)
    if record is None or record["number"] != number:
        return False
    found: dict[str, Json] = outcome.output if isinstance(outcome, Succeeded) else {"error": _said(outcome)}
    if "missing" in found:
        _keep(r, step, name, _failed(r, record, Reason(found["missing"]), found.get("detail", "")))
        return True
    if found.get("samples"):
        last: tuple[Instant, Json] = found["samples"][-1]
        at, value = last
        _keep(r, step, name, _ended(r, record, CaptureStatus.SUCCEEDED, value=value, sample_at=at))
        return True
    if "error" in found and record.get("detail") != found["error"]:
        _keep(r, step, name, {**record, "detail": found["error"]})
    again = r.now + StepGround(r, step).duration(captures_of(r, step)[name].every)
    r.effect(SetTimer(step.id, f"{PURPOSE}{leaf}", min(again, record["deadline_at"])))
    return False


def _said(outcome: Outcome) -> str:
    found = getattr(outcome, "problem", None)
    return (found.detail or found.title) if found is not None else "it was interrupted"


def look(r: Ruling, step: Step, leaf: str) -> bool:
    """Time has passed. Whether that settled it."""
    name = leaf.removeprefix(LEAF)
    record = _open(r, step, name)
    if record is None:
        return False
    if record["deadline_at"] > r.now:
        return _ask(r, step, name)
    reason = Reason.INTERNAL if "detail" in record else Reason.NO_DATA
    _keep(r, step, name, _failed(r, record, reason, record.get("detail", "there were no data in time")))
    return True


def ask_anew(r: Ruling, step: Step) -> bool:
    """Somebody else took over, or a pause is over. Whether that settled anything."""
    node = r.draft.find_node(step.id)
    settled = [_ask(r, step, name) for name in (list(node.captures) if node is not None else ())]
    return any(settled)


def _open(r: Ruling, step: Step, name: str) -> Record | None:
    node = r.draft.find_node(step.id)
    record: Record | None = node.captures.get(name) if node is not None else None
    return record if record is not None and record["status"] == CaptureStatus.IN_PROGRESS else None


def _ask(r: Ruling, step: Step, name: str) -> bool:
    """Whether it was settled that this cannot be asked."""
    record = _open(r, step, name)
    if record is None:
        return False
    r.effect(SetTimer(step.id, f"{PURPOSE}{LEAF}{name}", record["deadline_at"]))
    if not asks(r):
        return False
    ground, channel = StepGround(r, step), captures_of(r, step)[name].channel
    try:
        window = None if channel.window is None else ground.duration(channel.window)
        since = 0 if window is None else record["started_at"] - window
        action = sampling(ground, channel, {}, since=since, latest=True)
    except Fault as fault:
        _keep(r, step, name, _misconfigured(r, record, fault.problem))
        return True
    r.effect(probe(ground, f"{LEAF}{name}", record, action))
    return False


def _misconfigured(r: Ruling, record: Record, found: Problem) -> Record:
    return _failed(r, record, Reason.MISCONFIGURED, found.detail or found.title)


def _failed(r: Ruling, record: Record, reason: Reason, detail: str) -> Record:
    return _ended(r, record, CaptureStatus.FAILED, reason=str(reason), detail=detail)


def _ended(r: Ruling, record: Record, status: CaptureStatus, **members: Json) -> Record:
    return {"status": str(status), "started_at": record["started_at"], "ended_at": r.now, **members}


def _keep(r: Ruling, step: Step, name: str, record: Record) -> None:
    redact = r.env.redact
    if redact is not None:
        told = ("value", "detail")
        record = {key: redact(value) if key in told else value for key, value in record.items()}
    field, _, moment = name.partition("/")
    r.emit(e.StepCaptured(step.id, field, moment, record))
