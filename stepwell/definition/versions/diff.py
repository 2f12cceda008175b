"""How two versions of a definition differ: what was added, removed, moved and changed, part by part."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

from stepwell.definition.versions.outline import Kind, Part, Path, outline
from stepwell.model.base import Json


class How(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    MOVED = "moved"
    CHANGED = "changed"


class Detail(NamedTuple):
    """One member that differs; `before` or `after` is NOTHING where it was not, or is not, there."""

    path: str
    before: Json
    after: Json


class Change(NamedTuple):
    """`before` and `after`: the part, where it was, or is, there."""

    how: How
    kind: Kind
    path: Path
    before: Part | None = None
    after: Part | None = None
    details: Sequence[Detail] = ()

    @property
    def place(self) -> str:
        """Where, for people: `loop/do/charge`, a field as `fill.pressure`."""
        return place_of(self.kind, self.path)


class _Nothing:
    def __repr__(self) -> str:
        return "nothing"


NOTHING: Final[Json] = _Nothing()
_ROOTS: Final = {Kind.TASK: ("do",), Kind.SECTION: ("sections",), Kind.FIELD: ("fields",)}
_SIGNS: Final = {How.ADDED: "+", How.REMOVED: "-", How.MOVED: ">", How.CHANGED: "~"}
_LONGEST: Final = 60


def place_of(kind: Kind, path: Path) -> str:
    root = _ROOTS.get(kind, ())
    short = path[len(root) :] if path[: len(root)] == root and len(path) > len(root) else path
    if kind is Kind.FIELD and len(short) > 1:
        owner = short[1:-2] if short[0] == "do" else short[:-2]
        return f"{'/'.join(owner)}.{short[-1]}"
    return "/".join(short) or "the document"


def diff(before: Json, after: Json) -> list[Change]:
    """Every difference, in the order of the new document, what was removed last."""
    old, new = outline(before), outline(after)
    moved = _moved(old, new)
    changes = []
    for path, part in new.items():
        if path not in old:
            changes.append(Change(How.ADDED, part.kind, path, None, part))
            continue
        if path in moved:
            changes.append(Change(How.MOVED, part.kind, path, old[path], part))
        details = tuple(differences(old[path].body, part.body))
        if details:
            changes.append(Change(How.CHANGED, part.kind, path, old[path], part, details))
    gone = [Change(How.REMOVED, part.kind, path, part) for path, part in old.items() if path not in new]
    return _paired(changes, gone)


def _paired(changes: list[Change], gone: list[Change]) -> list[Change]:
    """What is gone here and there elsewhere, unchanged, has moved there."""
    found = []
    for change in changes:
        twin = next((each for each in gone if change.how is How.ADDED and _same(each, change)), None)
        if twin is None:
            found.append(change)
        else:
            gone.remove(twin)
            found.append(Change(How.MOVED, change.kind, change.path, twin.before, change.after))
    return found + gone


def _same(gone: Change, new: Change) -> bool:
    assert gone.before is not None
    assert new.after is not None
    alike = gone.kind is new.kind is not Kind.DOCUMENT and gone.before.name == new.after.name
    return alike and equal(gone.before.body, new.after.body)


def _moved(old: Mapping[Path, Part], new: Mapping[Path, Part]) -> set[Path]:
    """Parts that stand in another order than those around them: the fewest that have to be taken out so that the others
    keep theirs. The order of the members of an object means nothing."""
    homes: dict[Path, list[Path]] = {}
    for path, part in new.items():
        if path in old and part.kind is not Kind.DOCUMENT:
            homes.setdefault(part.home, []).append(path)
    moved: set[Path] = set()
    for paths in homes.values():
        moved |= set(paths) - _keeping_order([(old[path].position, path) for path in paths])
    return moved


def _keeping_order(places: Sequence[tuple[int, Path]]) -> set[Path]:
    """The longest increasing run of positions (patience sorting)."""
    tops: list[int] = []
    ends: list[int] = []
    before: list[int | None] = []
    for index, (position, _) in enumerate(places):
        pile = bisect_left(tops, position)
        before.append(ends[pile - 1] if pile else None)
        tops[pile : pile + 1] = [position]
        ends[pile : pile + 1] = [index]
    kept: set[Path] = set()
    at = ends[-1] if ends else None
    while at is not None:
        kept.add(places[at][1])
        at = before[at]
    return kept


def differences(before: Json, after: Json, path: str = "") -> Iterator[Detail]:
    """Every member that differs; lists of the same length are gone into, others differ as a whole."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in [*after, *(name for name in before if name not in after)]:
            where = f"{path}.{name}" if path else str(name)
            yield from differences(before.get(name, NOTHING), after.get(name, NOTHING), where)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from differences(one, other, f"{path}[{index}]")
    elif not equal(before, after):
        yield Detail(path, before, after)


def equal(one: Json, other: Json) -> bool:
    """As JSON: `1` is not `true`, nor `1.0`; the order of members means nothing."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(equal(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(equal, one, other))
    return type(one) is type(other) and bool(one == other)


def change_view(change: Change) -> dict[str, Json]:
    """As JSON."""
    view: dict[str, Any] = {"how": change.how.value, "kind": change.kind.value, "path": change.place}
    if change.before is not None and change.how in (How.REMOVED, How.MOVED):
        view["before"] = change.before.body if change.how is How.REMOVED else _at(change.before)
    if change.after is not None and change.how in (How.ADDED, How.MOVED):
        view["after"] = change.after.body if change.how is How.ADDED else _at(change.after)
    if change.details:
        view["details"] = [
            {
                "path": detail.path,
                **({} if detail.before is NOTHING else {"before": detail.before}),
                **({} if detail.after is NOTHING else {"after": detail.after}),
            }
            for detail in change.details
        ]
    return view


def _at(part: Part) -> Json:
    return {"path": place_of(part.kind, part.path), "position": part.position}


def lines(changes: Sequence[Change]) -> list[str]:
    """For people: a line for each change, one for each member under it."""
    found = []
    for change in changes:
        head = f"{_SIGNS[change.how]} {change.kind.value} {change.place}"
        plain = change.kind is Kind.DOCUMENT and len(change.details) == 1
        if plain:
            found.append(f"{head}: {_arrow(change.details[0])}")
            continue
        found.append(head + _whereto(change))
        found += [f"    {detail.path or 'value'}: {_arrow(detail)}" for detail in change.details]
    return found


def _whereto(change: Change) -> str:
    if change.how is not How.MOVED or change.before is None or change.after is None:
        return ""
    if change.before.home != change.after.home:
        return f" (from {place_of(change.kind, change.before.path)})"
    return f" (from place {change.before.position + 1} to {change.after.position + 1})"


def _arrow(detail: Detail) -> str:
    if detail.before is NOTHING:
        return f"now {_short(detail.after)}"
    if detail.after is NOTHING:
        return f"no more (was {_short(detail.before)})"
    return f"{_short(detail.before)} → {_short(detail.after)}"


def _short(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
