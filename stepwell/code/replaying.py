"""What the journal holds of a run's calls, while its code is executed again: each call is looked up once."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from stepwell.code.compare import Recorded, difference, mismatch, missing_calls
from stepwell.model.calls import Call, CodeMismatch, Ending, Raised
from stepwell.model.records import Run, Step


class Replaying:
    """`run` is the run as it was when its code was taken up."""

    def __init__(self, run: Run, steps: Collection[Step], *, strict: bool) -> None:
        """`strict`: a call with other arguments than are recorded is wrong, and not only told."""
        self._run, self._strict = run, strict
        calls = {known.number: known for known in map(Recorded.of, steps)}
        self._forgotten = {number for number, known in calls.items() if known.step.id in run.forgotten}
        self._left = {number: known for number, known in calls.items() if number not in self._forgotten}
        self._told = {step.outcome: step.id for step in steps if 0 < step.outcome <= run.outcomes}
        self.differs: str | None = None
        """where the code was first found to give other arguments than are recorded"""

    def take(self, number: int, kind: str, name: str, cause: Raised | None) -> tuple[int, Recorded | None]:
        """The call that the journal holds under this number or, behind patches that the code asks for no more, a later
        one. `cause`: the code failed of it before. Raises `CodeMismatch` where it is another call."""
        number = self._past_forgotten(number)
        known = self._left.pop(number, None)
        while known is not None and known.is_patch and known.name != name:
            number = self._past_forgotten(number + 1)
            known = self._left.pop(number, None)
        if known is not None and (known.kind, known.name) != (kind, name):
            raise mismatch(self._run, known, kind, name, cause)
        return number, known

    def _past_forgotten(self, number: int) -> int:
        """What was asked for because of a failure that was taken back keeps its numbers."""
        while number in self._forgotten:
            number += 1
        return number

    def goes_new_way(self, number: int, name: str) -> bool:
        """The question is new to the run here, or was answered with yes."""
        known = self._left.get(self._past_forgotten(number))
        return known is None or (known.kind, known.name) == ("record", name)

    def compare(self, recorded: Step, call: Call) -> CodeMismatch | None:
        """Once for each time that the code is taken up: what is found first says enough."""
        found = None if self.differs is not None else difference(self._run, recorded, call)
        if found is None:
            return None
        self.differs = found.where
        if self._strict:
            return found.wrong()
        found.tell()
        return None

    def outcome(self, number: int) -> str:
        """The step whose end is this outcome."""
        return self._told[number]

    def check_complete(self, ending: Ending | None, waits_for: Sequence[str]) -> None:
        """Raises `CodeMismatch` where the journal holds calls that the code has not made, though it is through, or
        `waits_for` others."""
        missed = [known for known in self._left.values() if not known.is_patch]
        if missed:
            raise missing_calls(self._run, missed, ending, waits_for)
