"""Queues: set up, looked at, held and let go."""

from __future__ import annotations

from stepwell.client.queueing import checked, queue_view
from stepwell.client.verbs.base import Looks, Verbs
from stepwell.client.views import View
from stepwell.model.errors import NotFound
from stepwell.model.queues import Queue, QueueDepth


class QueueLooks(Looks):
    """What is in queues."""

    async def queues(self) -> list[View]:
        """Every queue: its limits, and how many runs wait, are carried on, …; by name."""
        return [queue_view(depth) for depth in await self._depths()]

    async def queue(self, name: str) -> View:
        """One queue. Raises `NotFound`."""
        return queue_view(await self._depth(name))

    async def _depths(self) -> list[QueueDepth]:
        return list(await self.engine.store.queues.list(self.engine.clock.now()))

    async def _depth(self, name: str) -> QueueDepth:
        depths = await self._depths()
        for depth in depths:
            if depth.queue.name == name:
                return depth
        raise unknown_queue(name, [depth.queue.name for depth in depths])


class QueueVerbs(QueueLooks, Verbs):
    """What can be done with queues; runs get into them with `start(…, queue=…)`."""

    async def put_queue(self, queue: Queue) -> View:
        """Make a queue, or change the limits of one; runs that have begun go on. Raises `InvalidInput`."""
        store = self.engine.store
        await store.queues.put(checked(queue))
        self.engine.queueing.changed(queue.name)
        return await self.queue(queue.name)

    async def pause_queue(self, name: str) -> View:
        """Nothing begins in it from now on; what has begun goes on."""
        return await self._set_paused(name, True)

    async def resume_queue(self, name: str) -> View:
        """Let it go on."""
        return await self._set_paused(name, False)

    async def _set_paused(self, name: str, paused: bool) -> View:
        return await self.put_queue((await self._depth(name)).queue._replace(paused=paused))


def unknown_queue(name: str, known: list[str]) -> NotFound:
    return NotFound(
        f"there is no queue {name!r}; there are: {', '.join(known)}",
        hint=f"make it with: stepwell queues set {name}, or Stepwell.open(…, queues=[Queue({name!r})])",
    )
