"""What people do: their inbox, the steps that wait for them, and procedures as a whole (SPEC N1 to N15).

Whoever asks says who he is (`by`), and the journal keeps it. A step is named by its id, or by the name of its task.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stepwell.client.actors import Who, known_actor
from stepwell.client.attached import check_files
from stepwell.client.verbs.inbox import InboxVerbs
from stepwell.client.verbs.steer import SteerVerbs
from stepwell.client.views import View
from stepwell.model import commands as c
from stepwell.model import people_commands as p
from stepwell.model.base import Json
from stepwell.model.errors import InvalidInput
from stepwell.model.people import Target
from stepwell.workers.copies import own_copy


class PeopleVerbs(SteerVerbs, InboxVerbs):
    """See the module."""

    # --- steps --------------------------------------------------------------------------------------

    async def update_step(
        self,
        run_id: str,
        step: str,
        values: Mapping[str, Json] | None = None,
        *,
        auto_proceed: bool | None = None,
        target: Target | str | None = None,
        reason: str | None = None,
        version: int | None = None,
        by: Who,
    ) -> View:
        """Set values (None clears one), then auto-proceed, then the state, all or nothing. `target`: running,
        submitted, skipped or failed. `version`: only if the step is still at this version (see `show_step`).

        Raises `InvalidForm` (what is wrong with each field), `TransitionRefused`, `Conflict` (somebody was faster),
        `InvalidInput`, `NotFound`.
        """
        aim = _target(target)
        await check_files(self.blobs, values)
        command = p.UpdateStep(step, own_copy(values), auto_proceed, aim, reason, version)
        return await self._change(run_id, step, command, by)

    async def set_values(
        self, run_id: str, step: str, values: Mapping[str, Json], *, version: int | None = None, by: Who
    ) -> View:
        """Change what stands in a form."""
        return await self.update_step(run_id, step, values, version=version, by=by)

    async def start_step(self, run_id: str, step: str, *, version: int | None = None, by: Who) -> View:
        """Begin a step that waits for somebody to do so."""
        return await self.update_step(run_id, step, target=Target.RUNNING, version=version, by=by)

    async def submit_step(
        self,
        run_id: str,
        step: str,
        values: Mapping[str, Json] | None = None,
        *,
        version: int | None = None,
        by: Who,
    ) -> View:
        """Submit a form; from then on its values are frozen."""
        return await self.update_step(run_id, step, values, target=Target.SUBMITTED, version=version, by=by)

    async def skip_step(
        self, run_id: str, step: str, reason: str, *, version: int | None = None, by: Who
    ) -> View:
        """Leave a step out; refused for one that is required."""
        return await self.update_step(
            run_id, step, target=Target.SKIPPED, reason=reason, version=version, by=by
        )

    async def fail_step(
        self, run_id: str, step: str, reason: str, *, version: int | None = None, by: Who
    ) -> View:
        """Say that a step failed."""
        return await self.update_step(
            run_id, step, target=Target.FAILED, reason=reason, version=version, by=by
        )

    async def repeat_step(
        self,
        run_id: str,
        step: str,
        values: Mapping[str, Json] | None = None,
        *,
        downstream: bool = False,
        target: Target | str | None = None,
        reason: str | None = None,
        version: int | None = None,
        by: Who,
    ) -> View:
        """Do a finished step again: a new one takes its place. `downstream`: what came after it is outdated, and is to
        be done again too. `values`, `target` and `reason` are for the new step: with `skipped`, what fails whenever it
        begins is left out before it can. Gives the new step."""
        await check_files(self.blobs, values)
        update = None
        if values is not None or target is not None:
            update = p.UpdateStep("", own_copy(values), None, _target(target), reason)
        name = (await self.show_step(run_id, step))["task"]
        await self._sign(run_id, p.RepeatStep(step, downstream, update, version), by)
        return await self.show_step(run_id, name)

    async def assign_step(
        self,
        run_id: str,
        step: str,
        *,
        people: Sequence[str] = (),
        groups: Sequence[str] = (),
        version: int | None = None,
        by: Who,
    ) -> View:
        """Say whose it is from now on; nobody named: anybody's."""
        return await self._change(run_id, step, p.AssignStep(step, tuple(people), tuple(groups), version), by)

    # --- procedures ---------------------------------------------------------------------------------

    async def set_fields(self, run_id: str, values: Mapping[str, Json], *, by: Who) -> View:
        """Change global fields of a procedure (None clears one)."""
        await check_files(self.blobs, values)
        await self._sign(run_id, p.SetFields(own_copy(values)), by)
        return await self.procedure(run_id)

    async def begin(self, run_id: str, *, by: Who) -> View:
        """Begin a procedure that was started with `held=True`."""
        await self._sign(run_id, c.BeginRun(0), by)
        return await self.procedure(run_id)

    async def succeed(self, run_id: str, *, by: Who) -> View:
        """End a procedure as completed; what is open is cancelled. Refused while a required step is not through."""
        await self._sign(run_id, p.EndRun(True), by)
        return await self.procedure(run_id)

    async def fail(self, run_id: str, reason: str, *, by: Who) -> View:
        """End a procedure as failed."""
        await self._sign(run_id, p.EndRun(False, reason), by)
        return await self.procedure(run_id)

    async def abort(self, run_id: str, reason: str, *, by: Who) -> View:
        """Stop a procedure before its end: it is cancelled once what is in flight has settled."""
        if not reason.strip():
            raise InvalidInput("a procedure is not aborted without a reason")
        abandoned = not await self.engine.store.owner_alive(run_id)
        await self._sign(run_id, c.CancelRun(reason, abandoned), by)
        return await self.procedure(run_id)

    async def _change(self, run_id: str, step: str, command: p.PeopleCommand, by: Who) -> View:
        await self._sign(run_id, command, by)
        return await self.show_step(run_id, step)

    async def _sign(self, run_id: str, command: c.Command, by: Who) -> None:
        actor = known_actor(by)
        with self.hints():
            await self.engine.command(run_id, c.Signed(actor, command))


def _target(target: Target | str | None) -> Target | None:
    if target is None:
        return None
    try:
        return Target(target)
    except ValueError:
        raise InvalidInput(f"nobody can ask for {target!r}", hint=f"ask for {', '.join(Target)}") from None
