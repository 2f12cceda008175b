"""Values that two sides hold: what one of them writes into its own, the other does not see."""

from __future__ import annotations

import datetime
import ipaddress
import re
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Hashable
from copy import copy
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from functools import cached_property, lru_cache
from operator import is_
from pathlib import PurePath
from types import BuiltinFunctionType, EllipsisType, FunctionType, ModuleType, NotImplementedType
from typing import Any, Final, cast
from uuid import UUID

DEEPEST: Final = 250
"""Levels of nesting; the JSON reader ends at 200, so what is deeper is no JSON (it holds itself, perhaps)."""

_SCALARS: Final = frozenset({str, int, float, bool, type(None)})
_CONTAINERS: Final = frozenset({dict, list, tuple})
_are_flat: Final = _SCALARS.issuperset

_FIXED: Final = (
    str, int, float, bool, type(None), bytes, complex, Enum, Decimal, Fraction, UUID, PurePath, datetime.date,
    datetime.time, datetime.timedelta, datetime.tzinfo, type, range, re.Pattern, FunctionType, EllipsisType,
    NotImplementedType, ipaddress.IPv4Address, ipaddress.IPv6Address, ipaddress.IPv4Network, ipaddress.IPv6Network,
)  # fmt: skip
"""Nobody can write into these. (Interfaces are addresses; a function has what it was written with.)"""

_Copy = Callable[[Any, int, bool], Any]
"""Gets a value, how many levels it may have, and whether all in it must be data."""


class _TooDeep(Exception):
    pass


class _NotData(Exception):
    """Something in it is no value but a thing: a connection, a lock."""


def own_copy(value: Any) -> Any:
    """The containers of JSON and the standard library are copied, all the way down; so are instances of dataclasses and
    pydantic's models that hold data only. All else is the same object: no copy of a connection would do.

    Unlike `model.base.own` it takes what need not be JSON: arguments of a step, whose tuples stay tuples. It is on the
    way of every step: what holds no further container is copied without a look at each item here.
    """
    kind = type(value)
    if kind in _SCALARS:
        return value
    if kind in _CONTAINERS and _are_flat(map(type, value.values() if kind is dict else value)):
        return value if kind is tuple else value.copy()
    try:
        return _copied(value, DEEPEST, False)
    except Exception:  # noqa: BLE001 - it is too deep, or asking a type of the user's what it is fails
        return value


def _copied(value: Any, levels: int, strict: bool) -> Any:
    """Raises `_TooDeep`, and where all must be data `_NotData`."""
    kind = type(value)
    if kind in _SCALARS:
        return value
    how = _HOW.get(kind) or _how(cast(Hashable, kind))
    if how is not None:
        if levels == 0:
            raise _TooDeep
        return how(value, levels - 1, strict)
    if strict and not issubclass(kind, _FIXED):
        raise _NotData
    return value


@lru_cache(1_000)
def _how(kind: Any) -> _Copy | None:
    """How values of any other type are copied; None: not at all."""
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return _named
    if is_dataclass(kind):
        return _instance
    return _model if hasattr(kind, "model_copy") and hasattr(kind, "model_fields") else None


def _mapping(value: Any, levels: int, strict: bool) -> Any:
    own = value.copy()
    for name, item in own.items():
        if type(item) not in _SCALARS:
            own[name] = _copied(item, levels, strict)
    return own


def _listed(value: Any, levels: int, strict: bool) -> Any:
    own = value.copy()
    for place, item in enumerate(value):
        if type(item) not in _SCALARS:
            own[place] = _copied(item, levels, strict)
    return own


def _tuple(value: Any, levels: int, strict: bool) -> Any:
    return tuple([_copied(item, levels, strict) for item in value])


def _named(value: Any, levels: int, strict: bool) -> Any:
    return tuple.__new__(type(value), [_copied(item, levels, strict) for item in value])


def _flat(value: Any, levels: int, strict: bool) -> Any:
    """What it holds cannot be written into."""
    return value.copy()


def _frozen(value: Any, levels: int, strict: bool) -> Any:
    own = [_copied(item, levels, strict) for item in value]
    return value if all(map(is_, own, value)) else frozenset(own)


def _builtin(value: Any, levels: int, strict: bool) -> Any:
    """A method of an object is one, too, and writes into that."""
    if strict and not isinstance(value.__self__, ModuleType | type | None):
        raise _NotData
    return value


def _instance(value: Any, levels: int, strict: bool) -> Any:
    """Of a dataclass. One that has more than its fields is more than data, but for what it can compute again."""
    try:
        own = {each.name: _copied(getattr(value, each.name), levels, True) for each in fields(value)}
        more = [name for name in getattr(value, "__dict__", ()) if name not in own]
        if not all(_is_cached(value, name) for name in more):
            raise _NotData
        new = copy(value)
        for name in more:
            del vars(new)[name]
        for name, item in own.items():
            object.__setattr__(new, name, item)
    except _TooDeep:
        raise
    except Exception:  # noqa: BLE001 - of the user's type, which may be anything
        if strict:
            raise _NotData from None
        return value
    return new


def _model(value: Any, levels: int, strict: bool) -> Any:
    """Of pydantic. What it keeps to itself need not be data: a lock there is no reason to share the rest."""
    try:
        new = value.model_copy()
        for name in vars(new).keys() - type(value).model_fields.keys():
            if _is_cached(value, name):
                del vars(new)[name]
        for members, data in (
            (vars(new), True),
            (new.__pydantic_extra__ or {}, True),
            (new.__pydantic_private__ or {}, False),
        ):
            members.update({name: _copied(item, levels, data) for name, item in members.items()})
    except _TooDeep:
        raise
    except Exception:  # noqa: BLE001 - as above
        if strict:
            raise _NotData from None
        return value
    return new


def _is_cached(value: Any, name: str) -> bool:
    """Whether a `cached_property` computed it, and can do so again."""
    return isinstance(getattr(type(value), name, None), cached_property)


_HOW: Final[dict[type, _Copy]] = {
    dict: _mapping, OrderedDict: _mapping, defaultdict: _mapping, Counter: _mapping, list: _listed, deque: _listed,
    tuple: _tuple, set: _flat, bytearray: _flat, frozenset: _frozen, BuiltinFunctionType: _builtin,
}  # fmt: skip
