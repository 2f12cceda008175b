"""Values of annotated types, as JSON and back: what a journal holds is always JSON, what code sees is its own types.

Plain JSON types are passed as they are. For all others (dataclasses, enums, dates, pydantic's models, tuples, sets …)
pydantic reads the JSON by the annotation, and is imported only then.
"""

from __future__ import annotations

import logging
import types
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, NamedTuple, Union, get_args, get_origin, get_type_hints

from stepwell.model.base import Json
from stepwell.workers.copies import own_copy
from stepwell.workers.results import NotJson, jsonable

log = logging.getLogger("stepwell.code")

Read = Callable[[Json], Any]
Write = Callable[[Any], Json]

_PLAIN: Final = frozenset({Any, object, None, type(None), str, int, float, bool, dict, list})
_NAMES: Final[dict[Any, tuple[type, ...] | None]] = {
    Any: None, object: None, None: (type(None),), type(None): (type(None),), str: (str,), bool: (bool,), int: (int,),
    float: (int, float), dict: (dict,), list: (list,),
}  # fmt: skip
_BOXES: Final = frozenset({dict, list, Union, types.UnionType})


class Form(NamedTuple):
    """How values of one type are read; None: as a copy. `write` gives JSON."""

    read: Read | None
    write: Write


def form_of(annotation: Any) -> Form:
    if is_plain(annotation):
        return PLAIN
    adapter = _Adapter(annotation)
    return Form(adapter.read, adapter.write)


def is_plain(annotation: Any) -> bool:
    """Whether JSON values of the type are the values of the type."""
    try:
        if annotation in _PLAIN:
            return True
    except TypeError:  # not hashable
        return False
    inner = get_args(annotation)
    if get_origin(annotation) is dict and inner[0] not in (str, Any):  # keys of JSON objects are strings
        return False
    return get_origin(annotation) in _BOXES and all(map(is_plain, inner))


def types_of(annotation: Any) -> tuple[type, ...]:
    """Of a type that has one name, the types of all its values. (There may be others that fit: then `fits` says so.)"""
    try:
        return _NAMES.get(annotation) or ()
    except TypeError:  # not hashable
        return ()


def fits(annotation: Any, value: Json) -> bool:
    """Whether a JSON value is of a plain type."""
    if annotation in _NAMES:
        names = _NAMES[annotation]
        return names is None or type(value) in names
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is dict:
        return type(value) is dict and all(fits(inner[1], item) for item in value.values())
    if origin is list:
        return type(value) is list and all(fits(inner[0], item) for item in value)
    return any(fits(one, value) for one in inner)


def hints_of(function: Callable[..., Any]) -> dict[str, Any]:
    """The annotations of a function, without those that cannot be resolved: a warning names them."""
    known = _closure(function)
    try:
        return get_type_hints(function, localns=known)
    except Exception:  # noqa: BLE001 - a name that exists only for type checkers, say
        return _resolvable(function, known)


def _resolvable(function: Callable[..., Any], known: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, annotation in getattr(function, "__annotations__", {}).items():
        one: Any = types.SimpleNamespace(__annotations__={name: annotation})
        try:
            found |= get_type_hints(one, getattr(function, "__globals__", {}), known)
        except Exception as error:  # noqa: BLE001 - as above
            log.warning(
                "the annotation %s: %s of %s cannot be resolved (%s): such values are passed as JSON",
                name, annotation, getattr(function, "__qualname__", function), error,
            )  # fmt: skip
    return found


def _closure(function: Callable[..., Any]) -> dict[str, Any]:
    """What a function sees of the one that it is defined in."""
    names = getattr(getattr(function, "__code__", None), "co_freevars", ())
    found = {}
    for name, cell in zip(names, getattr(function, "__closure__", None) or (), strict=True):
        with suppress(ValueError):  # nothing is in it yet
            found[name] = cell.cell_contents
    return found


PLAIN: Final = Form(None, jsonable)


class _Adapter:
    """pydantic's reader and writer of a type, made on first use."""

    def __init__(self, annotation: Any) -> None:
        self._annotation = annotation
        self._adapter: Any = None

    def read(self, value: Json) -> Any:
        """Raises `ValueError` (pydantic's `ValidationError`) where the value is none of the type."""
        return self._made().validate_python(own_copy(value))  # it passes on what is annotated with Any, say

    def write(self, value: Any) -> Json:
        """Only what can be read again: a run must not meet, and be stuck on, what it cannot read. Raises `NotJson`."""
        try:
            written = jsonable(value)
            self.read(written)
            return written
        except Exception:  # noqa: BLE001 - of the user's types
            return self._dumped(value)

    def _dumped(self, value: Any) -> Json:
        """By pydantic: keys that are no strings, models whose fields have other names in JSON."""
        try:
            dumped = self._made().dump_python(value, mode="json", by_alias=True, warnings=False)
        except Exception:  # noqa: BLE001 - as above
            dumped = value
        written = jsonable(dumped)
        try:
            self.read(written)
        except Exception as error:
            raise NotJson(f"the result does not fit its annotation: {error}") from error
        return written

    def _made(self) -> Any:
        if self._adapter is None:
            from pydantic import TypeAdapter

            self._adapter = TypeAdapter(self._annotation)
        return self._adapter
