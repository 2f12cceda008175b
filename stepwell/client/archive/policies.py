"""Retention: how long ended runs of a definition are kept, and doing what that says."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Final

from stepwell.client.archive import carry, plan
from stepwell.client.views import View, when
from stepwell.engine.engine import Engine
from stepwell.model.archive import Retention, Selection
from stepwell.model.base import SECOND, iso
from stepwell.model.errors import InvalidInput, NotFound

_PAGES: Final = 100
"""plans that one go makes for one policy at most"""


def policy_view(policy: Retention) -> View:
    return {
        "namespace": policy.namespace,
        "name": policy.name,
        "keep_seconds": policy.keep_for / SECOND,
        "keep_last": policy.keep_last,
        "folder": policy.folder,
        "changed_at": when(policy.changed_at),
    }


async def set_policy(
    engine: Engine, namespace: str, name: str, keep_seconds: float, keep_last: int, folder: Path | None
) -> View:
    """Raises `InvalidInput`."""
    if not 0 <= keep_seconds <= 1e10 or not 0 <= keep_last <= 10**9:
        raise InvalidInput("runs are kept for 0 seconds or more, and 0 or more of them")
    place = await asyncio.to_thread(_folder, folder) if folder is not None else None
    policy = Retention(namespace, name, int(keep_seconds * SECOND), keep_last, place, engine.clock.now())
    await engine.store.archive.set_retention(policy)
    return policy_view(policy)


def _folder(folder: Path) -> str:
    if not folder.is_dir():
        raise InvalidInput(f"there is no folder {folder}", hint=f"create it: mkdir -p {folder}")
    return str(folder.absolute())


async def policies(engine: Engine) -> list[View]:
    return [policy_view(policy) for policy in await engine.store.archive.retentions()]


async def drop_policy(engine: Engine, namespace: str, name: str) -> None:
    """Raises `NotFound`."""
    if not await engine.store.archive.drop_retention(namespace, name):
        raise NotFound(
            f"there is no retention of {namespace}/{name}", hint="list them: stepwell retention list"
        )


async def run(engine: Engine, told: carry.Told, *, dry_run: bool) -> View:
    """Do what every policy says: `{finished: [receipts], policies: [{…, plan or receipts}]}`. What an earlier go did
    not finish is finished first."""
    left = [] if dry_run else await engine.store.archive.unfinished()
    finished = [await carry.finish(engine, archive_id) for archive_id in left]
    found = []
    for policy in await engine.store.archive.retentions():
        result = await (_plan(engine, policy) if dry_run else _enforce(engine, policy, told))
        found.append({**policy_view(policy), **result})
    return {"dry_run": dry_run, "finished": finished, "policies": found}


def _selection(engine: Engine, policy: Retention) -> Selection:
    before = engine.clock.now() - policy.keep_for
    return Selection(before, (), policy.name, policy.namespace, None, policy.keep_last)


async def _plan(engine: Engine, policy: Retention) -> View:
    store = engine.store.archive
    made, chosen = await plan.make(store, _selection(engine, policy), plan.MOST, engine.clock.now())
    turns, size = await store.size([item.run_id for item in chosen.items])
    return {"plan": plan.plan_view(made, chosen, turns, size)}


async def _enforce(engine: Engine, policy: Retention, told: carry.Told) -> View:
    receipts = []
    for _ in range(_PAGES):
        now = engine.clock.now()
        made, chosen = await plan.make(engine.store.archive, _selection(engine, policy), plan.MOST, now)
        if not chosen.items:
            break
        receipts.append(await carry.apply(engine, made, _file(policy, made), True, told))
    return {"receipts": receipts}


def _file(policy: Retention, made: plan.Plan) -> Path | None:
    if policy.folder is None:
        return None
    stamp = re.sub(r"[^0-9TZ]", "", iso(made.made_at))
    safe = re.sub(r"[^A-Za-z0-9_.-]", "_", f"{policy.namespace}-{policy.name}")
    return Path(policy.folder) / f"{safe}-{stamp}-{made.id[:8]}.jsonl.gz"
