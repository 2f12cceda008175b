"""`Handle`: a started run, and what can be said to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

from stepwell.client.views import View
from stepwell.model.base import Json


class Counter(Protocol):
    """The client's verbs that a handle says for its run."""

    async def wait(self, run_id: str, timeout: float | None = None) -> View: ...

    async def result(self, run_id: str, timeout: float | None = None) -> Any: ...

    async def show(self, run_id: str) -> View: ...

    async def explain(self, run_id: str) -> View: ...

    async def pause(self, run_id: str, reason: str | None = None) -> View: ...

    async def resume(self, run_id: str, step: str | None = None) -> View: ...

    async def cancel(self, run_id: str, reason: str | None = None) -> View: ...

    async def signal(
        self,
        run_id: str,
        name: str,
        value: Any = None,
        *,
        correlation: str | None = None,
        id: str | None = None,
    ) -> View: ...

    async def get_event(self, run_id: str, name: str, timeout: float | None = None) -> Json: ...

    def stream(self, run_id: str, name: str, start: int = 0) -> AsyncIterator[Json]: ...

    async def fork(self, run_id: str, from_step: str, **options: Any) -> Handle: ...


@dataclass(frozen=True, slots=True)
class Handle:
    """A started run. `created` is False where the key belonged to a run that was there already.

    Every verb is the client's verb of that name, for this run.
    """

    client: Counter
    run_id: str
    created: bool = True

    async def wait(self, timeout: float | None = None) -> View:
        return await self.client.wait(self.run_id, timeout)

    def result(self, timeout: float | None = None) -> Coroutine[Any, Any, Any]:
        return self.client.result(self.run_id, timeout)

    async def status(self) -> str:
        """pending, running, completed, … (see docs/states.md)"""
        found: str = (await self.client.show(self.run_id))["status"]
        return found

    async def steps(self) -> list[View]:
        """Every step so far, in the order in which they began."""
        found: list[View] = (await self.client.show(self.run_id))["steps"]
        return found

    async def explain(self) -> View:
        return await self.client.explain(self.run_id)

    async def pause(self, reason: str | None = None) -> View:
        return await self.client.pause(self.run_id, reason)

    async def resume(self, step: str | None = None) -> View:
        return await self.client.resume(self.run_id, step)

    async def cancel(self, reason: str | None = None) -> View:
        return await self.client.cancel(self.run_id, reason)

    async def signal(
        self, name: str, value: Any = None, *, correlation: str | None = None, id: str | None = None
    ) -> View:
        return await self.client.signal(self.run_id, name, value, correlation=correlation, id=id)

    async def get_event(self, name: str, timeout: float | None = None) -> Json:
        return await self.client.get_event(self.run_id, name, timeout)

    def stream(self, name: str, start: int = 0) -> AsyncIterator[Json]:
        return self.client.stream(self.run_id, name, start)

    async def fork(self, from_step: str, **options: Any) -> Handle:
        return await self.client.fork(self.run_id, from_step, **options)
