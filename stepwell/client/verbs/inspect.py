"""Looking into runs from other sides: where their time went."""

from __future__ import annotations

from stepwell.client.timeline import Timeline
from stepwell.client.verbs.base import Verbs
from stepwell.client.views import View

PAGE = 1_000
"""turns that are read at once"""


class InspectVerbs(Verbs):
    """Timeline."""

    async def timeline(self, run_id: str) -> View:
        """Where the run's time went: intervals of the run and of its steps. Works for open runs. Raises `NotFound`.

        `{run_id, name, version, status, start, end, at, seconds, phases, steps, totals, concurrency}`; no payloads.
        """
        await self.engine.row(run_id)
        timeline = Timeline(run_id)
        while turns := await self.engine.store.turns(run_id, timeline.seq, PAGE):
            timeline.take(turns)
        return timeline.as_json(self.engine.clock.now())
