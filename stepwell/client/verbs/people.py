"""What people do: their inbox, the steps that wait for them, and procedures as a whole (SPEC N1 to N15).

Whoever asks says who he is (`by`), and the journal keeps it. A step is named by its id, or by the name of its task.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from stepwell.client.actors import Who, known_actor
from stepwell.client.attached import check_files
from stepwell.client.verbs.steer import SteerVerbs
from stepwell.client.views import View, row_view
from stepwell.client.work import audit_view, item_view, procedure_view, step_of, step_view_of
from stepwell.engine.fresh import present
from stepwell.model import commands as c
from stepwell.model import people_commands as p
from stepwell.model.base import Instant, Json
from stepwell.model.errors import InvalidInput
from stepwell.model.people import Target, WorkFilter
from stepwell.workers.copies import own_copy


class PeopleVerbs(SteerVerbs):
    """See the module."""

    # --- what waits ---------------------------------------------------------------------------------

    async def inbox(
        self,
        by: Who | None = None,
        *,
        mine: bool = False,
        groups: Sequence[str] = (),
        run: str | None = None,
        kind: str | None = None,
        due_before: Instant | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> View:
        """What waits for people: `{items, cursor, total}`, by priority, then by when it is due, then oldest first.

        `by`: what this person may do: what is theirs, their groups', and nobody's in particular (with `mine` only the
        first), but no approval that they have decided or may not decide. `groups`: what is these groups'. Neither:
        all. `kind` is form, approval or condition, or a kind of step. `run_title`: what the run is called, if anything.
        """
        where = WorkFilter(run_id=run, kind=_kind(kind), due_before=due_before)
        if by is not None:
            actor = known_actor(by)
            own = () if mine else tuple(actor.groups)
            where = where._replace(people=(actor.id,), groups=own, anybodys=not mine, to=actor.id)
        if groups:
            where = where._replace(groups=tuple(groups))
        if not 0 < limit <= 1_000:
            raise InvalidInput("limit must be between 1 and 1,000")
        page = await self.engine.store.work.items(where, limit, cursor)
        now = self.engine.clock.now()
        titles = {item.run_id: (await self.engine.row(item.run_id)).title for item in page.items}
        return {
            "items": [item_view(item, titles[item.run_id], now) for item in page.items],
            "cursor": page.cursor,
            "total": await self.engine.store.work.count(where),
        }

    async def inbox_pages(self, /, by: Who | None = None, **where: Any) -> AsyncIterator[View]:
        """Every line of an inbox, page by page."""
        cursor = None
        while True:
            page = await self.inbox(by, cursor=cursor, **where)
            for item in page["items"]:
                yield item
            cursor = page["cursor"]
            if cursor is None:
                return

    async def show_step(self, run_id: str, step: str) -> View:
        """All about a step that people do: its form with rules and values, who did what when, what it waits for, and
        what can be asked of it now. Raises `NotFound`."""
        definition = await self.engine.library.get((await self.engine.row(run_id)).definition_hash)
        with self.hints():
            state = await present(self.engine, run_id)
            view: View = own_copy(step_view_of(definition, state, step_of(state, step)))
            return view

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

    async def procedure(self, run_id: str) -> View:
        """A procedure as people see it: fields, sections, steps in order, who did what."""
        row = await self.engine.row(run_id)
        definition = await self.engine.library.get(row.definition_hash)
        state = await present(self.engine, run_id)
        view: View = own_copy({**row_view(row), **procedure_view(definition, state)})
        return view

    async def audit(self, run_id: str) -> list[View]:
        """Who did what to a run and its steps, and when, oldest first: `{seq, at, by, kind, what, step, …}`."""
        row = await self.engine.row(run_id)
        return [line for turn in await self.engine.store.turns(row.id) for line in audit_view(turn)]

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


def _kind(kind: str | None) -> str | None:
    return f"call:{kind}" if kind in ("form", "approval", "condition") else kind
