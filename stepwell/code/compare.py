"""The journal's calls and the code's, side by side: what is said when they are not the same."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from stepwell.definition.parse import content_hash
from stepwell.kernel.code.calls import recorded_input
from stepwell.model.base import Json, iso
from stepwell.model.calls import INSTANT_KINDS, Call, CodeMismatch, ContinuedAs, Ending, Raised, Returned
from stepwell.model.problem import PREFIX, Problem
from stepwell.model.records import Run, Step

log = logging.getLogger("stepwell.code")

MISMATCH = PREFIX + "code-mismatch"

PATCH = "patch-"
"""Values with such a name say that the run went the new way (see `verbs.patched`)."""


class Recorded(NamedTuple):
    """A call that the journal holds. `output` only of those that are over at once."""

    number: int
    kind: str
    name: str
    output: Json
    step: Step

    @property
    def is_patch(self) -> bool:
        return self.kind == "record" and self.name.startswith(PATCH)

    @classmethod
    def of(cls, step: Step) -> Recorded:
        _, _, number, name = step.id.split("/", 3)
        output = step.output if step.kind in INSTANT_KINDS else None
        return cls(int(number), step.kind, name, output, step)


def mismatch(run: Run, known: Recorded, kind: str, name: str, cause: Raised | None) -> CodeMismatch:
    """The code asked for something else than the journal holds at this place; what it undoes because of a `cause`,
    too."""
    why = "" if cause is None else f", to undo what was done: {_failed(cause)}"
    return _wrong(run, known.number, _recorded(known), f"{_word(kind)} {name}{why}")


def missing_calls(
    run: Run, known: Iterable[Recorded], ending: Ending | None, waits_for: Sequence[str]
) -> CodeMismatch:
    """The code waits, or came to its `ending`, and did not ask for what the journal holds."""
    first = min(known, key=lambda one: one.number)
    return _wrong(run, first.number, _recorded(first), f"nothing: {_instead(ending, waits_for)}")


def _instead(ending: Ending | None, waits_for: Sequence[str]) -> str:
    """What the code did in the place of what is recorded."""
    if isinstance(ending, Raised):
        return _failed(ending)
    if isinstance(ending, Returned):
        return "the code returned"
    if isinstance(ending, ContinuedAs):
        return "the code continued as a new run"
    if not waits_for:
        return "the code waits for what no call brings"
    first, *others = waits_for
    return f"the code waits for {first}" + (f" and {len(others)} more" if others else "")


def _failed(cause: Raised) -> str:
    said = " ".join((cause.problem.detail or cause.problem.title).split())
    return (
        f"the code raised {said}"
        if cause.step is None
        else f"the failure of {cause.step} ended the code: {said}"
    )


class Differs(NamedTuple):
    """The code asked for the same as the journal holds, but with something else in hand. `place`: the argument."""

    run: Run
    number: int
    what: str
    place: str
    recorded: Json
    called: Json

    def wrong(self) -> CodeMismatch:
        said = (f"{self.what}, {self.place} {_shown(value)}" for value in (self.recorded, self.called))
        return _wrong(self.run, self.number, *said)

    @property
    def where(self) -> str:
        return f"call {self.number} ({self.what}) with another {self.place} than is recorded"

    def tell(self) -> None:
        """Perhaps it is meant, perhaps the code does not decide the same again. (Values are not quoted in the log.)"""
        log.warning(
            "the code of %s %s (%s) called %s of run %s (call %d) with another %s than is recorded: what is recorded "
            "holds, unless the step is still to be performed",
            self.run.name, self.run.version, self.run.code, self.what, self.run.id, self.number, self.place,
        )  # fmt: skip


def difference(run: Run, step: Step, call: Call) -> Differs | None:
    """Between what the journal says that a step was given, and what the code gives it now."""
    now = recorded_input(call)
    if step.input == now or step.started_at is None or _same(step.input, now):
        return None
    number, name = step.id.split("/", 3)[2:]
    return Differs(run, int(number), f"{_word(call.kind)} {name}", *_first_other(step.input, now))


def _same(one: Json, other: Json) -> bool:
    """Also of what is not equal to itself (NaN)."""
    return content_hash(one) == content_hash(other)


def _first_other(one: Json, other: Json) -> tuple[str, Json, Json]:
    """Of several arguments the first that differs."""
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for place, (before, now) in enumerate(zip(one, other, strict=True), 1):
            if not _same(before, now):
                return f"argument {place}", before, now
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for name in one:
            if not _same(one[name], other[name]):
                return f"argument {name}", one[name], other[name]
    return "number of arguments", one, other


def _shown(value: Json) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:197]}…"


def _wrong(run: Run, number: int, recorded: str, called: str) -> CodeMismatch:
    detail = (
        f"the code of {run.name} {run.version} ({run.code}) does not match the journal of run {run.id} at call"
        f" {number}:\n"
        f"  recorded: {recorded}\n"
        f"  called:   {called}\n"
        "the run waits, as it is: put the former code back, keep both ways apart with flow.patched(…), "
        "or give the new code another version"
    )
    return CodeMismatch(Problem(MISMATCH, 409, "Code Mismatch", detail))


def _recorded(known: Recorded) -> str:
    step = known.step
    return f"{_word(known.kind)} {known.name}, {step.status} at {iso(step.updated_at or 0)}"


def _word(kind: str) -> str:
    return {
        "call:python": "step", "run:workflow": "workflow", "wait": "wait", "listen": "signal", "record": "value",
        "set": "variables", "stream": "stream",
    }.get(kind, kind)  # fmt: skip
