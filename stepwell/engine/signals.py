"""A signal that one run sends to another: delivered once, however often the sending is repeated."""

from __future__ import annotations

from typing import Protocol

from stepwell.engine.children import RETRY_AFTER
from stepwell.model import commands as c
from stepwell.model import problem
from stepwell.model.actions import Failed, Outcome, SignalAction, Succeeded
from stepwell.model.errors import NotFound, StepwellError, StoreUnavailable, TransitionRefused
from stepwell.model.records import State
from stepwell.ports import Clock


class Post(Protocol):
    """What this needs of the engine."""

    clock: Clock

    async def command(self, run_id: str, command: c.Command) -> None: ...

    async def reload(self, run_id: str) -> State: ...


async def hand_over(post: Post, ended: State) -> None:
    """A run went on as another one: the signals that it had not taken are that one's. (Once each: they keep their
    ids.)"""
    assert ended.run.continued_to is not None
    for signal_id in ended.run.inbox:
        signal = ended.signals[signal_id]
        action = SignalAction(
            ended.run.continued_to, signal_id, signal.name, signal.value, signal.correlation
        )
        await perform_signal(post, action)


async def perform_signal(family: Post, action: SignalAction) -> Outcome:
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
