"""One verb for many runs (SPEC U13): every run gets its own answer, and one that is refused stops no other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Literal, Unpack

from stepwell.client.actors import Who, known_actor
from stepwell.client.filters import Filters
from stepwell.client.verbs.inspect import InspectVerbs
from stepwell.client.verbs.steer import SteerVerbs
from stepwell.client.views import View
from stepwell.model.errors import InvalidInput, StepwellError

Verb = Literal["pause", "resume", "cancel", "terminate", "retry"]
VERBS: Final = ("pause", "resume", "cancel", "terminate", "retry")
REASONED: Final = frozenset({"pause", "cancel", "terminate"})
"""These keep a reason on record."""
PAGE: Final = 500


class BulkVerbs(SteerVerbs, InspectVerbs):
    """Steering many runs at once."""

    async def steer_many(
        self,
        verb: Verb,
        run_ids: Sequence[str],
        *,
        reason: str | None = None,
        by: Who | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> View:
        """Do the same to all these runs, one after the other. `by`: who asks, for the record of each. `progress` is
        called after each, with how many are through, and how many there are.

        `{verb, total, done, refused, results: [{run_id, ok, status, error}]}`, in the order given; a run that is named
        twice is asked once. `error` is `{type, message, hint}`. Raises `InvalidInput` for a verb that there is not.
        """
        if verb not in VERBS:
            raise InvalidInput(f"there is no verb {verb!r} for many runs", hint=f"use {', '.join(VERBS)}")
        act: Callable[..., Awaitable[View]] = getattr(self, verb)
        options: dict[str, Any] = {"by": None if by is None else known_actor(by)}
        options |= {"reason": reason} if verb in REASONED else {}
        wanted, results = list(dict.fromkeys(run_ids)), list[View]()
        for run_id in wanted:
            results.append(await _one(act, run_id, options))
            if progress is not None:
                progress(len(results), len(wanted))
        done = sum(result["ok"] for result in results)
        return {
            "verb": verb,
            "total": len(results),
            "done": done,
            "refused": len(results) - done,
            "results": results,
        }

    async def matching(self, **filters: Unpack[Filters]) -> list[str]:
        """The ids of all runs that the filters let through, newest first."""
        found: list[str] = []
        cursor = None
        while True:
            page = await self.list(limit=PAGE, cursor=cursor, **filters)
            found += [run["run_id"] for run in page["runs"]]
            cursor = page["next"]
            if cursor is None:
                return found


async def _one(act: Callable[..., Awaitable[View]], run_id: str, options: dict[str, Any]) -> View:
    try:
        view = await act(run_id, **options)
    except StepwellError as error:
        told = {"type": error.kind, "message": error.message, "hint": error.hint or None}
        return {"run_id": run_id, "ok": False, "status": None, "error": told}
    return {"run_id": run_id, "ok": True, "status": view["status"], "error": None}
