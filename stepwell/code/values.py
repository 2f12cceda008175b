"""Values of annotated types, as JSON and back: what a journal holds is always JSON, what code sees is its own types.

Plain JSON types are passed as they are. For all others (dataclasses, enums, dates, pydantic's models, tuples, sets …)
pydantic reads the JSON by the annotation, and is imported only then.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any, Final, NamedTuple, Union, get_args, get_origin, get_type_hints

from stepwell.model.base import Json
from stepwell.workers.results import NotJson, jsonable

Read = Callable[[Json], Any]
Write = Callable[[Any], Json]

_PLAIN: Final = frozenset({Any, object, None, type(None), str, int, float, bool, dict, list})
_BOXES: Final = frozenset({dict, list, Union, types.UnionType})


class Form(NamedTuple):
    """How values of one type are read; None: as they are. `write` gives JSON."""

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
    return get_origin(annotation) in _BOXES and all(map(is_plain, get_args(annotation)))


def hints_of(function: Callable[..., Any]) -> dict[str, Any]:
    """The annotations of a function; empty where they cannot be resolved."""
    try:
        return get_type_hints(function)
    except Exception:  # noqa: BLE001 - a name that exists only for type checkers, say
        return {}


PLAIN: Final = Form(None, jsonable)


class _Adapter:
    """pydantic's reader and writer of a type, made on first use."""

    def __init__(self, annotation: Any) -> None:
        self._annotation = annotation
        self._adapter: Any = None

    def read(self, value: Json) -> Any:
        """Raises `ValueError` (pydantic's `ValidationError`) where the value is none of the type."""
        return self._made().validate_python(value)

    def write(self, value: Any) -> Json:
        try:
            return jsonable(value)
        except NotJson:
            return jsonable(self._made().dump_python(value, mode="json"))

    def _made(self) -> Any:
        if self._adapter is None:
            from pydantic import TypeAdapter

            self._adapter = TypeAdapter(self._annotation)
        return self._adapter
