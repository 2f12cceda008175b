"""What code that performs a step may know and ask of the engine (SPEC X10)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from stepwell.engine.actor import Actor, Mail
from stepwell.model import commands as c
from stepwell.model.base import Json
from stepwell.model.effects import Perform


class StepContext:
    """Implements `ports.WorkContext`."""

    def __init__(self, actor: Actor, effect: Perform) -> None:
        self._actor, self._effect = actor, effect
        self.finished = False

    @property
    def run_id(self) -> str:
        return self._actor.id

    @property
    def step_id(self) -> str:
        return self._effect.step

    @property
    def attempt(self) -> int:
        return self._effect.attempt

    @property
    def key(self) -> str:
        return self._effect.key

    @property
    def cancelled(self) -> bool:
        """The result of this attempt is no longer wanted."""
        step = self._actor.state.steps.get(self._effect.step)
        return self.finished or step is None or step.status.terminal or step.attempt != self._effect.attempt

    async def report(self, progress: Json) -> None:
        """Record progress; returns when it is durable. Raises `TransitionRefused` once the step has ended."""
        await self._ask(c.ReportProgress(self.step_id, self.attempt, progress))

    async def set_variables(self, values: Mapping[str, Json]) -> None:
        await self._ask(c.SetVariables(dict(values), step=self.step_id))

    def variable(self, name: str, default: Json = None) -> Json:
        return self._actor.state.run.variables.get(name, default)

    async def _ask(self, command: c.Command) -> None:
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def reply(error: BaseException | None) -> None:
            if not answer.done():
                answer.set_result(None) if error is None else answer.set_exception(error)

        self._actor.tell(Mail(command, reply))
        await answer
