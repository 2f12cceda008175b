"""What can go wrong, in one tree. Every error says whether asking again can help.

    StepwellError
    ├── InvalidDefinition      a document that cannot be accepted: all problems, each with line and column
    │   └── NotSupported       … because it uses a feature that is named as not yet done
    ├── InvalidInput           an input, a key, an id or an option that cannot be accepted
    │   ├── InvalidForm        what was filled into a form: `fields` says of each field what is wrong with it
    │   ├── InvalidQuery       a search that cannot be read: all problems, each with its place
    │   └── InvalidCursor      damaged, or of another search
    ├── NotFound               no run, step or definition of that name
    │   └── Archived           the run has ended and was put into an archive, or removed by a policy
    ├── Forbidden              whoever asks may not do that
    ├── Conflict               the world is not as the caller assumed
    │   ├── TransitionRefused  the state table does not allow it; nothing was changed
    │   ├── VersionConflict    somebody committed first; `head` says who, when and what
    │   ├── MergeConflict      two versions changed the same things differently: all of them
    │   ├── MigrationBlocked   the run cannot go on with that version: every reason
    │   ├── InUse              others need it: all of them
    │   ├── AlreadyDecided     this person has decided before; `verdict` says how
    │   ├── ApprovalClosed     approved, rejected or expired before; `status` and `by` say which, and by whom
    │   ├── KeyConflict        the idempotency key was used before with another body
    │   ├── UniqueTaken        the queue has an open run with this key (internal: it is the one that is meant)
    │   ├── StaleStep          a result for a step that is not being performed; `state` says where it stands
    │   ├── StaleAttempt       a result of an attempt that is not the present one any more
    │   ├── KeyTaken           the idempotency key belongs to a run (internal: compare the fingerprints)
    │   └── SeqConflict        somebody else moved the run first (internal: re-read and decide again)
    ├── StepFailed             raised in a workflow's code: a step failed whose own exception cannot be had here
    ├── RunFailed              raised by result(): the run ended in another state than completed
    ├── WaitTimeout            the run is still going on
    └── StoreError
        ├── StoreUnavailable   cannot be written now (full, read-only, locked, gone); nothing was acknowledged
        ├── StoreDamaged       a row does not match its hash: this run is stopped, others go on
        └── StoreTooNew        written by a newer Stepwell

A fault *inside* a workflow is data, not one of these: `model.problem.Problem`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stepwell.model.problem import Problem


_LONGEST_NAME: Final = 60


class StepwellError(Exception):
    """The root. `retry` tells whether the same call may succeed later; `hint` says what to do next."""

    retry: bool = False

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __reduce__(self) -> tuple[object, ...]:
        """Its copies, in other processes too, are made from what it is and not from what it was made of: each class
        here takes something else."""
        return type(self).__new__, (type(self), *self.args), self.__dict__

    @property
    def kind(self) -> str:
        """The name of its class, as JSON has names: `invalid_input`."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(self).__name__).lower()

    def __str__(self) -> str:
        return f"{self.message}\n  hint: {self.hint}" if self.hint else self.message


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem of a document. `line` and `column` count from 1; `pointer` is a JSON pointer into it."""

    code: str
    message: str
    pointer: str = ""
    file: str = "<definition>"
    line: int = 1
    column: int = 1
    hint: str = ""

    def __str__(self) -> str:
        text = f"{self.file}:{self.line}:{self.column}: {self.message}"
        return f"{text} ({self.hint})" if self.hint else text


class InvalidDefinition(StepwellError):
    """A document that cannot be accepted; `findings` holds every problem, in document order."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        count = len(self.findings)
        head = "the definition has a problem" if count == 1 else f"the definition has {count} problems"
        super().__init__("\n  ".join([head + ":", *map(str, self.findings)]))


class NotSupported(InvalidDefinition):
    """A valid document that uses features which are not done yet, each one named."""


class InvalidInput(StepwellError):
    """An input, a key, an id or an option that cannot be accepted."""


class InvalidForm(InvalidInput):
    """What was filled into a form cannot be accepted. `fields` has, by field id, all that is wrong with each."""

    def __init__(self, fields: Mapping[str, Sequence[str]], *, hint: str = "") -> None:
        self.fields = {name: list(complaints) for name, complaints in fields.items()}
        lines = self.told()
        head = (
            "one thing in the form is wrong"
            if len(lines) == 1
            else f"{len(lines)} things in the form are wrong"
        )
        super().__init__("\n  ".join([head + ":", *lines]), hint=hint)

    def told(self) -> list[str]:
        """A line for everything that is wrong."""
        return [f"{name[:_LONGEST_NAME]!a}: {text}" for name, texts in self.fields.items() for text in texts]


