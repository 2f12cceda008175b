"""Fill a store with finished runs, through the store's own door: what a busy year leaves behind."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from common import log

from stepwell.assembly import SystemClock, UuidIds
from stepwell.definition.expression import evaluate
from stepwell.definition.parse import parse
from stepwell.engine.rows import row_of
from stepwell.kernel.decide import decide
from stepwell.kernel.evolve import blank
from stepwell.kernel.ruling import Environment
from stepwell.model.commands import StartRun
from stepwell.model.journal import DefinitionRow, Turn
from stepwell.stores.sqlite import SqliteStore

FLOW = """
document: {dsl: '1.0.3', namespace: bench, name: finished, version: '1.0.0'}
do:
  - a: {set: {n: 1}}
  - b: {set: {n: '${ .n + 1 }'}}
"""


async def preload_runs(path: Path, count: int) -> None:
    """`count` finished runs of two steps, each with its journal and index row."""
    clock, ids = SystemClock(), UuidIds()
    store = await SqliteStore.open(path, clock=clock, engine_id=ids.engine_id())
    flow = parse(FLOW)
    await store.put_definition(
        DefinitionRow(flow.hash, flow.namespace, flow.name, flow.version, flow.document, clock.now())
    )
    failed: list[BaseException] = []
    started = time.perf_counter()
    for number in range(count):
        run_id, now = ids.run_id(), clock.now()
        decision = decide(flow, blank(run_id), StartRun(run_id, {}), now, Environment(evaluate))
        run = decision.draft.run
        store.append(
            Turn(run_id, 1, now, decision.events),
            b"",
            lambda error: failed.append(error) if error else None,
            row=row_of(run),
        )
        if number % 2_000 == 1_999:
            await store.flush()
            await asyncio.sleep(0)
    await store.close()
    assert not failed, failed[0]
    log(f"preloaded {count} runs in {time.perf_counter() - started:.0f} s")
