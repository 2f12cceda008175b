"""Another engine moved a run first: the loser's log names the winner."""

from __future__ import annotations

import logging

from stepwell.model.errors import StepwellError
from stepwell.model.events import NAMES
from stepwell.ports import Store

log = logging.getLogger("stepwell.engine")


async def name_the_winner(store: Store, run_id: str, seq: int) -> None:
    """Say who has the turn that was to be written, as far as it is known: what it wrote, and who owns the run."""
    if not log.isEnabledFor(logging.INFO):
        return
    try:
        row, turns = await store.row(run_id), await store.turns(run_id, seq - 1, 1)
    except StepwellError:  # the run is read again anyway, and that tells what is wrong
        return
    did = (
        ", ".join(NAMES[type(event)] for turn in turns for event in turn.events) or "nothing that can be read"
    )
    owner = row.owner if row is not None and row.owner is not None else "nobody"
    log.info(
        "run %s: turn %s was taken by another engine, which wrote %s; the run belongs to %s; deciding again",
        run_id, seq, did, owner,
        extra={"run_id": run_id, "seq": seq, "owner": owner, "wrote": did},
    )  # fmt: skip
