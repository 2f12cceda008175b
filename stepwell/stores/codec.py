"""Events to bytes and back, and the hash chain over them. No value is changed on the way.

A turn's body is a JSON list of objects `{"type": "step.completed", …}`; a field that has its default is left
out, so `SAME` is an absent field. Integers of any size, NaN and every character survive. What JSON would
change (sets, bytes, tuples, keys that are not strings) or could not give back (lone surrogates) is refused
before anything is stored.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final, NamedTuple, get_type_hints

from pydantic_core import from_json, to_json

from stepwell.model.base import Instant, Json
from stepwell.model.errors import InvalidInput, StoreDamaged, StoreTooNew
from stepwell.model.events import NAMES, SAME, Event, StepCompleted, StepStarted
from stepwell.model.problem import Problem

DEPTH: Final = 500
"""how deeply a value may be nested"""

_HINT = "JSON holds null, booleans, numbers, text, lists, and objects whose keys are text"
_SCALARS: Final = frozenset({type(None), bool, int, float, str})
_LONGEST_NUMBER: Final = 4300  # digits: what Python itself agrees to read
_DIGITS: Final = bytes.maketrans(b"123456789", b"000000000")
_LONG_NUMBER: Final = b"0" * (_LONGEST_NUMBER + 1)
_TEXT: Final = frozenset({str})
_REQUIRED: Final = object()
_FIRST: Final = 5
"""who began what, where, with what: what most events say"""


class _Form(NamedTuple):
    """How one class of events is written. `values` are positions of free JSON, `packed` of fields with a form
    of their own, `restore` says how those are read."""

    type: str
    make: Callable[..., Event]
    fields: tuple[str, ...]
    defaults: tuple[Any, ...]
    values: tuple[int, ...]
    packed: tuple[int, ...]
    restore: tuple[tuple[str, Callable[[Any], Any]], ...]


def _problem(members: Mapping[str, Any]) -> Problem:
    return Problem(**members)


def _form(event: type[Any], name: str) -> _Form:
    hints = get_type_hints(event)
    fields: tuple[str, ...] = event._fields
    texts = {str, int, bool, str | None, int | None}
    tuples = {field for field in fields if getattr(hints[field], "__origin__", None) is tuple}
    problems = {field for field in fields if hints[field] in (Problem, Problem | None)}
    restore: list[tuple[str, Callable[[Any], Any]]] = [(field, tuple) for field in fields if field in tuples]
    restore += [(field, _problem) for field in fields if field in problems]
    special = tuples | problems
    defaults = tuple(event._field_defaults.get(field, _REQUIRED) for field in fields)
    return _Form(
        type=name,
        make=event,
        fields=fields,
        defaults=defaults,
        values=tuple(n for n, f in enumerate(fields) if hints[f] not in texts and f not in special),
        packed=tuple(n for n, field in enumerate(fields) if field in problems),
        restore=tuple(restore),
    )


_Part = tuple[tuple[str, ...], tuple[int, ...]]
_Way = tuple[str, tuple[Any, ...], tuple[Any, ...], _Part, _Part, tuple[int, ...]]
"""A form as writing needs it, a plain tuple because that is unpacked at once: the type, all defaults, those of the
rest; fields and positions of free JSON, of the first fields and of all; positions of packed fields. Most events of a
class need its first fields only: where all others have their defaults (the rest), they are not looked at one by one."""


def _way(form: _Form) -> _Way:
    first = (form.fields[:_FIRST], tuple(n for n in form.values if n < _FIRST))
    return (form.type, form.defaults, form.defaults[_FIRST:], first, (form.fields, form.values), form.packed)


_FORMS: Final = {event: _form(event, name) for event, name in NAMES.items()}
_WAYS: Final = {event: _way(form) for event, form in _FORMS.items()}
_BY_TYPE: Final = {form.type: form for form in _FORMS.values()}


def encode_events(events: Sequence[Event]) -> bytes:
    """The body of a turn. Raises `InvalidInput` where a value would not come back as it is."""
    objects: list[dict[str, Any]] = []
    values: list[Any] = []
    for event in events:
        brief = _BRIEF.get(type(event))
        if brief is not None and (short := brief(event, values)) is not None:
            objects.append(short)
            continue
        kind, defaults, rest, first, whole, packed = _WAYS[type(event)]
        fields, free = first if event[_FIRST:] == rest else whole
        written: dict[str, Any] = {"type": kind}
        for field, default, value in zip(fields, defaults, event):  # noqa: B905 - the first are fewer
            if value is not default and value != default:
                written[field] = value
        for position in free:
            value = event[position]
            if type(value) not in _SCALARS and value is not defaults[position] and not _flat(value):
                values.append(value)
        for position in packed:
            if isinstance(problem := event[position], Problem):
                written[fields[position]] = problem.as_json()
        objects.append(written)
    return _encode(objects, values)


def _begun(event: Any, values: list[Any]) -> dict[str, Any] | None:
    """A step that begins, of which nothing special is said. None: it is for `encode_events`."""
    step, path, kind, scope, value = event[:_FIRST]
    if event[_FIRST:] != _ORDINARY or value is SAME or not path:
        return None
    if type(value) not in _SCALARS and not _flat(value):
        values.append(value)
    return {"type": _STARTED, "step": step, "path": path, "kind": kind, "scope": scope, "input": value}


def _done(event: Any, values: list[Any]) -> dict[str, Any] | None:
    """A step that gave something, as it was performed."""
    step, value, source = event
    if source is not None or value is SAME:
        return None
    if type(value) not in _SCALARS and not _flat(value):
        values.append(value)
    return {"type": _COMPLETED, "step": step, "output": value}


_BRIEF: Final[dict[type[Any], Callable[[Any, list[Any]], dict[str, Any] | None]]] = {
    StepStarted: _begun,
    StepCompleted: _done,
}
"""The two events that journals are full of, as `encode_events` would write them, in half the time."""
_ORDINARY: Final = StepStarted("")[_FIRST:]
_STARTED: Final = NAMES[StepStarted]
_COMPLETED: Final = NAMES[StepCompleted]


def decode_events(body: bytes, run_id: str, seq: int) -> tuple[Event, ...]:
    """The events of a body whose hash was checked. Raises `StoreTooNew` for a type or field this version does
    not know, `StoreDamaged` for what is no list of events."""
    try:
        objects = decode_json(body)
        return tuple([_event(members, run_id, seq) for members in objects])
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise StoreDamaged(
            f"run {run_id}: turn {seq} cannot be read ({error})",
            hint="see what is left with: stepwell doctor",
        ) from error


def _event(members: dict[str, Any], run_id: str, seq: int) -> Event:
    name = members.pop("type")
    form = _BY_TYPE.get(name)
    if form is None:
        raise _too_new(run_id, seq, f"an event {name!r}")
    try:
        for field, restore in form.restore:
            if field in members:
                members[field] = restore(members[field])
        return form.make(**members)
    except TypeError:
        unknown = sorted(set(members) - set(form.fields))
        if unknown:
            raise _too_new(run_id, seq, f"{', '.join(unknown)} in {name}") from None
        raise


def _too_new(run_id: str, seq: int, what: str) -> StoreTooNew:
    return StoreTooNew(
        f"run {run_id}: turn {seq} holds {what}, which this version does not know",
        hint="open it with the version of Stepwell that wrote it, or a newer one",
    )


def encode_json(value: Json) -> bytes:
    """Any JSON value. Raises `InvalidInput` where it would not come back as it is."""
    return _encode(value, (value,))


def decode_json(body: bytes | str) -> Any:
    """The value of JSON that this module wrote. Raises `ValueError` where it is none."""
    try:
        return from_json(body)
    except ValueError:  # nested too deeply for the fast parser, or damaged: then this one says so
        return json.loads(body)


def _encode(document: Any, values: Iterable[Any]) -> bytes:
    """`values` are the parts of the document that came from outside and may hold anything."""
    try:
        body = to_json(document, inf_nan_mode="constants")
    except ValueError as error:
        body = _encode_slowly(document, error)
    for value in values:
        _check(value)
    if len(body) > _LONGEST_NUMBER and _LONG_NUMBER in body.translate(_DIGITS):
        _check_readable(body)
    return body


def _encode_slowly(document: Any, error: ValueError) -> bytes:
    """The fast encoder gives up at some depth; everything else that it refuses is refused here too."""
    try:
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        return text.encode()
    except (ValueError, TypeError, RecursionError):
        raise InvalidInput(f"a value cannot be stored: {error}", hint=_HINT) from None


def _check_readable(body: bytes) -> None:
    try:
        decode_json(body)
    except ValueError:
        raise InvalidInput(f"a number of more than {_LONGEST_NUMBER} digits cannot be stored") from None


def _flat(value: Any) -> bool:
    """Whether it is a list or an object of nothing but scalars, as most values are: there is nothing to check."""
    if type(value) is dict:
        return _TEXT.issuperset(map(type, value)) and _SCALARS.issuperset(map(type, value.values()))
    return type(value) is list and _SCALARS.issuperset(map(type, value))


def _check(value: Any) -> None:
    """Walk the value level by level, comparing types in bulk: what is common is passed at the speed of C."""
    level: list[Any] = [[value]]
    for _ in range(DEPTH + 1):
        deeper: list[Any] = []
        for box in level:
            items = box
            if isinstance(box, dict):
                if not _TEXT.issuperset(map(type, box)):
                    _check_keys(box)
                items = box.values()
            if not _SCALARS.issuperset(map(type, items)):
                deeper += [item for item in items if _is_box(item)]
        if not deeper:
            return
        level = deeper
    raise InvalidInput(f"a value is nested more than {DEPTH} levels deep and cannot be stored")


def _check_keys(box: dict[Any, Any]) -> None:
    for key in box:
        if not isinstance(key, str):
            raise InvalidInput(f"an object's key {key!r} is not text and cannot be stored", hint=_HINT)


def _is_box(item: Any) -> bool:
    if isinstance(item, (dict, list)):
        return True
    if item is None or isinstance(item, (str, int, float)):
        return False
    raise InvalidInput(f"a value of type {type(item).__name__} cannot be stored", hint=_HINT)


_FRAME: Final = struct.Struct(">qqI").pack
_GENESIS: Final = bytes(32)


def chain(tip: bytes, run_id: str, seq: int, at: Instant, body: bytes) -> bytes:
    """The hash of a turn: over the hash before it (none: zeros), seq, time and run id (with its length), and
    the body. Raises `InvalidInput` for what cannot be framed."""
    try:
        name = run_id.encode()
        frame = _FRAME(seq, at, len(name))
    except (UnicodeEncodeError, struct.error) as error:
        raise InvalidInput(f"run id, seq or time cannot be stored: {error}") from None
    return sha256(b"".join((tip or _GENESIS, frame, name, body))).digest()
