"""A procedure in the hands of a test: somebody asks, and what comes of it is looked at."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from stepwell.client.handle import Handle
from stepwell.model import commands as c
from stepwell.model.people import Actor, Node, Target
from stepwell.model.people_commands import PeopleCommand, UpdateStep
from stepwell.model.records import Run, Step
from stepwell.testing import Kit

ADA, BOB = Actor("ada"), Actor("bob")


class Procedure:
    """One run in a kit of its own. `at` is the state after everything that was asked."""

    def __init__(self, document: str, fields: dict[str, Any] | None = None, **settings: Any) -> None:
        self.document, self.fields = document, fields or {}
        self.kit = Kit(**settings)
        self.handle: Handle

    async def __aenter__(self) -> Procedure:
        await self.kit.__aenter__()
        self.handle = await self.kit.engine.start(self.document, self.fields)
        await self.kit.drain()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.kit.__aexit__(kind, error, trace)

    async def ask(self, command: PeopleCommand, by: Actor = ADA) -> None:
        await self.kit.engine.engine.command(self.handle.run_id, c.Signed(by, command))
        await self.kit.drain()

    async def start(self, step: str, by: Actor = ADA) -> None:
        await self.ask(UpdateStep(step, target=Target.RUNNING), by)

    async def submit(self, step: str, values: dict[str, Any] | None = None, by: Actor = ADA) -> None:
        await self.ask(UpdateStep(step, values, target=Target.SUBMITTED), by)

    async def skip(self, step: str, reason: str | None = "no time", by: Actor = ADA) -> None:
        await self.ask(UpdateStep(step, target=Target.SKIPPED, reason=reason), by)

    async def fail(self, step: str, reason: str | None = "broken", by: Actor = ADA) -> None:
        await self.ask(UpdateStep(step, target=Target.FAILED, reason=reason), by)

    async def run(self) -> Run:
        return (await self.kit.engine.state(self.handle.run_id)).run

    async def step(self, name: str) -> Step:
        """The present step of a task, or the one with this id."""
        state = await self.kit.engine.state(self.handle.run_id)
        return state.steps[state.graphs["/do"].steps.get(name, name)]

    async def node(self, name: str) -> Node:
        state = await self.kit.engine.state(self.handle.run_id)
        return state.nodes[state.graphs["/do"].steps.get(name, name)]

    async def statuses(self) -> dict[str, str]:
        """Of every present step, by task."""
        state = await self.kit.engine.state(self.handle.run_id)
        return {name: state.steps[step].status.value for name, step in state.graphs["/do"].steps.items()}


def procedure(body: str, *, metadata: str = "{}", name: str = "sample") -> str:
    """A document around a `do` list."""
    return (
        "document:\n  dsl: '1.0.3'\n  namespace: stand\n"
        f"  name: {name}\n  version: '1.0.0'\n  metadata:\n    procedure: {metadata}\n"
        f"do:\n{body}"
    )
