"""Work that is not done because its result is kept, and work that waits for its slot in a rate."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from stepwell.model.actions import Outcome, Postponed, Succeeded
from stepwell.model.base import SECOND, Json
from stepwell.model.effects import Perform
from stepwell.model.errors import StepwellError, StoreUnavailable
from stepwell.model.ledger import Cached, Kept, Rate
from stepwell.ports import Clock
from stepwell.ports.ledger import Ledger

log = logging.getLogger("stepwell.engine")

RETRY_AFTER: Final = SECOND
"""How long to wait for a store that is sick."""


class Sparing:
    """`redact` masks secrets in what is kept."""

    def __init__(self, ledger: Ledger, clock: Clock, redact: Callable[[Json], Json] | None) -> None:
        self._ledger, self._clock, self._redact = ledger, clock, redact
        self._keeping: set[asyncio.Task[None]] = set()
        self._on_its_way: dict[tuple[str, str], Kept] = {}
        """what is being kept: the very next step may ask for it"""

    async def perform(self, effect: Perform, work: Callable[[], Awaitable[Outcome]]) -> Outcome:
        """The kept result, or when to come again, or what the work gives."""
        if effect.cached is not None:
            kept = await self._kept(effect.cached)
            if kept is not None:
                return Succeeded(kept.output, kept.source)
        if effect.rate is not None:
            wait = await self._wait_for_slot(effect.rate)
            if wait > 0:
                return Postponed(wait, limited=True)
        return await work()

    async def _kept(self, cached: Cached) -> Kept | None:
        now = self._clock.now()
        found = self._on_its_way.get((cached.step, cached.key))
        if found is not None and found.expires > now:
            return found
        try:
            return await self._ledger.kept(cached.step, cached.key, now)
        except StepwellError as error:  # then it is done once more
            log.warning("what is kept for %s cannot be read: %s", cached.step, error)
            return None

    async def _wait_for_slot(self, rate: Rate) -> int:
        while True:
            now = self._clock.now()
            try:
                return await self._ledger.take_slot(rate, now) - now
            except StoreUnavailable as error:
                log.warning("the rate of %s cannot be looked up: %s; trying again", rate.name, error)
                await self._clock.wait_until(now + RETRY_AFTER)

    def keep(self, effect: Perform, run_id: str, output: Json) -> None:
        """The step is on record with this result: others may have it too."""
        assert effect.cached is not None
        step, key, ttl = effect.cached
        now = self._clock.now()
        safe = output if self._redact is None else self._redact(output)
        kept = self._on_its_way[step, key] = Kept(step, key, safe, run_id + effect.step, now + ttl)
        task = asyncio.ensure_future(self._keep(kept, now))
        self._keeping.add(task)
        task.add_done_callback(self._keeping.discard)

    async def _keep(self, kept: Kept, now: int) -> None:
        try:
            await self._ledger.keep(kept, now)
        except StepwellError as error:  # nothing is lost but the work that it would have spared
            log.warning("the result of %s cannot be kept: %s", kept.source, error)
        finally:
            if self._on_its_way.get((kept.step, kept.key)) is kept:
                del self._on_its_way[kept.step, kept.key]

    async def close(self) -> None:
        await asyncio.gather(*self._keeping, return_exceptions=True)
