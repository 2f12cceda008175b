"""Whether a run can go on with another version: compatible, migration or incompatible, and for which reasons.

Without a run the question is asked for any run. With one, what has not begun may change as it likes; what has begun
must still be there, as it was where it is still going on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from stepwell.definition.versions.diff import Change, How, diff, equal
from stepwell.definition.versions.meaning import matters, meaning
from stepwell.definition.versions.outline import Kind, Part, Path
from stepwell.model.base import Json


class Level(StrEnum):
    """`compatible`: no run goes another way. `migration`: a run goes on with it once it is migrated. `incompatible`: it
    cannot."""

    COMPATIBLE = "compatible"
    MIGRATION = "migration"
    INCOMPATIBLE = "incompatible"


_ORDER = list(Level)


class Reason(NamedTuple):
    level: Level
    kind: Kind
    place: str
    why: str

    def __str__(self) -> str:
        return f"{self.kind.value} {self.place}: {self.why}"


class Verdict(NamedTuple):
    """`level` is the worst of the reasons'."""

    level: Level
    reasons: Sequence[Reason]

    @property
    def blockers(self) -> list[Reason]:
        return [reason for reason in self.reasons if reason.level is Level.INCOMPATIBLE]


class Begun(NamedTuple):
    """What a run has done: by task, whether it is still going on. `None` for a task: it has not begun."""

    live: Mapping[Path, bool]

    def of(self, kind: Kind, path: Path) -> bool | None:
        """Of a task; of a field, of the form that it is in."""
        return self.live.get(path[:-2] if kind is Kind.FIELD else path)


def classify(before: Json, after: Json, begun: Begun | None = None) -> Verdict:
    """`begun`: what one run has done with the version `before`; None: any run."""
    reasons = [_judged(change, begun) for change in diff(before, after)]
    return verdict(reasons)


def verdict(reasons: Iterable[Reason]) -> Verdict:
    found = tuple(reasons)
    worst = max((_ORDER.index(reason.level) for reason in found), default=0)
    return Verdict(_ORDER[worst], found)


def _judged(change: Change, begun: Begun | None) -> Reason:
    level, why = _judgement(change, begun)
    return Reason(level, change.kind, change.place, why)


def _judgement(change: Change, begun: Begun | None) -> tuple[Level, str]:
    part = change.after or change.before
    assert part is not None
    if not matters(part):
        return Level.COMPATIBLE, f"{change.how.value}; only said to people"
    live = None if begun is None else begun.of(change.kind, change.path)
    if change.how is How.REMOVED:
        return _removed(change, begun, live)
    if change.how is How.ADDED:
        return _added(part, live)
    if change.how is How.MOVED:
        return _moved(change, begun)
    return _changed(change, begun, live)


def _removed(change: Change, begun: Begun | None, live: bool | None) -> tuple[Level, str]:
    if change.kind is Kind.DOCUMENT:
        return Level.MIGRATION, "removed"
    if begun is not None and live is None and not (change.kind is Kind.FIELD and change.path[0] == "fields"):
        return Level.MIGRATION, "removed; it has not begun"
    return Level.INCOMPATIBLE, "removed" if begun is None else "removed, and it has begun"


def _added(part: Part, live: bool | None) -> tuple[Level, str]:
    if part.kind is Kind.FIELD:
        needed = isinstance(part.body, Mapping) and part.body.get("required") is True
        if not needed:
            return Level.COMPATIBLE, "an optional field was added"
        if live:
            return Level.INCOMPATIBLE, "a required field was added to a form that is being filled in"
        return Level.MIGRATION, "a required field was added"
    if part.path == ("schedule",):
        return Level.COMPATIBLE, "a trigger was added"
    return Level.MIGRATION, "added"


def _moved(change: Change, begun: Begun | None) -> tuple[Level, str]:
    assert change.before is not None
    if change.before.home == change.path[:-1]:
        return Level.MIGRATION, "stands in another place"
    if begun is not None and begun.of(change.kind, change.before.path) is None:
        return Level.MIGRATION, "stands in another block; it has not begun"
    return Level.INCOMPATIBLE, "stands in another block"


def _changed(change: Change, begun: Begun | None, live: bool | None) -> tuple[Level, str]:
    assert change.before is not None
    assert change.after is not None
    was, now = meaning(change.before), meaning(change.after)
    if equal(was, now):
        return Level.COMPATIBLE, "changed; only said to people"
    members = ", ".join(dict.fromkeys(detail.path.partition("[")[0] for detail in change.details))
    if change.kind is Kind.DOCUMENT:
        return Level.MIGRATION, "changed"
    if change.kind is Kind.TASK and kind_of(was) != kind_of(now) and (begun is None or live is not None):
        return Level.INCOMPATIBLE, f"it was `{kind_of(was)}` and is `{kind_of(now)}`"
    if live:
        return Level.INCOMPATIBLE, f"changed ({members}) while it is going on"
    if begun is not None and live is None:
        return Level.MIGRATION, f"changed ({members}); it has not begun"
    return Level.MIGRATION, f"changed ({members})" + ("; what it did stands" if begun is not None else "")


_KINDS = ("call", "do", "emit", "for", "fork", "listen", "raise", "run", "set", "switch", "try", "wait")


def kind_of(body: Json) -> str:
    """`call form`, `run shell`, `set`: the kind of a task as written."""
    if not isinstance(body, Mapping):
        return "nothing"
    kind = next((name for name in _KINDS if name in body), "do")
    said = body.get(kind)
    if kind == "call":
        return f"call {said}"
    if kind == "run" and isinstance(said, Mapping):
        return (
            f"run {next((name for name in said if name in ('shell', 'workflow', 'script', 'container')), '')}"
        )
    return kind
