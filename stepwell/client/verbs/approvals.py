"""Approvals: asking for one, deciding, handing the decision on, what is open (SPEC X8, Q8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stepwell.client.actors import Who, known_actor
from stepwell.client.approvals import STANDALONE, approval_view, may_decide
from stepwell.client.verbs.people import PeopleVerbs
from stepwell.client.views import View
from stepwell.definition.duration import DurationError, parse_duration
from stepwell.model.approval_commands import DecideApproval, DelegateApproval
from stepwell.model.approvals import Approval, Terms, Verdict, approvers, checked_terms
from stepwell.model.base import Json
from stepwell.model.errors import InvalidInput, NotFound
from stepwell.model.people import WorkFilter
from stepwell.model.records import State
from stepwell.workers.copies import own_copy


class ApprovalVerbs(PeopleVerbs):
    """See the module. Of a run that asks for one approval only, the step need not be named."""

    async def request_approval(
        self,
        what: str,
        arguments: Json = None,
        *,
        approvers: Mapping[str, Sequence[str]] | None = None,
        need: int = 1,
        expires: Any = None,
        self_approval: bool = False,
        metadata: Json = None,
        key: str | None = None,
        by: Who | None = None,
    ) -> View:
        """Ask people, without a workflow. It is on record when this returns; the answer is as for `approval`, and
        `run_id` names it. `approvers`: people, groups, roles. `expires`: an ISO 8601 duration or an object of one.
        `by` asks, and does not decide. The same `key` with the same question is the same approval.

        `wait(run_id)` gives what came of it: `{"decision": "approved" | "rejected" | "expired", …}` as its output.
        Raises `InvalidInput`, `KeyConflict`, `StoreUnavailable`.
        """
        if not what.strip():
            raise InvalidInput("an approval is asked for something: say what")
        named = _terms(approvers, need, expires).approvers.as_json()
        asked = {
            "what": what, "arguments": arguments, "metadata": metadata, "approvers": named, "need": need,
            "expires": expires, "own": self_approval,
        }  # fmt: skip
        author = None if by is None else known_actor(by).id
        handle = await self.start(STANDALONE, asked, key=key, author=author)
        return await self.approval(handle.run_id)

    async def approval(self, run_id: str, step: str | None = None) -> View:
        """An approval: what is asked of whom, and who said what when. `earlier`: what was asked for the same step
        before. Raises `NotFound`."""
        state = await self.state(run_id)
        found = _named(state, step)
        before = [state.approvals[f"{found.step}@{number}"] for number in range(1, found.number)]
        return {**approval_view(state, found), "earlier": [approval_view(state, each) for each in before]}

    async def decide_approval(
        self,
        run_id: str,
        verdict: Verdict | str,
        *,
        by: Who,
        step: str | None = None,
        comment: str | None = None,
        metadata: Json = None,
    ) -> View:
        """Approve or reject (`verdict`). `by` is on record, and says what groups and roles it has.

        Raises `ApprovalClosed` (it is decided; `by` says who did), `AlreadyDecided` (this person has decided before),
        `Forbidden`, `TransitionRefused` (the run has ended), `NotFound`, `InvalidInput`.
        """
        if verdict not in tuple(Verdict):
            raise InvalidInput(f"one approves or rejects: {verdict!r} is neither", hint=", ".join(Verdict))
        asked = _named(await self.state(run_id), step).step
        await self._sign(run_id, DecideApproval(Verdict(verdict), step, comment, own_copy(metadata)), by)
        return await self.approval(run_id, asked)

    async def delegate_approval(
        self, run_id: str, to: str, *, by: Who, step: str | None = None, comment: str | None = None
    ) -> View:
        """Hand the right to decide on to somebody else, who then decides instead. Raises as `decide_approval`;
        `InvalidInput` where it would go round in a circle, or to somebody who may decide anyway."""
        asked = _named(await self.state(run_id), step).step
        await self._sign(run_id, DelegateApproval(to, step, comment), by)
        return await self.approval(run_id, asked)

    async def pending_approvals(
        self, by: Who | None = None, *, groups: Sequence[str] = (), run: str | None = None, limit: int = 100
    ) -> list[View]:
        """Open approvals, the most urgent first: those that `by` may decide on, those of these groups, or all. Each as
        for `approval`."""
        if not 0 < limit <= 1_000:
            raise InvalidInput("limit must be between 1 and 1,000")
        where, actor = WorkFilter(run_id=run, kind="call:approval", groups=tuple(groups)), None
        if by is not None:
            actor = known_actor(by)
            where = where._replace(people=(actor.id,), groups=(*actor.groups, *groups), anybodys=True)
        found: list[View] = []
        cursor: str | None = None
        while True:
            page = await self.engine.store.work.items(where, limit, cursor)
            for item in page.items:
                state = await self.engine.reload(item.run_id)
                asked = state.approvals.get(item.step)
                if asked is not None and (actor is None or may_decide(state, asked, actor)):
                    found.append(approval_view(state, asked))
                if len(found) == limit:
                    return found
            cursor = page.cursor
            if cursor is None:
                return found


def _terms(named: Mapping[str, Sequence[str]] | None, need: int, expires: Any) -> Terms:
    """Raises `InvalidInput`."""
    try:
        after = None if expires is None else parse_duration(expires)
    except DurationError as error:
        raise InvalidInput(f"expires: {error}") from error
    return checked_terms(Terms(need, approvers(named), after))


def _named(state: State, name: str | None) -> Approval:
    """The approval of this step, by id or by the name of its task; the last one where none is named."""
    present = [each for key, each in state.approvals.items() if key == each.step]
    if name is not None:
        graph = state.graphs.get("/do")
        step = graph.steps.get(name, name) if graph is not None else name
        present = [each for each in present if step in (each.step, state.steps[each.step].name)]
    if not present:
        which = f"step {name}" if name is not None else "it"
        raise NotFound(f"run {state.run.id}: {which} has asked for no approval")
    return next((each for each in reversed(present) if each.open), present[-1])
