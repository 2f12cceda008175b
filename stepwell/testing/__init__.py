"""What others can test their own workflows, and their own parts, with.

    from stepwell.testing import Kit

    async with Kit(functions=[charge]) as kit:
        assert await kit.run(Path("order.yaml"), {"id": 7}) == {"paid": True}
        await kit.check()

`kill_everywhere` lets the process die at every commit of a scenario; `store_conformance` says when a new store is done.
Names are looked up on first use: the pytest plugin imports this page, and must cost nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stepwell.testing.blocking import BlockingKit as BlockingKit
    from stepwell.testing.doors import CountingIds as CountingIds
    from stepwell.testing.doors import FixedDice as FixedDice
    from stepwell.testing.doors import FrozenClock as FrozenClock
    from stepwell.testing.fate import Crashed as Crashed
    from stepwell.testing.killing import Survey as Survey
    from stepwell.testing.killing import kill_everywhere as kill_everywhere
    from stepwell.testing.kit import Kit as Kit

_PLACES = {
    "Kit": "kit",
    "BlockingKit": "blocking",
    "Crashed": "fate",
    **dict.fromkeys(("kill_everywhere", "Survey"), "killing"),
    **dict.fromkeys(("FrozenClock", "CountingIds", "FixedDice"), "doors"),
}

__all__ = list(_PLACES)


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'stepwell.testing' has no attribute {name!r}")
    value = getattr(import_module(f"stepwell.testing.{_PLACES[name]}"), name)
    globals()[name] = value
    return value
