"""`AsyncStepStore`: who begins a step, how it ends, and what comes next, on record once."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from stepwell.assembly import Stepwell
from stepwell.client.client import Client
from stepwell.client.verbs.base import Source
from stepwell.code.options import Length, microseconds
from stepwell.definition.model import Definition
from stepwell.definition.schema import check
from stepwell.model import driven as d
from stepwell.model.base import Json
from stepwell.model.errors import InvalidInput
from stepwell.steps.reads import Reads
from stepwell.steps.results import (
    Begin,
    Claim,
    Completion,
    Heartbeat,
    begin_of,
    completion_of,
    heartbeat_of,
)
from stepwell.steps.words import (
    UNSET,
    Error,
    MaybeUnset,
    Plan,
    Plans,
    Steps,
    checked_step,
    definition_of,
    driven,
    fence_of,
    lease_of,
    planned,
    problem_of,
    token_hash,
)
from stepwell.workers.copies import own_copy


class AsyncStepStore(Reads):
    """A step store on one SQLite file, for programs with an event loop (`StepStore` is the same for threads).

        async with AsyncStepStore.open("orders.db") as store:
            begun = await store.begin_step(run_id, "reserve", {"order": 7}, lease=30)

    Every verb returns once its outcome is durable. Errors: `NotFound`, `StaleStep`, `StaleAttempt`, `InvalidInput`,
    `TransitionRefused` (the run's state does not allow it), `StoreError`.
    """

    def __init__(self, client: Client, *, tokens: Callable[[], str] = secrets.token_urlsafe) -> None:
        """`client`: an open `Stepwell`. `tokens` makes the secrets of claims."""
        super().__init__(client)
        self._tokens = tokens

    @classmethod
    def open(cls, path: str | Path = "stepwell.db", **settings: Any) -> Opening:
        """An async context manager. Settings as for `Stepwell.open`; open runs of engines are left alone."""
        return Opening(path, settings)

    @classmethod
    async def opened(cls, path: str | Path = "stepwell.db", **settings: Any) -> AsyncStepStore:
        """An open store, for whoever closes it."""
        return cls(await Stepwell.open(path, **{"guest": True, **settings}))

    async def close(self) -> None:
        await self.client.engine.close()

    # --- runs -------------------------------------------------------------------------------------

    async def start_run(
        self,
        source: Source,
        steps: Steps | None = None,
        input: Json = None,
        *,
        namespace: str = "default",
        version: str | int = "1.0.0",
        input_schema: Json = None,
        summary: str = "",
        timeout: Length | None = None,
        key: str | None = None,
        tags: Mapping[str, str] | None = None,
        attributes: Mapping[str, Any] | None = None,
        priority: int = 0,
    ) -> str:
        """Put a run on record that the caller drives; returns its id.

        With `steps`, `source` is the name of the workflow, and a definition is made that declares them; without,
        `source` is a definition whose tasks are the steps. The same `key` gives the run that is there already.
        `timeout` (of a definition its own): after so long an engine that is open on the file has the run `timed_out`;
        without one, whoever asks for anything of it finds that it is.
        """
        definition = await self._definition(source, steps, namespace, version, input_schema, summary, timeout)
        data = {} if input is None else input
        if definition.input.schema is not None and (wrong := check(definition.input.schema, data)):
            raise InvalidInput("the input of the run does not match its schema: " + "; ".join(wrong))
        handle = await self.client.start(
            definition, data, key=key, tags=tags, attributes=attributes, priority=priority
        )
        return handle.run_id

    async def _definition(
        self,
        source: Source,
        steps: Steps | None,
        namespace: str,
        version: str | int,
        schema: Json,
        summary: str,
        timeout: Length | None,
    ) -> Definition:
        if steps is None:
            if timeout is not None:
                raise InvalidInput("a definition says its timeout itself", hint="timeout: {after: PT1H}")
            return driven(await self.client.definition(source))
        if not isinstance(source, str):
            raise InvalidInput("with steps, the first argument is the name of the workflow")
        return definition_of(source, steps, namespace, version, schema, summary, timeout)

    async def complete_run(self, run_id: str, output: Json = None) -> str:
        """The run is through; what is still open in it is cancelled. The same again changes nothing."""
        return await self._end(run_id, d.Ending(own_copy(output)))

    async def fail_run(self, run_id: str, error: Error) -> str:
        return await self._end(run_id, d.Ending(problem=problem_of(error)))

    async def _end(self, run_id: str, ending: d.Ending) -> str:
        status = await self._ask(run_id, d.EndRun(ending))
        return str(status.value)

    async def pause_run(self, run_id: str, reason: str | None = None) -> str:
        """Nothing new begins; the run is `paused` once what is performed has ended. Returns its state."""
        return str((await self.client.pause(run_id, reason))["status"])

    async def resume_run(self, run_id: str) -> str:
        return str((await self.client.resume(run_id))["status"])

    async def cancel_run(self, run_id: str, reason: str | None = None) -> str:
        """Cooperative: the run is `cancelling` until every step that is performed has ended, or its claim has expired.
        Of a paused run the step that had begun fails, and the run is cancelled at once."""
        return str((await self.client.cancel(run_id, reason))["status"])

    async def retry_run(self, run_id: str) -> str:
        """Go on with a failed or cancelled run; what is completed stays."""
        return str((await self.client.retry(run_id))["status"])

    # --- steps: begin, and prove to be alive ------------------------------------------------------

    async def begin_step(
        self,
        run_id: str,
        step: str,
        input: MaybeUnset = UNSET,
        *,
        owner: str | None = None,
        lease: Length | None = None,
    ) -> Begin:
        """Execute, or skip: of all who ask at the same time, in whatever process, exactly one is to execute.

        A step that is not there, is planned, or failed is begun; one that is performed or completed is skipped. `input`
        replaces what it was planned with. `lease`: seconds for which the claim is good unless `heartbeat` extends it;
        after that the next `begin_step` takes the step over, as its next attempt. None: until the step ends.
        """
        token = self._tokens()
        given = input is not UNSET
        command = d.BeginStep(
            checked_step(step),
            token_hash(token),
            own_copy(input) if given else None,
            given,
            owner,
            lease_of(lease),
        )
        return begin_of(run_id, step, token, await self._ask(run_id, command))

    async def heartbeat(
        self, claim: Claim, lease: Length | None = None, *, progress: Json = None
    ) -> Heartbeat:
        """Extend the claim: it is good for `lease` seconds from now. The answer says if the run is `cancelling`."""
        command = d.ExtendClaim(fence_of(claim), lease_of(lease), own_copy(progress))
        return heartbeat_of(await self._ask(claim.run_id, command))

    # --- steps: end -------------------------------------------------------------------------------

    async def complete_step(
        self, claim: Claim, output: Json = None, *, schedule: Plans = (), run_output: MaybeUnset = UNSET
    ) -> Completion:
        """The step is done. Its result, its successors (`schedule`) and, with `run_output`, the end of the run are one
        commit. The same result again changes nothing but what is missing."""
        ending = None if run_output is UNSET else d.Ending(own_copy(run_output))
        command = d.FinishStep(
            fence_of(claim), own_copy(output), schedule=planned(schedule, self._now), ending=ending
        )
        return completion_of(await self._ask(claim.run_id, command))

    async def fail_step(
        self,
        claim: Claim,
        error: Error,
        *,
        retry_after: Length | None = None,
        schedule: Plans = (),
        fail_run: bool = False,
    ) -> Completion:
        """The attempt failed. Another one may begin at once, with `retry_after` not before so long. `schedule`: steps
        that follow from the failure. `fail_run`: so does the run, in the same commit."""
        problem = problem_of(error)
        command = d.FinishStep(
            fence_of(claim),
            problem=problem,
            retry_after=None if retry_after is None else microseconds(retry_after, "retry_after"),
            schedule=planned(schedule, self._now),
            ending=d.Ending(problem=problem) if fail_run else None,
        )
        return completion_of(await self._ask(claim.run_id, command))

    async def defer_step(self, claim: Claim, after: Length = 0, *, progress: Json = None) -> Completion:
        """Give the step back: it may be begun again after so long. That is no failure."""
        command = d.PutOffStep(fence_of(claim), microseconds(after, "after"), own_copy(progress))
        return completion_of(await self._ask(claim.run_id, command))

    async def hold_step(self, claim: Claim, reason: str | None = None) -> Completion:
        """The step waits for a person: nobody performs it, the run is paused, and the same claim ends it later."""
        return completion_of(
            await self._ask(claim.run_id, d.PutOffStep(fence_of(claim), hold=True, reason=reason))
        )

    async def reconcile_step(
        self, run_id: str, step: str, *, schedule: Plans = (), run_output: MaybeUnset = UNSET
    ) -> Completion:
        """A completed step was delivered again: plan those of its successors that are missing, and end the run if it
        has not ended. That mends a run whose runner went away between the two."""
        ending = None if run_output is UNSET else d.Ending(own_copy(run_output))
        command = d.Reconcile(checked_step(step), planned(schedule, self._now), ending)
        return completion_of(await self._ask(run_id, command))

    # --- steps: plan ------------------------------------------------------------------------------

    async def schedule_step(
        self, run_id: str, step: str, input: Json = None, *, after: Length | None = None
    ) -> bool:
        """True: it is planned now. False: it was there already, in whatever state."""
        return step in await self.schedule_steps(run_id, [Plan(step, input, after)])

    async def schedule_steps(self, run_id: str, steps: Plans) -> tuple[str, ...]:
        """Plan all of them in one commit, or none; returns those that were not there yet."""
        found: tuple[str, ...] = await self._ask(run_id, d.ScheduleSteps(planned(steps, self._now)))
        return found

    async def delete_pending(self, run_id: str, *steps: str, reason: str | None = None) -> tuple[str, ...]:
        """Undo the planning of steps whose dispatch failed; returns those that nobody had begun."""
        command = d.WithdrawSteps(tuple(map(checked_step, steps)), reason)
        found: tuple[str, ...] = await self._ask(run_id, command)
        return found

    async def release_expired(self, run_id: str) -> tuple[str, ...]:
        """End the attempts of this run whose claims have expired; returns the names of their steps. (`begin_step` does
        so for the step that it begins. A run that is `cancelling` ends by this if its runner is gone.)"""
        found: tuple[str, ...] = await self._ask(run_id, d.ReleaseExpired())
        return found

    async def _ask(self, run_id: str, command: d.DrivenCommand) -> Any:
        return await self.client.engine.driven.ask(run_id, command)


class Opening:
    """What `AsyncStepStore.open` returns."""

    def __init__(self, path: str | Path, settings: Mapping[str, Any]) -> None:
        self._path, self._settings = path, settings
        self._store: AsyncStepStore | None = None

    async def __aenter__(self) -> AsyncStepStore:
        self._store = await AsyncStepStore.opened(self._path, **self._settings)
        return self._store

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._store is not None:
            await self._store.close()
