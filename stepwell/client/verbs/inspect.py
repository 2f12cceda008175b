"""Looking into runs from other sides: where their time went, which ways they took."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from stepwell.client.survey import survey
from stepwell.client.timeline import Timeline
from stepwell.client.verbs.base import Source
from stepwell.client.verbs.look import LookVerbs
from stepwell.client.views import View
from stepwell.model.errors import InvalidInput

if TYPE_CHECKING:  # graphs are rare, and know the whole language
    from stepwell.client.graph import Graph

Format = Literal["mermaid", "dot"]

PAGE = 1_000
"""turns that are read at once"""


class InspectVerbs(LookVerbs):
    """Timeline, graph, and how the whole store stands."""

    async def status(self) -> View:
        """How the whole store stands: runs by status, the oldest open ones and what they wait for, engines, and what
        needs somebody. `{ok, at, store, runs, open, engines, findings}`; see `survey`."""
        return await survey(self.engine)

    async def timeline(self, run_id: str) -> View:
        """Where the run's time went: intervals of the run and of its steps. Works for open runs. Raises `NotFound`.

        `{run_id, name, version, status, start, end, at, seconds, phases, steps, totals, concurrency}`; no payloads.
        """
        await self.engine.row(run_id)
        timeline = Timeline(run_id)
        while turns := await self.engine.store.turns(run_id, timeline.seq, PAGE):
            timeline.take(turns)
        return timeline.as_json(self.engine.clock.now())

    async def graph(
        self, source: Source | None = None, *, run_id: str | None = None, format: Format = "mermaid"
    ) -> str:
        """A flow chart of a definition, or of a run with its states, for Mermaid or Graphviz ("dot")."""
        if format not in get_args(Format):
            raise InvalidInput(f"a graph cannot be drawn as {format!r}", hint="use mermaid or dot")
        from stepwell.client.graph import dot, mermaid

        return {"mermaid": mermaid, "dot": dot}[format](await self._graph(source, run_id))

    async def graph_data(self, source: Source | None = None, *, run_id: str | None = None) -> View:
        """The graph as data: `{definition, run_id, status, code, nodes, edges}`.

        Nodes: `{id, kind, label, detail, parent, block, status, note, steps}`; edges: `{id, source, target, label,
        exceptional, status}`. An edge is selected, skipped, pending or blocked (null without a run). Ids are the same
        in every run of the definition; there are no payloads.
        """
        return (await self._graph(source, run_id)).as_json()

    async def _graph(self, source: Source | None, run_id: str | None) -> Graph:
        from stepwell.client.graph import code_graph, graph_of

        if run_id is not None:
            state = await self.state(run_id)
            if state.run.code is not None:
                return code_graph(state)
            return graph_of(await self.engine.library.get(state.run.definition_hash), state)
        if source is None:
            raise InvalidInput("a graph needs a definition or a run")
        return graph_of(await self.definition(source))
