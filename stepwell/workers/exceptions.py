"""An exception as data, for `Problem.exception`: what it takes to make it anew, and nothing that must not be on record.

`{"type": "module:Name", "args": […], "attributes": {…}}`, with `notes` where there are some. What is no JSON is left
out of the attributes, and stands in the arguments as its text; `lost` names both, with their types.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from stepwell.model.base import own
from stepwell.workers.context import StepFault

MOST: Final = 16_384
"""Characters of an attribute, roughly; what is longer is not kept: an exception may hold whole answers of servers."""
MOST_OF_ALL: Final = 65_536
DEEPEST: Final = 20

_SCALARS: Final = (str, int, float, bool, type(None))
_OURS: Final = "stepwell_"
"""So begin the attributes that say of which step an exception is."""


def named(error: BaseException) -> dict[str, object]:
    """What is kept of it."""
    kind = type(error)
    given, state = parts(error)
    lost = {f"args[{place}]": type(each).__name__ for place, each in enumerate(given) if not _is_kept(each)}
    attributes: dict[str, object] = {}
    room = MOST_OF_ALL
    for name, value in state.items():
        if not isinstance(name, str) or name.startswith((_OURS, "__")) or name == "args":
            continue
        size = _size(value, DEEPEST)
        if size is not None and size <= min(MOST, room):
            attributes[name] = own(value)
            room -= size
        elif not (isinstance(error, StepFault) and name == "problem"):  # which is on record itself
            lost[name] = type(value).__name__
    found: dict[str, object] = {
        "type": f"{kind.__module__}:{kind.__qualname__}",
        "args": [own(each) if _is_kept(each) else text_of(each) for each in given],
        "attributes": attributes,
    }
    if notes := [note for note in getattr(error, "__notes__", ()) if isinstance(note, str)]:
        found["notes"] = notes
    if lost:
        found["lost"] = lost
    return found


def parts(error: BaseException) -> tuple[tuple[Any, ...], Mapping[Any, Any]]:
    """The arguments that its class takes to make it, and its attributes: as it says itself to who wants to copy it
    (an `OSError` has the name of its file in neither), else `args` and what it was given."""
    attributes = getattr(error, "__dict__", {})
    try:
        said = error.__reduce__()
    except Exception:  # noqa: BLE001 - of the user's own class
        return error.args, attributes
    if (
        not isinstance(said, tuple)
        or len(said) < 2
        or said[0] is not type(error)
        or not isinstance(said[1], tuple)
    ):
        return error.args, attributes
    return said[1], said[2] if len(said) > 2 and isinstance(said[2], Mapping) else attributes


def text_of(value: object) -> str:
    try:
        return str(value)
    except Exception as again:  # noqa: BLE001 - an object of the user's whose own __str__ is broken
        return f"(its text cannot be had: {type(again).__name__})"


def _is_kept(value: object) -> bool:
    """As an argument: of any length."""
    return isinstance(value, _SCALARS) or _size(value, DEEPEST) is not None


def _size(value: object, levels: int) -> int | None:
    """About so many characters; None: it is no JSON, or would be something else when it is read again."""
    kind = type(value)
    if kind is str:
        return len(value) if _is_text(value) else None  # type: ignore[arg-type]
    if kind in _SCALARS:
        return 8
    if levels == 0 or kind not in (list, dict):
        return None
    inner: Any = value
    if kind is dict and not all(type(name) is str and _is_text(name) for name in inner):
        return None
    sizes = [_size(item, levels - 1) for item in (inner.values() if kind is dict else inner)]
    return None if None in sizes else sum(size or 0 for size in sizes) + 8 * len(sizes)


def _is_text(text: str) -> bool:
    """Without half characters (lone surrogates)."""
    return text.isascii() or not any("\ud800" <= each <= "\udfff" for each in text)
