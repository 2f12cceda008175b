"""Settings in, a running system out: the only place that names concrete parts.

`opening` makes whole engines, `looking` what only looks (with a quarter of the code), `doors` time, names and chance.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stepwell.assembly.doors import SystemClock as SystemClock
    from stepwell.assembly.doors import SystemDice as SystemDice
    from stepwell.assembly.doors import UuidIds as UuidIds
    from stepwell.assembly.opening import Opening as Opening
    from stepwell.assembly.opening import Parts as Parts
    from stepwell.assembly.opening import Stepwell as Stepwell
    from stepwell.assembly.opening import connect as connect

_PLACES = {
    **dict.fromkeys(("SystemClock", "SystemDice", "UuidIds"), "doors"),
    **dict.fromkeys(("Opening", "Parts", "Stepwell", "connect"), "opening"),
}


def __getattr__(name: str) -> Any:
    """What only looks needs no engine: each name is imported when it is first asked for."""
    if name not in _PLACES:
        raise AttributeError(f"module 'stepwell.assembly' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"stepwell.assembly.{_PLACES[name]}"), name)
    return value
