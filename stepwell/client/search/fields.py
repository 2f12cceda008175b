"""What can be asked in a search, and how each answer is written: from JSON to the questions of `model.search`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from stepwell.client.filters import instant_of
from stepwell.client.where import read_where
from stepwell.model.base import Instant
from stepwell.model.errors import InvalidInput
from stepwell.model.search import Ask, Between, Pair, Reference
from stepwell.model.states import OPEN_RUN, RunStatus

LONGEST: Final = 1_000
OPEN, ENDED = "open", "ended"
"""Words for several statuses at once."""

Read = Callable[[object, Instant], Any]


def _text(value: object, now: Instant) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InvalidInput("a text is wanted, and not a blank one")
    if len(value) > LONGEST:
        raise InvalidInput(f"a text has at most {LONGEST:,} characters, not {len(value):,}")
    return value


def _flag(value: object, now: Instant) -> bool:
    if value in ("true", "false"):
        return value == "true"
    if not isinstance(value, bool):
        raise InvalidInput("true or false is wanted")
    return value


def _pair(value: object, now: Instant) -> Pair:
    """`{"key": …, "value": …}`, `key=value`, or a key alone: whatever its value."""
    if isinstance(value, str):
        key, sign, rest = value.partition("=")
        return Pair(_text(key, now), rest if sign else None)
    if not isinstance(value, Mapping) or "key" not in value or set(value) - {"key", "value"}:
        raise InvalidInput('wanted is {"key": …, "value": …}, a text "key=value", or a key alone')
    given = value.get("value")
    if given is not None and not isinstance(given, str):
        raise InvalidInput("the value is a text")
    return Pair(_text(value["key"], now), given)


def _statuses(value: object, now: Instant) -> tuple[str, ...]:
    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not names:
        raise InvalidInput(f"a state is wanted, or a list of them: {_KNOWN}")
    found: dict[str, None] = {}
    for name in names:
        if name not in _STATES:
            raise InvalidInput(f"{name!r} is no state: they are {_KNOWN}")
        found |= dict.fromkeys(_STATES[name])
    return tuple(found)


_STATES: Final[Mapping[Any, tuple[str, ...]]] = {
    **{status.value: (status.value,) for status in RunStatus},
    OPEN: tuple(status.value for status in RunStatus if status in OPEN_RUN),
    ENDED: tuple(status.value for status in RunStatus if status.terminal),
}
_KNOWN: Final = ", ".join(_STATES)


def _between(value: object, now: Instant) -> Between:
    if not isinstance(value, Mapping) or not value or set(value) - {"after", "before"}:
        raise InvalidInput('wanted is {"after": …, "before": …}, or one of the two')
    times = {name: instant_of(time, now) for name, time in value.items()}
    return Between(times.get("after"), times.get("before"))


def _reference(value: object, now: Instant) -> Reference:
    """`namespace/name:version`; namespace and version may be left out."""
    namespace, _, rest = _text(value, now).rpartition("/")
    name, _, version = rest.partition(":")
    if not name:
        raise InvalidInput("wanted is namespace/name:version, or the name alone")
    return Reference(namespace or None, name, version or None)


def _attribute(value: object, now: Instant) -> Any:
    """A filter of search attributes."""
    if not isinstance(value, str | Mapping):
        raise InvalidInput('a filter of attributes is wanted, like "amount > 100"')
    return read_where(value)


_BOTH: Final[dict[str, Read]] = {
    "text": _text,
    "name": _text,
    "namespace": _text,
    "version": _text,
    "definition": _reference,
    "label": _text,
    "property": _pair,
    "tag": _pair,
    "author": _text,
    "archived": _flag,
    "created": _between,
}
RUN_FIELDS: Final[Mapping[str, Read]] = {
    **_BOTH,
    "attribute": _attribute,
    "state": _statuses,
    "started": _between,
    "ended": _between,
    "updated": _between,
    "queue": _text,
    "error": _text,
}
DEFINITION_FIELDS: Final[Mapping[str, Read]] = _BOTH
TIMES: Final = frozenset({"created", "started", "ended", "updated"})


def read_ask(fields: Mapping[str, Read], field: str, value: object, now: Instant) -> Ask:
    """The question. Raises `InvalidInput`."""
    if field == "time":  # {"field": "created", "after": …}
        if not isinstance(value, Mapping) or value.get("field") not in TIMES & set(fields):
            raise InvalidInput(f'wanted is {{"field": …, "after": …}}; fields: {_list(TIMES & set(fields))}')
        field, value = value["field"], {name: time for name, time in value.items() if name != "field"}
    if field not in fields:
        raise InvalidInput(f"there is no field {field!r}; fields: {_list(fields)}")
    return Ask(field, fields[field](value, now))


def _list(names: Any) -> str:
    return ", ".join(sorted(names))
