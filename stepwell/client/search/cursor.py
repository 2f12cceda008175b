"""Where a page of a search ended, as a text that only the same search understands."""

from __future__ import annotations

import base64
import json
from hashlib import sha256
from typing import Any, Final

from stepwell.model.errors import InvalidCursor
from stepwell.model.search import Place, Sort

_DIGEST: Final = 16
_HINT: Final = "use `next` of the page before, with the same search and the same order"


def write_cursor(place: Place, what: str, tree: object, sort: Sort) -> str:
    """`what`: runs or definitions; `tree`: the search as it was asked."""
    body = json.dumps([place.value, place.id], ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(_digest(body, what, tree, sort) + body).decode().rstrip("=")


def read_cursor(cursor: str, what: str, tree: object, sort: Sort) -> Place:
    """Raises `InvalidCursor`."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        value, row_id = json.loads(raw[_DIGEST:])
    except (ValueError, TypeError):
        raise InvalidCursor("the cursor is none, or was damaged", hint=_HINT) from None
    if raw[:_DIGEST] != _digest(raw[_DIGEST:], what, tree, sort):
        raise InvalidCursor("the cursor belongs to another search or order, or was damaged", hint=_HINT)
    return Place(value, row_id)


def _digest(body: bytes, what: str, tree: object, sort: Sort) -> bytes:
    """What is searched, how it is ordered, and the place itself."""
    asked: Any = [what, tree, sort.key, sort.descending]
    text = json.dumps(asked, sort_keys=True, default=str)
    return sha256(text.encode() + b"\0" + body).digest()[:_DIGEST]
