"""Which runs a plan would put away, and the token that stands for exactly these.

A token holds the selection and a digest of what it selects, no more: nothing is kept of a plan. Whoever applies it
selects again, and what is no longer the same is refused.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from stepwell.client.views import View, when
from stepwell.client.where import as_data, read_where
from stepwell.model.archive import ArchiveItem, Candidate, Selection
from stepwell.model.base import SECOND, Duration, Instant, Json
from stepwell.model.errors import Conflict, InvalidInput
from stepwell.model.states import TERMINAL_RUN
from stepwell.ports import ArchiveStore

MOST: Final = 10_000
"""runs in one plan, unless asked otherwise"""
EXPIRES_AFTER: Final[Duration] = 24 * 3600 * SECOND
_FORMAT: Final = 1


class Chosen(NamedTuple):
    """The runs of a plan, whole families, oldest first. `held_back`: how many fit but belong to a family of which not
    all do; `more`: how many wait for another plan."""

    items: tuple[ArchiveItem, ...]
    oldest: Instant | None
    newest: Instant | None
    held_back: int
    more: int


class Plan(NamedTuple):
    """A selection, how many runs at most, and what that is right now. `digest` tells it from every other."""

    selection: Selection
    most: int
    made_at: Instant
    digest: str

    @property
    def id(self) -> str:
        """The id of the archive that it becomes."""
        return self.digest[:32]

    @property
    def token(self) -> str:
        body = [_FORMAT, self.made_at, selection_json(self.selection), self.most, self.digest]
        return base64.urlsafe_b64encode(_json(body)).decode().rstrip("=")


def read_token(token: str) -> Plan:
    """Raises `InvalidInput` where it is none."""
    try:
        body = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        version, made_at, selection, most, digest = body
        if version == _FORMAT and type(made_at) is int and type(most) is int and isinstance(digest, str):
            return Plan(_selection(selection), most, made_at, digest)
    except (ValueError, TypeError, KeyError, AttributeError):
        pass
    raise InvalidInput("this is not the token of a plan", hint="make one with: stepwell archive plan")


def selection_json(selection: Selection) -> dict[str, Json]:
    """The selection as the token and the receipt have it."""
    where = as_data(selection.where) if selection.where is not None else None
    return {**selection._asdict(), "status": list(selection.status), "where": where}


def _selection(given: Mapping[str, Any]) -> Selection:
    where = read_where(given["where"]) if given["where"] is not None else None
    return Selection(**{**given, "status": tuple(given["status"]), "where": where})


def checked(selection: Selection, most: int) -> None:
    """Raises `InvalidInput` for what no plan can be made of."""
    odd = [status for status in selection.status if status not in {each.value for each in TERMINAL_RUN}]
    if odd:
        known = ", ".join(sorted(each.value for each in TERMINAL_RUN))
        raise InvalidInput(f"runs that are {odd[0]!r} cannot be archived", hint=f"only ended ones: {known}")
    if most < 1 or selection.keep_last < 0:
        raise InvalidInput("a plan takes at least 1 run, and keeps 0 or more")


async def make(store: ArchiveStore, selection: Selection, most: int, now: Instant) -> tuple[Plan, Chosen]:
    """The plan of this moment."""
    chosen = choose(await store.candidates(selection), await store.links(), most)
    body = [selection_json(selection), most, [list(item) for item in chosen.items]]
    return Plan(selection, most, now, hashlib.sha256(_json(body)).hexdigest()), chosen


async def again(store: ArchiveStore, plan: Plan, now: Instant) -> Chosen:
    """What the plan selects, if that is what it selected when it was made. Raises `Conflict`."""
    if now > plan.made_at + EXPIRES_AFTER:
        raise Conflict(f"the plan of {when(plan.made_at)} has expired", hint=_PLAN_AGAIN)
    same, chosen = await make(store, plan.selection, plan.most, plan.made_at)
    if same.digest != plan.digest:
        raise Conflict("the plan is stale: the runs that it selects have changed since", hint=_PLAN_AGAIN)
    return chosen


_PLAN_AGAIN: Final = "make a new plan, look at it, and apply that: stepwell archive plan"


def choose(candidates: Sequence[Candidate], links: Mapping[str, str], most: int) -> Chosen:
    """Whole families of candidates, those that ended first first. `links`: the parent of each run that has one."""
    known = {candidate.id: candidate for candidate in candidates}
    families: dict[str, set[str]] = defaultdict(set)
    roots: dict[str, str] = {}
    for run_id in links:
        families[_root(run_id, links, roots)].update((run_id, roots[run_id]))
    for run_id in known:
        families[_root(run_id, links, roots)].add(run_id)
    whole = {root: members for root, members in families.items() if known.keys() >= members}
    ended = {root: max(known[member].ended_at for member in members) for root, members in whole.items()}
    items: list[ArchiveItem] = []
    for root in sorted(whole, key=lambda root: (ended[root], root)):
        if items and len(items) + len(whole[root]) > most:
            break
        items += [ArchiveItem(root, member, known[member].seq) for member in sorted(whole[root])]
    times = [known[item.run_id].ended_at for item in items]
    fitting = sum(map(len, whole.values()))
    return Chosen(
        tuple(items),
        min(times, default=None),
        max(times, default=None),
        len(known) - fitting,
        fitting - len(items),
    )


def _root(run_id: str, links: Mapping[str, str], roots: dict[str, str]) -> str:
    trail = []
    while run_id not in roots and run_id in links and run_id not in trail:
        trail.append(run_id)
        run_id = links[run_id]
    root = roots.setdefault(run_id, run_id)
    roots.update((each, root) for each in trail)
    return root


def plan_view(plan: Plan, chosen: Chosen, turns: int, size: int) -> View:
    """What a person looks at before applying it."""
    return {
        "token": plan.token,
        "archive_id": plan.id,
        "made_at": when(plan.made_at),
        "expires_at": when(plan.made_at + EXPIRES_AFTER),
        "selection": selection_view(plan.selection),
        "runs": len(chosen.items),
        "turns": turns,
        "bytes": size,
        "oldest": when(chosen.oldest),
        "newest": when(chosen.newest),
        "held_back": chosen.held_back,
        "more": chosen.more,
        "digest": plan.digest,
    }


def selection_view(selection: Selection) -> View:
    return {**selection_json(selection), "before": when(selection.before)}


def ids_digest(items: Iterable[ArchiveItem]) -> str:
    """SHA-256 of the run ids, one a line, in order."""
    return hashlib.sha256(
        "".join(f"{run_id}\n" for run_id in sorted(i.run_id for i in items)).encode()
    ).hexdigest()


def _json(value: Json) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
