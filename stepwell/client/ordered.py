"""Runs that were ordered and neither started nor are waiting to be: what `doctor` finds, and makes good."""

from __future__ import annotations

from stepwell.engine.reading import Reading
from stepwell.model.events import FollowUpOrdered
from stepwell.model.ledger import FollowUp
from stepwell.model.records import Run


async def lost_orders(engine: Reading, run: Run) -> list[FollowUp]:
    """In the order in which they were ordered. What was archived or deleted since was started."""
    if not run.follow_ups:
        return []
    waiting = {order.run_id for order in await engine.store.ledger.follow_ups(run.id)}
    lost = {run_id for run_id in run.follow_ups if run_id not in waiting and await _unknown(engine, run_id)}
    found: list[FollowUp] = []
    seq = 0
    while len(found) < len(lost) and (turns := await engine.store.turns(run.id, seq, 1_000)):
        seq = turns[-1].seq
        found += [
            FollowUp(event.run_id, run.id, turn.seq)
            for turn in turns
            for event in turn.events
            if isinstance(event, FollowUpOrdered) and event.run_id in lost
        ]
    return found


async def _unknown(engine: Reading, run_id: str) -> bool:
    store = engine.store
    return await store.row(run_id) is None and await store.archive.tombstone(run_id) is None
