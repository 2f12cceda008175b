"""The step store as a library of its own: for programs that bring their own runner.

    from stepwell.steps import StepStore

    with StepStore.open("orders.db") as store:
        run_id = store.start_run("order", steps=["reserve", "charge", "ship"], input={"order": 7})
        begun = store.begin_step(run_id, "reserve", {"order": 7}, lease=30)
        if begun.execute:
            store.complete_step(begun.claim, reserve(begun.input), schedule=["charge"])

Of all threads and processes that begin a step exactly one is told to execute it. `docs/steps.md` tells the whole story.
"""

from stepwell.model.driven import ANY
from stepwell.model.errors import NotFound, StaleAttempt, StaleStep
from stepwell.steps.blocking import StepStore
from stepwell.steps.results import Begin, Claim, Completion, Heartbeat, Recovery, StepRun
from stepwell.steps.store import AsyncStepStore
from stepwell.steps.words import Plan

__all__ = [
    "ANY",
    "AsyncStepStore",
    "Begin",
    "Claim",
    "Completion",
    "Heartbeat",
    "NotFound",
    "Plan",
    "Recovery",
    "StaleAttempt",
    "StaleStep",
    "StepRun",
    "StepStore",
]
