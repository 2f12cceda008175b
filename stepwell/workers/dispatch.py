"""Every action to the runner that performs its kind."""

from __future__ import annotations

import logging
from collections.abc import Coroutine, Mapping
from typing import Any

from stepwell.model.actions import Action, CodeAction, Failed, Outcome
from stepwell.model.problem import configuration, runtime
from stepwell.ports import Runner, WorkContext

log = logging.getLogger("stepwell.workers")


class WorkerDispatch:
    """A `Runner` made of runners, by the type of action. What one raises by mistake fails that step only."""

    def __init__(self, runners: Mapping[type, Runner]) -> None:
        self._runners = dict(runners)

    def perform(self, action: Action, context: WorkContext) -> Coroutine[Any, Any, Outcome]:
        runner = self._runners.get(type(action))
        if type(action) is CodeAction and runner is not None:  # what is raised is caught where it is called
            return runner.perform(action, context)
        return self._perform(runner, action, context)

    async def _perform(self, runner: Runner | None, action: Action, context: WorkContext) -> Outcome:
        if runner is None:
            return Failed(configuration(f"this engine has no runner for a {type(action).__name__}"))
        try:
            return await runner.perform(action, context)
        except Exception as error:  # a defect of a runner must not stop the engine
            log.exception("%s failed to perform step %s", type(runner).__name__, context.step_id)
            return Failed(runtime(f"{type(runner).__name__}: {type(error).__name__}: {error}"))

    async def close(self) -> None:
        """Close every runner, even if one of them fails to."""
        for runner in {id(each): each for each in self._runners.values()}.values():
            try:
                await runner.close()
            except Exception:  # the others still hold processes and connections
                log.exception("%s failed to close", type(runner).__name__)
