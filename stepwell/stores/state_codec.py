"""Snapshots of a run's state to bytes and back, exactly.

A snapshot is a convenience: the journal is the truth. So one that cannot be read, or that another version
wrote, is simply not there (`decode_state` gives None), and nothing ever migrates it.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from hashlib import sha256
from typing import Any, Final, NamedTuple, Union, get_args, get_origin, get_type_hints

from stepwell.model.problem import Problem
from stepwell.model.records import State
from stepwell.stores.codec import decode_json, encode_json

FORMAT: Final = 1
"""raise it when a state comes to mean something else although its fields stay the same"""

Convert = Callable[[Any], Any]


class _Pair(NamedTuple):
    """How values of one type are written and read; None: as they are."""

    write: Convert | None
    read: Convert | None


_PLAIN: Final = _Pair(None, None)
_records: dict[type[Any], _Pair] = {}


def encode_state(state: State) -> bytes:
    """Raises `InvalidInput` where a value in it cannot be stored."""
    write, _ = _pair(State)
    assert write is not None
    return encode_json({"format": FORMAT, "shape": _shape(), "state": write(state)})


def decode_state(body: bytes) -> State | None:
    """The state; None where the bytes are damaged or of another version."""
    try:
        document = decode_json(body)
        if document["format"] != FORMAT or document["shape"] != _shape():
            return None
        _, read = _pair(State)
        assert read is not None
        state = read(document["state"])
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return state if isinstance(state, State) else None


def _shape() -> str:
    """A fingerprint of the fields of all records: a snapshot of other records is not read."""
    if not _shapes:
        _pair(State)
        text = repr([(cls.__name__, [(f.name, f.type) for f in fields(cls)]) for cls in _records])
        _shapes.append(sha256(text.encode()).hexdigest()[:16])
    return _shapes[0]


_shapes: list[str] = []


def _pair(hint: Any) -> _Pair:
    """The way of writing and reading what the annotation says."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        inner = [argument for argument in arguments if argument is not type(None)]
        return _maybe(_pair(inner[0])) if len(inner) == 1 else _PLAIN
    if origin is tuple:
        return _Pair(list, tuple)
    if origin is list:
        return _each(_pair(arguments[0]))
    if origin is dict:
        return _values(None if arguments[0] is str else arguments[0], _pair(arguments[1]))
    if hint is bytes:
        return _Pair(bytes.hex, bytes.fromhex)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _Pair(None, hint)
    if isinstance(hint, type) and is_dataclass(hint):
        return _record(hint)
    return _PLAIN


def _maybe(pair: _Pair) -> _Pair:
    write, read = pair
    return _Pair(
        write and (lambda value: None if value is None else write(value)),
        read and (lambda value: None if value is None else read(value)),
    )


def _each(pair: _Pair) -> _Pair:
    write, read = pair
    return _Pair(
        write and (lambda items: [write(item) for item in items]),
        read and (lambda items: [read(item) for item in items]),
    )


def _values(key: Convert | None, pair: _Pair) -> _Pair:
    """`key` makes a key of its text, where a key is a number or a word of a list."""
    write, read = pair
    if key is None and write is None and read is None:
        return _PLAIN

    def write_items(items: Mapping[Any, Any]) -> dict[str, Any]:
        return {str(name): write(value) if write else value for name, value in items.items()}

    def read_items(items: Mapping[str, Any]) -> dict[Any, Any]:
        return {key(name) if key else name: read(value) if read else value for name, value in items.items()}

    return _Pair(write_items, read_items)


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def _record(cls: type[Any]) -> _Pair:
    """A record as an object without the fields that have their default."""
    if cls in _records:
        return _records[cls]
    if cls is Problem:
        _records[cls] = _Pair(Problem.as_json, lambda members: Problem(**members))
        return _records[cls]
    hints = get_type_hints(cls)
    pairs = [(field.name, _default(field), *_pair(hints[field.name])) for field in fields(cls)]
    reads = {name: read for name, _, _, read in pairs if read is not None}

    def write_record(record: Any) -> dict[str, Any]:
        members: dict[str, Any] = {}
        for name, default, write, _ in pairs:
            value = getattr(record, name)
            if default is MISSING or value is None or value != default:
                if value is None and default is None:
                    continue
                members[name] = write(value) if write else value
        return members

    def read_record(members: dict[str, Any]) -> Any:
        for name in reads.keys() & members.keys():
            members[name] = reads[name](members[name])
        return cls(**members)

    _records[cls] = _Pair(write_record, read_record)
    return _records[cls]
