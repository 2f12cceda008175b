"""What a step store can be asked without changing anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stepwell.client.client import Client
from stepwell.kernel.standing import expired
from stepwell.model.base import Instant, Json
from stepwell.model.driven import ANY, DRIVEN, step_id
from stepwell.model.errors import NotFound
from stepwell.model.journal import RunFilter
from stepwell.model.records import State, Step
from stepwell.model.states import StepStatus
from stepwell.steps.results import Recovery, StepRun, step_run_of

PAGE = 500


class Reads:
    """The reading verbs of `AsyncStepStore`."""

    def __init__(self, client: Client) -> None:
        self.client = client

    @property
    def _now(self) -> Instant:
        return self.client.engine.clock.now()

    async def run_state(self, run_id: str) -> str:
        """`running`, `paused`, `cancelling`, `completed`, … Raises `NotFound`."""
        return (await self.client.engine.row(run_id)).status

    async def get_step_run(self, run_id: str, step: str) -> StepRun:
        """Raises `NotFound` for a step that was never begun or planned."""
        state = await self.client.state(run_id)
        found = state.steps.get(step_id(step))
        if found is None or found.withdrawn:
            raise NotFound(f"step {step} of run {run_id} was never begun or planned")
        return step_run_of(run_id, found, self._now)

    async def step_statuses(self, run_id: str) -> Mapping[str, str | None]:
        """The state of every step that the definition declares, None where it was never begun or planned; then those
        of other names, in the order in which they came."""
        state = await self.client.state(run_id)
        definition = await self.client.engine.library.get(state.run.definition_hash)
        declared = [] if definition.metadata.get("steps") == ANY else [t.name for t in definition.do.tasks]
        found: dict[str, str | None] = dict.fromkeys(declared)
        for step in _known(state):
            found[step.name] = step.status.value
        return found

    async def completed_steps(self, run_id: str) -> Sequence[StepRun]:
        """In the order in which they were completed."""
        state = await self.client.state(run_id)
        return [step_run_of(run_id, step, self._now) for step in _completed(state)]

    async def completed_outputs(self, run_id: str) -> Mapping[str, Json]:
        """What the completed steps gave, by name, in the order in which they were completed."""
        return {step.name: step.output for step in _completed(await self.client.state(run_id))}

    async def open_runs(self) -> Sequence[str]:
        """The ids of all runs that programs of their own drive and that have not ended, the oldest first."""
        ids = await self._runs(RunFilter(open=True, code=DRIVEN))
        return sorted(ids)

    async def expired_claims(self) -> Sequence[StepRun]:
        """Steps whose performer gave no sign of life in time: `begin_step` takes them over, as a new attempt."""
        now = self._now
        found = []
        for run_id in await self._runs(RunFilter(open=True, lease_before=now)):
            state = await self.client.state(run_id)
            found += [step_run_of(run_id, step, now) for step in _open(state) if expired(step, now)]
        return found

    async def recovery(self, run_id: str) -> Recovery:
        """What to do for a run after a crash, in the order of the answer's fields (see `docs/steps.md`).

        `planned`: steps whose dispatch may never have happened. `finished`: where nothing is planned or performed, the
        completed steps, the last one last: `reconcile_step` on it plans what should have followed. `expired`: steps
        to begin again.
        """
        state = await self.client.state(run_id)
        now = self._now
        steps = _open(state)
        planned = [s for s in steps if s.status is not StepStatus.RUNNING and (s.due is None or s.due <= now)]
        lost = [step for step in steps if expired(step, now)]
        stuck = not steps and not state.run.status.terminal
        groups = (planned, _completed(state) if stuck else [], lost)
        return Recovery(*(tuple(step_run_of(run_id, step, now) for step in group) for group in groups))

    async def _runs(self, where: RunFilter) -> list[str]:
        found: list[str] = []
        cursor: str | None = None
        while True:
            page = await self.client.engine.store.list_runs(where, PAGE, cursor)
            found += [row.id for row in page.rows if row.code == DRIVEN]
            cursor = page.next
            if cursor is None:
                return found


def _known(state: State) -> list[Step]:
    return [step for step in state.steps.values() if not step.withdrawn]


def _open(state: State) -> list[Step]:
    return [state.steps[step] for step in state.open_steps]


def _completed(state: State) -> list[Step]:
    done = [step for step in state.steps.values() if step.status is StepStatus.COMPLETED]
    return sorted(done, key=lambda step: step.outcome)
