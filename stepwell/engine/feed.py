"""Following the feed: durable subscriptions, which hear of every committed event of every process, at least once."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import replace
from typing import Final

from stepwell.engine.observers import Forget, Observers, own_event
from stepwell.model.base import MILLISECOND, SECOND, Duration, Instant
from stepwell.model.errors import NotFound, StoreUnavailable
from stepwell.model.events import Event
from stepwell.model.feed import Committed, FeedPage, FeedTurn
from stepwell.ports import Clock, FeedStore

log = logging.getLogger("stepwell.feed")

Handler = Callable[[Committed], Awaitable[object] | object]
Wanted = Collection[type[Event]] | None
"""Which events; None: all."""

FIRST_DELAY: Final[Duration] = 100 * MILLISECOND
LONGEST_DELAY: Final[Duration] = 60 * SECOND
"""A handler that raises is called again after so long: the first time, and at most."""

SAVE_AFTER: Final[Duration] = SECOND
"""How long after a delivery its cursor is written at the latest, while more is being delivered."""

SKIP: Final = 1_000
"""Turns without a wanted event that go by before the cursor is written."""


class Feed:
    """Reads the feed, and rings whoever follows it: when this engine has committed, and when others have."""

    def __init__(self, store: FeedStore, clock: Clock, observers: Observers) -> None:
        self.store, self.clock = store, clock
        self.subscriptions: dict[str, Subscription] = {}
        self._observers = observers
        self._bells: set[asyncio.Event] = set()
        self._forget: Forget | None = None

    def ring(self) -> None:
        for bell in self._bells:
            bell.set()

    def look(self, *, changed: bool) -> None:
        """Other processes may have `changed` the store, or left a subscription that waits for its turn here."""
        if changed:
            self.ring()
        for subscription in self.subscriptions.values():
            subscription.look()

    def bell(self) -> asyncio.Event:
        """Set whenever there may be something new. Nobody who commits pays for it before the first one is there."""
        bell = asyncio.Event()
        self._bells.add(bell)
        if self._forget is None:
            self._forget = self._observers.on_event(lambda run_id, seq, at, event: self.ring())
        return bell

    def hush(self, bell: asyncio.Event) -> None:
        self._bells.discard(bell)
        if not self._bells and self._forget is not None:
            self._forget()
            self._forget = None

    async def follow(self, after: int, wanted: Wanted, *, follow: bool) -> AsyncIterator[Committed]:
        """Events behind a position; with `follow` it goes on as they come."""
        bell = self.bell()
        try:
            while True:
                bell.clear()
                page = await self.store.after(after, SKIP)
                for entry in page.turns:
                    for committed in events_of(entry, wanted):
                        yield committed
                if page.last == after:
                    if not follow:
                        return
                    await bell.wait()
                after = page.last
        finally:
            self.hush(bell)

    async def close(self) -> None:
        for subscription in list(self.subscriptions.values()):
            await subscription.stop()


class Subscription:
    """One name, one handler. Deliveries are in the order of commits, one at a time; an event whose handler raised is
    delivered again before anything after it. Where several processes subscribe under one name, one of them delivers and
    the others stand by."""

    def __init__(self, feed: Feed, name: str, handler: Handler, wanted: Wanted, batch: int) -> None:
        self.name = name
        self._feed, self._handler, self._wanted, self._batch = feed, handler, wanted, batch
        self._position = self._saved = 0
        self._saved_at = feed.clock.now()
        self._delivered = False
        self._held = self._closing = False
        self._bell = feed.bell()
        self._progress = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name=f"stepwell-subscription-{name}")
        feed.subscriptions[name] = self

    @property
    def position(self) -> int:
        """Everything up to here was handled."""
        return self._position

    def look(self) -> None:
        if not self._held:
            self._bell.set()

    async def caught_up(self) -> None:
        """Return when everything that is committed now was handled (by whichever process delivers), and the cursor says
        so: it will not be delivered again."""
        target = await self._feed.store.position()
        while self._position < target or self._delivered:
            if self._task.done():
                raise StoreUnavailable(f"the subscription {self.name} is closed")
            self._progress.clear()
            waiting = asyncio.ensure_future(self._progress.wait())
            await asyncio.wait({waiting, self._task}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()

    async def close(self) -> None:
        """Let the handler that is at work finish, write the cursor, and end. A later one of this name goes on there."""
        self._closing = True
        self._bell.set()
        if asyncio.current_task() is not self._task:
            await asyncio.wait({self._task})

    async def stop(self) -> None:
        """End at once: what the handler was at is delivered again to the next one."""
        self._closing = True
        self._task.cancel()
        if asyncio.current_task() is not self._task:
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        try:
            while not self._closing:
                self._bell.clear()
                try:
                    if not await self._turn():
                        await self._bell.wait()
                except StoreUnavailable as error:
                    log.warning("subscription %s: %s; trying again", self.name, error)
                    await self._pause(self._feed.clock.now() + SECOND)
        except NotFound:
            log.info("subscription %s was deleted", self.name)
        except Exception:
            log.exception("subscription %s ended: something is wrong that waiting cannot mend", self.name)
        finally:
            self._feed.hush(self._bell)
            self._feed.store.let_go(self.name)
            del self._feed.subscriptions[self.name]

    async def _turn(self) -> bool:
        """Deliver what is there; whether there may be more. Raises `NotFound`, `StoreUnavailable`."""
        if not self._held:
            self._held = await self._feed.store.hold(self.name)
            await self._begin()
            if not self._held:
                return False
        page = await self._feed.store.after(self._position, self._batch)
        try:
            for entry in page.turns:
                for committed in events_of(entry, self._wanted):
                    if not await self._deliver(committed):
                        return False
                await self._handled(entry.position)
            await self._handled(page.last)
        finally:
            await self._save()
        self._complain(page)
        return len(page.turns) == self._batch

    async def _begin(self) -> None:
        cursor = await self._feed.store.cursor(self.name)
        if cursor is None:
            raise NotFound(f"there is no subscription {self.name}")
        self._position = self._saved = cursor.position
        self._progress.set()

    async def _deliver(self, committed: Committed) -> bool:
        """Call the handler until it returns. False: it was closed before that."""
        failures = 0
        while not self._closing:
            try:
                answer = self._handler(replace(committed, event=own_event(committed.event)))
                if inspect.isawaitable(answer):
                    await answer
                self._delivered = True
                return True
            except Exception as error:
                failures += 1
                log.exception("subscription %s: the handler failed at %s", self.name, committed.id)
                await self._failed(failures, error)
        return False

    async def _failed(self, failures: int, error: Exception) -> None:
        await self._save()
        now = self._feed.clock.now()
        # The type only: messages quote data, and what is kept here is shown to people.
        if not await self._feed.store.note_failure(self.name, failures, type(error).__name__, now):
            raise NotFound(f"there is no subscription {self.name}")
        # From the time that is on record: whoever reads of the failure can tell when the next try is due.
        await self._pause(now + min(FIRST_DELAY << min(failures - 1, 20), LONGEST_DELAY))

    async def _handled(self, position: int) -> None:
        self._position = position
        self._progress.set()
        if self._delivered and self._feed.clock.now() >= self._saved_at + SAVE_AFTER:
            await self._save()

    async def _save(self) -> None:
        worth_it = self._delivered or self._closing or self._position >= self._saved + SKIP
        if not worth_it or self._position == self._saved:
            return
        now = self._feed.clock.now()
        if not await self._feed.store.advance(self.name, self._position, now):
            await self._begin()
        self._saved, self._saved_at, self._delivered = self._position, now, False
        self._progress.set()

    async def _pause(self, until: Instant) -> None:
        """Wait until then, or until it is closed."""
        over = asyncio.ensure_future(self._feed.clock.wait_until(until))
        try:
            while not over.done() and not self._closing:
                self._bell.clear()
                rung = asyncio.ensure_future(self._bell.wait())
                await asyncio.wait({over, rung}, return_when=asyncio.FIRST_COMPLETED)
                rung.cancel()
        finally:
            over.cancel()

    def _complain(self, page: FeedPage) -> None:
        for run_id in page.damaged:
            log.error("subscription %s passes over a damaged turn of run %s", self.name, run_id)


def events_of(entry: FeedTurn, wanted: Wanted) -> list[Committed]:
    """The events of a turn that are wanted."""
    position, turn = entry
    return [
        Committed(position, turn.run_id, turn.seq, index, turn.at, event)
        for index, event in enumerate(turn.events)
        if wanted is None or type(event) in wanted
    ]
