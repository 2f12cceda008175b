"""The performance of one attempt: what the worker is asked to do, what it may know and ask (SPEC X10), and how its
answer becomes a command."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any

from stepwell.engine.actor import Actor
from stepwell.engine.mail import Mail
from stepwell.engine.sparing import Sparing
from stepwell.model import commands as c
from stepwell.model.actions import Failed, Outcome, Postponed, Succeeded
from stepwell.model.base import Json, new, own
from stepwell.model.effects import Perform
from stepwell.model.states import StepStatus
from stepwell.ports import Runner

log = logging.getLogger("stepwell.engine")

Start = Callable[[], Coroutine[Any, Any, Outcome]]


class Performance:
    """Implements `ports.WorkContext` for the worker, and a job for the dispatcher.

    `start` is given for what the engine does itself (running another workflow); else the runner does it.
    """

    __slots__ = ("_actor", "_effect", "_finished", "_runner", "_sparing", "_start", "identity", "waits")

    def __init__(
        self, actor: Actor, effect: Perform, runner: Runner, start: Start | None, sparing: Sparing
    ) -> None:
        self._actor, self._effect, self._runner, self._start = actor, effect, runner, start
        self._sparing = sparing
        self._finished = False
        self.identity = (actor.state.run.id, effect.step, effect.attempt)
        self.waits = start is not None
        """what the engine does itself is to wait for another run"""

    # --- for the dispatcher -----------------------------------------------------------------------

    @property
    def priority(self) -> int:
        return self._effect.priority

    def perform(self) -> Coroutine[Any, Any, Outcome]:
        if self._start is not None:
            return self._start()
        if self._effect.cached is None and self._effect.rate is None:
            return self._runner.perform(self._effect.action, self)
        return self._sparing.perform(self._effect, partial(self._runner.perform, self._effect.action, self))

    def finish(self, outcome: Outcome) -> None:
        """Tell the run what came of it. (Nothing of the performance is kept until the commit: what many runs keep so
        long, the garbage collector goes through again and again.)"""
        self._finished = True
        step, attempt = self._effect.step, self._effect.attempt
        if isinstance(outcome, Succeeded):
            command: c.Command = new(c.CompleteStep, (step, attempt, outcome.output, outcome.source))
        elif isinstance(outcome, Failed):
            command = c.FailStep(step, attempt, outcome.problem, outcome.retry, outcome.after)
        elif isinstance(outcome, Postponed):
            command = c.DeferStep(step, attempt, outcome.after, outcome.progress, outcome.limited)
        else:
            command = c.SettleStep(step, attempt)
        keeps = self._effect.cached is not None and isinstance(outcome, Succeeded) and outcome.source is None
        reply = partial(self._keep, outcome.output) if keeps else None  # type: ignore[union-attr]
        self._actor.tell(new(Mail, (command, reply, None, None, True, None)))

    def _keep(self, output: Json, error: BaseException | None) -> None:
        """The result is on record, or refused."""
        step = self._actor.state.steps.get(self.step_id)
        if error is None and step is not None and step.status is StepStatus.COMPLETED:
            self._sparing.keep(self._effect, self.run_id, output)

    # --- for the worker ---------------------------------------------------------------------------

    @property
    def run_id(self) -> str:
        return self.identity[0]

    @property
    def step_id(self) -> str:
        return self._effect.step

    @property
    def key(self) -> str:
        return self._effect.key

    @property
    def attempt(self) -> int:
        return self._effect.attempt

    @property
    def cancelled(self) -> bool:
        """The result of this attempt is no longer wanted."""
        step = self._actor.state.steps.get(self.step_id)
        return self._finished or step is None or step.status.terminal or step.attempt != self.attempt

    async def report(self, progress: Json) -> None:
        """Record progress; returns when it is durable. Raises `TransitionRefused` once the step has ended."""
        await self._actor.ask(c.ReportProgress(self.step_id, self.attempt, _kept(progress)))

    async def set_variables(self, values: Mapping[str, Json]) -> None:
        command = c.SetVariables(_kept(dict(values)), step=self.step_id, attempt=self.attempt)
        await self._actor.ask(command)

    async def set_attributes(self, values: Mapping[str, Json], remove: Sequence[str]) -> None:
        command = c.SetAttributes(dict(values), tuple(remove), self.step_id, self.attempt)
        await self._actor.ask(command)

    def variable(self, name: str, default: Json = None) -> Json:
        variables = self._actor.state.run.variables
        return own(variables[name]) if name in variables else default


def _kept(value: Json) -> Json:
    """As it is now: what the function does to it later is not on record. (What has no end is refused when it is
    written down.)"""
    try:
        return own(value)
    except RecursionError:
        return value
