"""Looking what the world says for a condition or a measurement: a job beside the performing of steps."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Final

from stepwell.engine.actor import Actor
from stepwell.engine.mail import Mail
from stepwell.model.actions import Interrupted, Outcome, Succeeded, WatchAction
from stepwell.model.base import Json
from stepwell.model.effects import Probe
from stepwell.model.people_commands import ReportCondition
from stepwell.model.records import State
from stepwell.model.states import RunStatus
from stepwell.ports import Runner, Store

Reload = Callable[[str], Coroutine[Any, Any, State]]

PROBE: Final = "probe:"
"""What the second part of a job's identity begins with: it is no step."""


class Probing:
    """Implements `ports.WorkContext` for the worker, and a job for the dispatcher. It can read, and change nothing."""

    __slots__ = ("_actor", "_effect", "_reload", "_runner", "_store", "key", "step_id")

    def __init__(self, actor: Actor, effect: Probe, runner: Runner, store: Store, reload: Reload) -> None:
        self._actor, self._effect, self._runner = actor, effect, runner
        self._store, self._reload = store, reload
        self.key, self.step_id = effect.key, effect.step

    # --- for the dispatcher -----------------------------------------------------------------------

    @property
    def identity(self) -> tuple[str, str, int]:
        return (self._actor.id, f"{PROBE}{self._effect.leaf}:{self.step_id}", self._effect.number)

    @property
    def priority(self) -> int:
        return self._effect.priority

    @property
    def waits(self) -> bool:
        return False

    def perform(self) -> Coroutine[Any, Any, Outcome]:
        action = self._effect.action
        if isinstance(action, WatchAction):
            return watch(self._store, self._reload, action.run_id)
        return self._runner.perform(action, self)

    def finish(self, outcome: Outcome) -> None:
        """Tell the run. Who was stopped has seen nothing."""
        if not isinstance(outcome, Interrupted):
            effect = self._effect
            found = ReportCondition(effect.step, effect.leaf, effect.number, outcome)
            self._actor.tell(Mail(found, insist=True))

    # --- for the worker ---------------------------------------------------------------------------

    @property
    def run_id(self) -> str:
        return self._actor.id

    @property
    def attempt(self) -> int:
        step = self._actor.state.steps.get(self.step_id)
        return step.attempt if step is not None else 0

    @property
    def cancelled(self) -> bool:
        step = self._actor.state.steps.get(self.step_id)
        return step is None or step.status.terminal

    async def report(self, progress: Json) -> None:
        """There is no step to tell of."""

    async def set_variables(self, values: Mapping[str, Json]) -> None:
        """Looking changes nothing."""

    async def set_attributes(self, values: Mapping[str, Json], remove: Sequence[str]) -> None:
        """Looking changes nothing."""

    def variable(self, name: str, default: Json = None) -> Json:
        return self._actor.state.run.variables.get(name, default)


async def watch(store: Store, reload: Reload, run_id: str) -> Outcome:
    """Where another run stands; one that went on as another one is followed there."""
    while (row := await store.row(run_id)) is not None:
        if row.status != RunStatus.CONTINUED:
            return Succeeded({"status": row.status, "run": run_id})
        run_id = (await reload(run_id)).run.continued_to or run_id
    gone = await store.archive.tombstone(run_id)
    return Succeeded({"status": None if gone is None else gone.status, "run": run_id})
