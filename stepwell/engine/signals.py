"""A signal that one run sends to another: delivered once, however often the sending is repeated."""

from __future__ import annotations

from stepwell.engine.children import RETRY_AFTER, Family
from stepwell.model import commands as c
from stepwell.model import problem
from stepwell.model.actions import Failed, Outcome, SignalAction, Succeeded
from stepwell.model.errors import NotFound, StepwellError, StoreUnavailable, TransitionRefused


async def perform_signal(family: Family, action: SignalAction) -> Outcome:
    """To the run, or to the last one that it continued as."""
    run_id = action.run_id
    command = c.SendSignal(action.signal, action.name, action.value, action.correlation)
    while True:
        try:
            await family.command(run_id, command)
            return Succeeded({"run_id": run_id, "signal": action.signal})
        except StoreUnavailable:
            await family.clock.wait_until(family.clock.now() + RETRY_AFTER)
        except TransitionRefused as late:
            state = await family.reload(run_id)
            if state.run.continued_to is None:
                return Failed(problem.runtime(late.message), retry=False)
            run_id = state.run.continued_to
        except NotFound as error:
            return Failed(problem.configuration(error.message), retry=False)
        except StepwellError as error:
            return Failed(problem.runtime(error.message))
