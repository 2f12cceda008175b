"""Durable subscriptions to the feed of all committed events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any

from stepwell.client.envelopes import Envelopes
from stepwell.client.verbs.base import Verbs
from stepwell.client.views import View
from stepwell.engine.feed import Handler, Subscription, Wanted
from stepwell.model.base import Json, iso
from stepwell.model.errors import Conflict, InvalidInput, NotFound
from stepwell.model.events import NAMES, Event
from stepwell.model.feed import Committed
from stepwell.telemetry.cloudevents import SOURCE, TOLD

Kinds = Iterable[type[Event] | str]
"""Classes of events, or their names (`run.completed`)."""


class SubscribeVerbs(Verbs):
    """Subscribe, read along, look how far the subscriptions are."""

    async def subscribe(
        self,
        name: str,
        handler: Handler,
        *,
        events: Kinds | None = None,
        from_: str | int = "start",
        batch: int = 100,
        cloudevents: bool = False,
    ) -> Subscription:
        """Call `handler` with every `Committed` event of every run and process on this store, at least once, in the
        order of commits; it may be a coroutine function.

        How far it came is kept under `name`, over restarts; written when at most `batch` turns were handled. `events`:
        only these. `from_`: where a new name begins, "start", "now" or behind a position. A handler that raises is
        called again with the same event, later and later. `cloudevents`: the handler gets the lifecycle events of the
        Open Workflow DSL instead, as CloudEvents (dicts). Of several processes with the same name one delivers.
        Raises `InvalidInput`, `Conflict` where this client has subscribed under the name already.
        """
        wanted = kinds(events)
        if batch < 1:
            raise InvalidInput(f"batch {batch} is too small", hint="1 writes the cursor after every turn")
        feed = self.engine.feed
        if cloudevents:
            handler = Envelopes(self.engine.store).handler(handler)
            wanted = TOLD if wanted is None else TOLD & frozenset(wanted)
        _refuse_second(name, feed.subscriptions)
        position = await self._position(from_)
        await feed.store.create(name, position, self.engine.clock.now())
        _refuse_second(name, feed.subscriptions)
        return Subscription(feed, name, handler, wanted, batch)

    async def _position(self, place: str | int) -> int:
        if place == "now":
            return await self.engine.feed.store.position()
        if place == "start":
            return 0
        if isinstance(place, bool) or not isinstance(place, int) or place < 0:
            raise InvalidInput(f"{place!r} is no place in the feed", hint='use "start", "now" or a position')
        return place

    def events(
        self, after: int = 0, *, events: Kinds | None = None, follow: bool = False
    ) -> AsyncIterator[Committed]:
        """The committed events behind a position, in the order of commits. With `follow` it does not end: it waits for
        more. Nothing is kept: remember `position` of the last one."""
        return self.engine.feed.follow(after, kinds(events), follow=follow)

    async def cloudevents(
        self, after: int = 0, *, follow: bool = False, source: str = SOURCE
    ) -> AsyncIterator[dict[str, Json]]:
        """The lifecycle events of the Open Workflow DSL behind a position, as CloudEvents; each has an id of its own,
        the same every time."""
        envelopes = Envelopes(self.engine.store, source)
        async for committed in self.engine.feed.follow(after, TOLD, follow=follow):
            for envelope in await envelopes.of(committed):
                yield envelope

    async def subscriptions(self) -> list[View]:
        """Every subscription on this store: `{name, position, behind, failures, error, created_at, updated_at,
        here}`; `behind`: turns that it has not handled yet; `here`: this client has a handler for it."""
        feed = self.engine.feed
        newest = await feed.store.position()
        return [
            {
                "name": cursor.name,
                "position": cursor.position,
                "behind": max(0, newest - cursor.position),
                "failures": cursor.failures,
                "error": cursor.error,
                "created_at": iso(cursor.created_at),
                "updated_at": iso(cursor.updated_at),
                "here": cursor.name in feed.subscriptions,
            }
            for cursor in await feed.store.cursors()
        ]

    async def unsubscribe(self, name: str) -> None:
        """Forget how far a subscription came; who subscribes under its name again begins anew. Raises `NotFound`."""
        subscription = self.engine.feed.subscriptions.get(name)
        if subscription is not None:
            await subscription.close()
        if not await self.engine.feed.store.delete(name):
            raise NotFound(f"there is no subscription {name}")


def kinds(given: Kinds | None) -> Wanted:
    """The classes of events that are meant. Raises `InvalidInput`."""
    if given is None:
        return None
    if isinstance(given, str):
        raise InvalidInput(f"events must be several, not {given!r}", hint=f"write ({given!r},)")
    by_name: dict[Any, type[Event]] = {name: kind for kind, name in NAMES.items()}
    wanted = {kind if kind in NAMES else by_name.get(kind) for kind in given}
    if None in wanted or not wanted:
        raise InvalidInput("there is no such event", hint="one of: " + ", ".join(sorted(by_name)))
    return frozenset(kind for kind in wanted if kind is not None)


def _refuse_second(name: str, subscriptions: dict[str, Subscription]) -> None:
    if name in subscriptions:
        raise Conflict(f"{name!r} is subscribed already", hint="close that subscription, or use another name")
