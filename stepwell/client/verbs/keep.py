"""Results of steps that are kept."""

from __future__ import annotations

from typing import Any

from stepwell.client.verbs.base import Verbs
from stepwell.model.ledger import cache_key


class KeepVerbs(Verbs):
    """What can be done with them."""

    async def forget_cached(self, key: Any, *, step: str | None = None) -> int:
        """Drop what is kept under the key (a text or any JSON value), of every step or only of this one
        (`package.module:function`, or `namespace/workflow/task`); returns how many results that were."""
        return await self.engine.store.ledger.forget(cache_key(key), step)
