"""Approvals: asking for one, deciding, handing the decision on, what is open (SPEC X8, Q8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stepwell.client.actors import Who, known_actor
from stepwell.client.approvals import STANDALONE
from stepwell.client.verbs.pending import PendingVerbs, named
from stepwell.client.verbs.people import PeopleVerbs
from stepwell.client.views import View
from stepwell.definition.duration import DurationError, parse_duration
from stepwell.model.approval_commands import DecideApproval, DelegateApproval
from stepwell.model.approvals import Terms, Verdict, approvers, checked_terms
from stepwell.model.base import Json
from stepwell.model.errors import InvalidInput
from stepwell.workers.copies import own_copy


class ApprovalVerbs(PeopleVerbs, PendingVerbs):
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
        terms = _terms(approvers, need, expires).approvers.as_json()
        asked = {
            "what": what, "arguments": arguments, "metadata": metadata, "approvers": terms, "need": need,
            "expires": expires, "own": self_approval,
        }  # fmt: skip
        author = None if by is None else known_actor(by).id
        handle = await self.start(STANDALONE, asked, key=key, author=author)
        return await self.approval(handle.run_id)

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
        asked = named(await self.state(run_id), step).step
        await self._sign(run_id, DecideApproval(Verdict(verdict), step, comment, own_copy(metadata)), by)
        return await self.approval(run_id, asked)

    async def delegate_approval(
        self, run_id: str, to: str, *, by: Who, step: str | None = None, comment: str | None = None
    ) -> View:
        """Hand the right to decide on to somebody else, who then decides instead. Raises as `decide_approval`;
        `InvalidInput` where it would go round in a circle, or to somebody who may decide anyway."""
        asked = named(await self.state(run_id), step).step
        await self._sign(run_id, DelegateApproval(to, step, comment), by)
        return await self.approval(run_id, asked)


def _terms(named: Mapping[str, Sequence[str]] | None, need: int, expires: Any) -> Terms:
    """Raises `InvalidInput`."""
    try:
        after = None if expires is None else parse_duration(expires)
    except DurationError as error:
        raise InvalidInput(f"expires: {error}") from error
    return checked_terms(Terms(need, approvers(named), after))
