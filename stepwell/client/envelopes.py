"""CloudEvents of committed events: what the rule needs to know of a run is looked up here."""

from __future__ import annotations

import inspect
from typing import Any, Final

from stepwell.engine.feed import Handler
from stepwell.model.base import Json
from stepwell.model.feed import Committed
from stepwell.ports import Store
from stepwell.telemetry.cloudevents import SOURCE, About, cloudevents

REMEMBERED: Final = 1_000
"""runs whose definition need not be looked up again"""


class Envelopes:
    """Puts committed events into CloudEvents."""

    def __init__(self, store: Store, source: str = SOURCE) -> None:
        self._store, self._source = store, source
        self._known: dict[str, About] = {}

    async def of(self, committed: Committed) -> list[dict[str, Json]]:
        return cloudevents(committed, await self._about(committed.run_id), self._source)

    def handler(self, receive: Any) -> Handler:
        """A handler of committed events that gives `receive` their CloudEvents, one after the other."""

        async def handle(committed: Committed) -> None:
            for envelope in await self.of(committed):
                answer = receive(envelope)
                if inspect.isawaitable(answer):
                    await answer

        return handle

    async def _about(self, run_id: str) -> About:
        known = self._known.get(run_id)
        if known is None:
            row = await self._store.row(run_id)
            known = About("", "", "") if row is None else About(row.namespace, row.name, row.version)
            self._known[run_id] = known
            if len(self._known) > REMEMBERED:
                del self._known[next(iter(self._known))]
        return known