class InvalidQuery(InvalidInput):
    """A search that cannot be read: `problems` are all that is wrong with it, each with its place."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        head = "the search has a problem" if count == 1 else f"the search has {count} problems"
        super().__init__("\n  ".join([f"{head}:", *self.problems]), hint="see docs/search.md")


class InvalidCursor(InvalidInput):
    """The cursor is damaged, or belongs to another search."""


class NotLinear(InvalidInput):
    """The procedure has no nested form. `step` is the first one that does not come after just the one before it (None:
    it is no procedure at all)."""

    def __init__(self, message: str, step: str | None, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.step = step


class NotFound(StepwellError):
    """No run, step or definition of that name."""

    code = "not_found"


class Archived(NotFound):
    """The run ended and was put away; what is left of it is told."""


class Conflict(StepwellError):
    """The world is not as the caller assumed."""


class TransitionRefused(Conflict):
    """The state table does not allow it; nothing was changed."""


class VersionConflict(Conflict):
    """The branch is at another commit than the caller expected. `head` says at which, who made it, and when."""

    def __init__(self, message: str, head: Mapping[str, object], *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.head = dict(head)


class Listed(Conflict):
    """A conflict for several reasons, each one told in `reasons`."""

    def __init__(self, message: str, reasons: Sequence[str], *, hint: str = "") -> None:
        super().__init__("\n  ".join([message + ":", *reasons]), hint=hint)
        self.reasons = tuple(reasons)


class MergeConflict(Listed):
    """Two versions changed the same things differently; nothing was changed."""


class MigrationBlocked(Listed):
    """The run cannot go on with that version; nothing was changed."""


class InUse(Listed):
    """It cannot be deleted while others need it."""


class Forbidden(StepwellError):
    """Whoever asks may not do that; nothing was changed."""


class AlreadyDecided(Conflict):
    """This person has decided on the approval before; nothing was changed. `verdict` says how."""

    def __init__(self, message: str, by: str, verdict: str) -> None:
        super().__init__(message, hint="what was said stays on record; somebody else may still decide")
        self.by, self.verdict = by, verdict


class ApprovalClosed(Conflict):
    """The approval is not open any more; nothing was changed. `status` says what it came to, `by` who ended it (None:
    nobody did, it expired)."""

    def __init__(self, message: str, status: str, by: str | None) -> None:
        super().__init__(message)
        self.status, self.by = status, by


class StaleStep(Conflict):
    """The step is not being performed: nothing was changed. `state` says where it stands."""

    code = "stale_step"

    def __init__(self, message: str, state: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.state = state


class StaleAttempt(Conflict):
    """Another attempt, or another claim, is the present one: nothing was changed. `attempt` is its number."""

    code = "stale_attempt"

    def __init__(self, message: str, attempt: int, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.attempt = attempt


class KeyConflict(Conflict):
    """The idempotency key was used before, with another body."""


class KeyTaken(Conflict):
    """The idempotency key is claimed already: by `run_id`, for a request with this `fingerprint`."""

    def __init__(self, key: str, run_id: str, fingerprint: str) -> None:
        super().__init__(f"the idempotency key {key!r} belongs to run {run_id}")
        self.key, self.run_id, self.fingerprint = key, run_id, fingerprint


class UniqueTaken(Conflict):
    """The queue has an open run with this unique key: `run_id`."""

    def __init__(self, queue: str, unique: str, run_id: str) -> None:
        super().__init__(f"the key {unique!r} belongs to run {run_id} in queue {queue}")
        self.queue, self.unique, self.run_id = queue, unique, run_id


class SeqConflict(Conflict):
    """Another engine appended a turn to this run first."""

    retry = True

    def __init__(self, run_id: str, seq: int) -> None:
        super().__init__(f"run {run_id} already has a turn {seq}")
        self.run_id, self.seq = run_id, seq


class StepFailed(StepwellError):
    """A step failed, all its attempts spent. `problem` says why. `why_not`: why its own exception could not be had
    here, if there was one."""

    def __init__(self, step: str, problem: Problem, why_not: str = "") -> None:
        said = f"step {step} failed: {problem.detail or problem.title}"
        super().__init__(f"{said}\n  {why_not}" if why_not else said)
        self.step, self.problem, self.why_not = step, problem, why_not


class RunFailed(StepwellError):
    """The run ended, but not as `completed`. `status` says how, `problem` (a dict) why. Of one that was cancelled or
    terminated `reason` is what was said to that, and `by` who did it, as far as that is on record."""

    def __init__(
        self,
        run_id: str,
        status: str,
        problem: dict[str, object] | None,
        *,
        reason: str | None = None,
        by: str | None = None,
    ) -> None:
        said = _told_end(problem, status, reason, by)
        super().__init__(
            f"run {run_id} ended as {status}{said}", hint=f"see why with: stepwell runs explain {run_id}"
        )
        self.run_id, self.status, self.problem = run_id, status, problem
        self.reason, self.by = reason, by


def _told_end(problem: dict[str, object] | None, status: str, reason: str | None, by: str | None) -> str:
    """Why a run ended so: its error; or what somebody said who ended it; or both, the error first."""
    error = (problem or {}).get("detail") or (problem or {}).get("title")
    who, why = f" by {by}" if by else "", f": {reason}" if reason else ""
    if error:
        return f": {error}" + (f"; {status}{who}{why}" if who or why else "")
    if who or why:
        return f"{who}{why}"
    return ": no reason was given" if status in ("cancelled", "terminated") else ": no error was recorded"


class WaitTimeout(StepwellError):
    """The time to wait is over; the run goes on."""

    retry = True


class StoreError(StepwellError):
    """Something about the database file."""


class StoreUnavailable(StoreError):
    """The store cannot be written (or read) now; nothing was acknowledged."""

    retry = True


class StoreDamaged(StoreError):
    """A row does not match its hash or cannot be read. Only this run is stopped."""


class StoreTooNew(StoreError):
    """The file was written by a newer Stepwell than this one."""
