"""Merging two versions that were made from a third: part by part, by the names of tasks, sections and fields.

What only one side changed is taken from it. What both changed differently is a conflict; all of them are told at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from stepwell.definition.versions.diff import equal, place_of
from stepwell.definition.versions.outline import Kind, Part, Path, assembled, outline
from stepwell.model.base import Json


class Clash(NamedTuple):
    """What both sides changed. `why`, for people: `ours` and `theirs` are called by the names that are given."""

    kind: Kind
    place: str
    why: str

    def __str__(self) -> str:
        return f"{self.kind.value} {self.place}: {self.why}"


class Merged(NamedTuple):
    """The document, or the conflicts."""

    document: dict[str, Json]
    clashes: Sequence[Clash]


class _Sides(NamedTuple):
    base: Mapping[Path, Part]
    ours: Mapping[Path, Part]
    theirs: Mapping[Path, Part]
    names: tuple[str, str]


_GONE: Final[Any] = object()


def merge(base: Json, ours: Json, theirs: Json, names: tuple[str, str] = ("ours", "theirs")) -> Merged:
    """`names`: what the two sides are called in conflicts."""
    sides = _Sides(outline(base), outline(ours), outline(theirs), names)
    clashes: list[Clash] = []
    parts: dict[Path, Part] = {}
    for path in dict.fromkeys([*sides.ours, *sides.theirs]):
        part = _merged(sides, path, clashes)
        if part is not None:
            parts[path] = part
    clashes += [_orphan(sides, part) for part in parts.values() if part.owner and part.owner not in parts]
    ordered = _ordered(sides, parts, clashes)
    return Merged({} if clashes else assembled(ordered), clashes)


def _merged(sides: _Sides, path: Path, clashes: list[Clash]) -> Part | None:
    """The part as both sides want it; None: it is gone."""
    base, ours, theirs = (side.get(path) for side in (sides.base, sides.ours, sides.theirs))
    before, mine, yours = (_GONE if part is None else part.body for part in (base, ours, theirs))
    if _alike(mine, yours) or _alike(yours, before):
        return ours
    if _alike(mine, before):
        return theirs
    known = ours or theirs
    assert known is not None
    first, second = sides.names
    if ours is None or theirs is None:
        gone, changed = (first, second) if ours is None else (second, first)
        why = f"removed in {gone}, changed in {changed}"
    elif base is None:
        why = f"added in {first} and in {second}, differently"
    else:
        why = f"changed in {first} and in {second}, differently"
    clashes.append(Clash(known.kind, place_of(known.kind, path), why))
    return known


def _alike(one: Json, other: Json) -> bool:
    return one is other if one is _GONE or other is _GONE else equal(one, other)


def _orphan(sides: _Sides, part: Part) -> Clash:
    first, second = sides.names
    gone, changed = (first, second) if part.owner not in sides.ours else (second, first)
    why = f"added or changed in {changed}, but what it is in was removed in {gone}"
    return Clash(part.kind, place_of(part.kind, part.path), why)


def _ordered(sides: _Sides, parts: Mapping[Path, Part], clashes: list[Clash]) -> list[Part]:
    """The parts in document order: each list as the side that changed its order has it."""
    homes: dict[Path, list[Path]] = {}
    for path, part in parts.items():
        homes.setdefault(part.home, []).append(path)
    places: dict[Path, int] = {}
    for paths in homes.values():
        order = _order(sides, [parts[path] for path in paths], clashes)
        places |= {path: position for position, path in enumerate(order)}
    return sorted(parts.values(), key=lambda part: _key(part, parts, places))


def _key(part: Part, parts: Mapping[Path, Part], places: Mapping[Path, int]) -> tuple[Any, ...]:
    """Owners before what they own, and each list in its order."""
    chain: list[Part] = [part]
    while (owner := chain[-1].owner) is not None and owner in parts:
        chain.append(parts[owner])
    return tuple((step.home, places[step.path]) for step in reversed(chain))


def _order(sides: _Sides, parts: Sequence[Part], clashes: list[Clash]) -> list[Path]:
    have = {part.path for part in parts}
    base, ours, theirs = (
        [path for path, part in side.items() if path in have and part.home == parts[0].home]
        for side in (sides.base, sides.ours, sides.theirs)
    )
    shared = set(base) & set(ours) & set(theirs)
    was, mine, yours = ([path for path in order if path in shared] for order in (base, ours, theirs))
    strict = parts[0].kind is Kind.TASK and not _is_graph(parts)
    if strict and was not in (mine, yours) and mine != yours:
        clashes.append(_order_clash(sides, parts[0]))
    lead, rest = (theirs, ours) if mine == was else (ours, theirs)
    order, beside = _woven(lead, rest)
    if strict and beside and not _alike_order(ours, theirs):
        clashes.append(_order_clash(sides, parts[0]))
    return order


def _alike_order(ours: Sequence[Path], theirs: Sequence[Path]) -> bool:
    both = set(ours) & set(theirs)
    return set(ours) == set(theirs) == both and list(ours) == list(theirs)


def _woven(lead: Sequence[Path], rest: Sequence[Path]) -> tuple[list[Path], bool]:
    """What only `rest` has goes behind what it stands behind there. Also whether both put something new at one place:
    who comes first is then a guess."""
    order, beside = list(lead), False
    only_lead = set(lead) - set(rest)
    for index, path in enumerate(rest):
        if path in order:
            continue
        at = order.index(rest[index - 1]) + 1 if index else 0
        beside = (
            beside or (at < len(order) and order[at] in only_lead) or (at > 0 and order[at - 1] in only_lead)
        )
        order.insert(at, path)
    return order, beside


def _is_graph(parts: Sequence[Part]) -> bool:
    """Whether the order of the list means nothing: its tasks say themselves what they come after."""
    bodies = [part.body for part in parts if isinstance(part.body, Mapping)]
    return any("after" in (body.get("metadata") or {}) for body in bodies)


def _order_clash(sides: _Sides, part: Part) -> Clash:
    first, second = sides.names
    where = "the tasks" if part.owner is None else f"the tasks in {place_of(part.kind, part.owner)}"
    return Clash(part.kind, where, f"their order was changed in {first} and in {second}")
