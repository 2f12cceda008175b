"""From what a server answered to the output of a step."""

from __future__ import annotations

import base64
import codecs
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from pydantic_core import from_json

from stepwell.model.base import Json
from stepwell.workers.http_request import masked, masked_uri, shown

if TYPE_CHECKING:
    import httpx2

SHOWN = 300
"""Characters of an error's body that its detail shows."""

_JSON = re.compile(r"(?:application|text)/(?:json|[\w.+-]+\+json)")
_TEXT = re.compile(
    r"text/.*|application/(?:xml|yaml|x-yaml|javascript|graphql|x-www-form-urlencoded)|.+\+(?:xml|yaml)"
)


class CannotRead(ValueError):
    """The body is not what its content type says."""


class Answer(NamedTuple):
    """A response whose body has been read (and decompressed)."""

    request: httpx2.Request
    status: int
    headers: Mapping[str, str]
    body: bytes


def output(answer: Answer, form: str) -> Json:
    """The step's output: `content`, `raw` or `response`, as the action wants it. Raises `CannotRead`."""
    if form == "raw":
        return base64.b64encode(answer.body).decode("ascii")
    if form == "content":
        return content(answer)
    return {
        "request": {
            "method": answer.request.method,
            "uri": masked_uri(answer.request.url),
            "headers": masked(answer.request.headers.items()),
        },
        "statusCode": answer.status,
        "headers": dict(answer.headers),
        "content": content(answer),
    }


def content(answer: Answer) -> Json:
    """The body by its content type: JSON as a value, text as text, the rest in base64, nothing as None."""
    if not answer.body:
        return None
    kind, _, parameters = answer.headers.get("content-type", "").partition(";")
    kind = kind.strip().lower()
    if _JSON.fullmatch(kind):
        return _json(answer.body.removeprefix(codecs.BOM_UTF8))
    if _TEXT.fullmatch(kind):
        return answer.body.decode(_charset(parameters), "replace")
    return base64.b64encode(answer.body).decode("ascii")


def _json(body: bytes) -> Json:
    try:
        return from_json(body)
    except ValueError as error:
        raise CannotRead(f"its body is not the JSON that its content type promises: {error}") from None


def _charset(parameters: str) -> str:
    match = re.search(r"charset\s*=\s*[\"']?([\w.:-]+)", parameters, re.IGNORECASE)
    try:
        return codecs.lookup(match[1]).name if match else "utf-8"
    except LookupError:
        return "utf-8"


def complaint(answer: Answer) -> str:
    """What went wrong, for a status that is an error: who was asked what, and how the answer begins."""
    said = answer.body[: 4 * SHOWN].decode("utf-8", "replace")
    said = " ".join("".join(char if char.isprintable() else " " for char in said).split())[:SHOWN]
    head = f"{answer.request.method} {shown(answer.request.url)} answered {answer.status}"
    return f"{head}: {said}" if said else head
