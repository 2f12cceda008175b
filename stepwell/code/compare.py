"""The journal's calls and the code's, side by side: what is said when they are not the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from stepwell.model.base import Json, iso
from stepwell.model.calls import INSTANT_KINDS, CodeMismatch
from stepwell.model.problem import PREFIX, Problem
from stepwell.model.records import Run, Step

MISMATCH = PREFIX + "code-mismatch"

PATCH = "patch-"
"""Values with such a name say that the run went the new way (see `verbs.patched`)."""


class Recorded(NamedTuple):
    """A call that the journal holds. `output` only of those that are over at once."""

    number: int
    kind: str
    name: str
    output: Json
    said: str
    """what became of it, for people"""

    @property
    def is_patch(self) -> bool:
        return self.kind == "record" and self.name.startswith(PATCH)

    @classmethod
    def of(cls, step: Step) -> Recorded:
        _, _, number, name = step.id.split("/", 3)
        output = step.output if step.kind in INSTANT_KINDS else None
        return cls(int(number), step.kind, name, output, f"{step.status} at {iso(step.updated_at or 0)}")


def mismatch(run: Run, known: Recorded, kind: str, name: str) -> CodeMismatch:
    """The code asked for something else than the journal holds at this place."""
    return _wrong(run, known.number, _recorded(known), f"{_word(kind)} {name}")


def missing_calls(run: Run, known: Iterable[Recorded]) -> CodeMismatch:
    """The code waits, or is through, and did not ask for what the journal holds."""
    first = min(known)
    return _wrong(run, first.number, _recorded(first), "nothing: it does not get there")


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
    return f"{_word(known.kind)} {known.name}, {known.said}"


def _word(kind: str) -> str:
    return {
        "call:python": "step", "run:workflow": "workflow", "wait": "wait", "listen": "signal", "record": "value",
        "set": "variables", "stream": "stream",
    }.get(kind, kind)  # fmt: skip
