"""Steering runs: pause, resume, cancel, terminate, retry, rerun, and their variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stepwell.client.actors import Who, known_actor
from stepwell.client.forking import history_before, irreversible_steps, refuse_irreversible
from stepwell.client.handle import Handle
from stepwell.client.verbs.look import LookVerbs
from stepwell.client.verbs.start import StartVerbs
from stepwell.client.views import View, row_view
from stepwell.definition.model import Definition
from stepwell.engine.children import SOON
from stepwell.model import commands as c
from stepwell.model.attributes import check_name, normal_all
from stepwell.model.base import Json
from stepwell.model.errors import Conflict, TransitionRefused
from stepwell.model.events import SAME, MaybeSame, RunCreated, Same
from stepwell.model.records import State
from stepwell.workers.copies import own_copy


class SteerVerbs(StartVerbs, LookVerbs):
    """What an operator does to a run."""

    async def pause(self, run_id: str, reason: str | None = None, *, by: Who | None = None) -> View:
        """Start nothing new; the run is `paused` once what is in flight has ended."""
        return await self._steer(run_id, c.PauseRun(reason), by)

    async def resume(self, run_id: str, step: str | None = None, *, by: Who | None = None) -> View:
        """Go on with a paused run, or let go the debugger's pause before one step (or before all)."""
        return await self._steer(run_id, c.ResumeRun(step), by)

    async def cancel(self, run_id: str, reason: str | None = None, *, by: Who | None = None) -> View:
        """Interrupt what is in flight; the run is `cancelled` once that has settled. Of a run that continued as another
        one, that one is cancelled."""
        while True:
            abandoned = not await self.engine.store.owner_alive(run_id)
            try:
                return await self._steer(run_id, c.CancelRun(reason, abandoned), by)
            except TransitionRefused as refused:
                following = (await self.state(run_id)).run.continued_to
                if following is None and not refused.retry:
                    raise
                if following is None:
                    await self.engine.clock.wait_until(self.engine.clock.now() + SOON)
                run_id = following or run_id

    async def terminate(self, run_id: str, reason: str | None = None, *, by: Who | None = None) -> View:
        """End the run at once."""
        return await self._steer(run_id, c.TerminateRun(reason), by)

    async def retry(self, run_id: str, *, by: Who | None = None) -> View:
        """Go on with a failed run from what failed; what was completed is not done again."""
        view = await self._steer(run_id, c.RetryRun(), by)
        await self.engine.recover(run_id)
        return view

    async def rerun(
        self,
        run_id: str,
        input: MaybeSame = SAME,
        *,
        version: str | None = None,
        queue: Same | str | None = SAME,
        allow_irreversible: bool = False,
    ) -> Handle:
        """Start the same definition anew, with the same input unless another is given: always a new run. (None is
        an input: none at all.) `version`: another version of it (`latest`: the newest). `queue`: where it waits, with
        its partition; None: it begins at once.

        Raises `Conflict` where the run did what cannot be taken back, unless `allow_irreversible`.
        """
        state = await self.state(run_id)
        definition = await self._of_version(state, version)
        if not allow_irreversible:
            refuse_irreversible(run_id, irreversible_steps(state, definition), "a rerun")
        (first,) = await self.engine.store.turns(run_id, limit=1)
        created = first.events[0]
        return await self.start(
            definition,
            (state.run.fields if state.run.attended else state.run.input) if input is SAME else input,
            tags=state.run.tags,
            attributes=state.run.attributes,
            priority=state.run.priority,
            queue=state.run.queue if queue is SAME else queue,
            partition=None if queue is None else state.run.partition,
            mode=state.run.mode,
            variables=created.variables if isinstance(created, RunCreated) else None,
            rerun_of=run_id,
            title=state.run.title,
            description=state.run.description,
            labels=state.run.labels,
            properties=state.run.properties,
        )

    async def fork(
        self,
        run_id: str,
        from_step: str,
        *,
        version: str | None = None,
        allow_irreversible: bool = False,
    ) -> Handle:
        """Start a new run that has done what this one had done before `from_step` (its id, or its name where that is
        unique) began, and goes on from there. `version`: with another version of the definition.

        Raises `Conflict` where what would be done again cannot be taken back, unless `allow_irreversible`.
        """
        state = await self.state(run_id)
        step = state.steps[(await self.step(run_id, from_step))["id"]]
        definition = await self._of_version(state, version)
        if not allow_irreversible:
            again = irreversible_steps(state, definition, step.started_at or step.scheduled_at)
            refuse_irreversible(run_id, again, "a fork from there")
        turns = await self.engine.store.turns(run_id)
        run = state.run
        if run.created_with is not None:
            raise Conflict(f"run {run_id} went on with another version: it cannot be forked", hint="rerun it")
        command = c.StartRun(
            self.engine.ids.run_id(),
            run.input,
            tags=dict(run.tags),
            priority=run.priority,
            mode=run.mode,
            forked_from=run_id,
            attributes=dict(run.attributes),
            title=run.title,
            description=run.description,
            labels=run.labels,
            properties=dict(run.properties),
            history=history_before(turns, step.id, is_code=run.code is not None),
        )
        return await self._start(definition, command)

    async def _of_version(self, state: State, version: str | None) -> Definition:
        run = state.run
        if version is None:
            return await self.engine.library.get(run.definition_hash)
        return await self.engine.library.find(run.namespace, run.name, version)

    async def _steer(self, run_id: str, command: c.Command, by: Who | None = None) -> View:
        """`by`: who asks, for the record; None: a program that does not say."""
        asked = command if by is None else c.Signed(known_actor(by), command)
        with self.hints():
            await self.engine.command(run_id, asked)
            return row_view(await self.engine.row(run_id))

    async def set_variables(self, /, run_id: str, **values: Json) -> None:
        """Set some of them, together; listeners hear of each. Raises `TransitionRefused` where the run has ended."""
        await self.engine.command(run_id, c.SetVariables(own_copy(values)))

    async def set_attributes(
        self, run_id: str, values: Mapping[str, Any] | None = None, *, remove: Sequence[str] = ()
    ) -> None:
        """Set and remove search attributes, also of a run that has ended. An attribute keeps its kind. Raises
        `InvalidInput`, `NotFound`."""
        known = normal_all(values or {})
        await self.engine.command(run_id, c.SetAttributes(known, tuple(map(check_name, remove))))

    async def append_variable(self, run_id: str, name: str, value: Json) -> None:
        """Append to a list variable; it is made if it is not there."""
        await self.engine.command(run_id, c.SetVariables(append={name: own_copy(value)}))
