"""Turns that did not land: whether to decide them again, from which state, and who was quicker."""

from __future__ import annotations

import logging
from typing import Any

from stepwell.definition.model import Definition
from stepwell.engine.host import Host
from stepwell.engine.mail import OnItsWay
from stepwell.model.base import Duration
from stepwell.model.errors import SeqConflict, StepwellError, StoreUnavailable
from stepwell.model.events import NAMES
from stepwell.model.records import State
from stepwell.ports import Clock, Store

log = logging.getLogger("stepwell.engine")

RETRY_AFTER: Duration = 1_000_000
"""How long to wait before trying again what a sick store could not take."""


def worth_retrying(run_id: str, oldest: OnItsWay, error: BaseException) -> bool:
    """False for a run that was never created, and for errors that asking again cannot mend."""
    if oldest.seq == 1 or not (isinstance(error, StepwellError) and error.retry):
        return False
    if not isinstance(error, SeqConflict):
        log.warning("run %s: %s; trying again", run_id, error)
    return True


async def read_back(host: Host[Any], run_id: str) -> tuple[State, Definition]:
    """The run as the store has it, however long the store takes. Raises other `StepwellError`s than that it is sick."""
    while True:
        try:
            return await host.reread(run_id)
        except StoreUnavailable:
            await pause(host.clock)


async def pause(clock: Clock) -> None:
    await clock.wait_until(clock.now() + RETRY_AFTER)


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
