"""Values that two sides hold: what one of them writes into its own, the other does not see."""

from __future__ import annotations

from typing import Any, Final

DEEPEST: Final = 250
"""Levels of nesting; the JSON reader ends at 200, so what is deeper is no JSON (it holds itself, perhaps)."""

_SCALARS: Final = frozenset({str, int, float, bool, type(None)})
_CONTAINERS: Final = frozenset({dict, list, tuple})
_are_flat: Final = _CONTAINERS.isdisjoint


class _TooDeep(Exception):
    pass


def own_copy(value: Any) -> Any:
    """JSON's containers (and tuples that hold some) are copied, all the way down; all else is the same object.

    Unlike `model.base.own` it takes what need not be JSON: arguments of a step, whose tuples stay tuples. It is on the
    way of every step: what holds no further container is copied without a look at each item here.
    """
    kind = type(value)
    if kind in _SCALARS or kind not in _CONTAINERS:
        return value
    if _are_flat(map(type, value.values() if kind is dict else value)):
        return value if kind is tuple else value.copy()
    try:
        return _nested(value, DEEPEST)
    except _TooDeep:
        return value


def _nested(value: Any, levels: int) -> Any:
    if levels == 0:
        raise _TooDeep
    kind = type(value)
    own: Any = list(value) if kind is tuple else value.copy()
    for place, item in own.items() if kind is dict else enumerate(own):
        if type(item) in _CONTAINERS:
            own[place] = _nested(item, levels - 1)
    return tuple(own) if kind is tuple else own
