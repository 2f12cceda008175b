"""From an `HttpAction` to the request that goes out: checked, encoded, and safe to show."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from stepwell.model.actions import BasicAuth, BearerAuth, HttpAction
from stepwell.model.base import Json

if TYPE_CHECKING:
    import httpx2

MASK = "***"

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_UNSENDABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_SECRET = re.compile(
    r"auth|cookie|token|secret|key|passw|pwd|signature|\bsig\b|session|credential", re.IGNORECASE
)
_NOT_SECRET = frozenset({"idempotency-key"})

FRAMING = frozenset({"content-length", "transfer-encoding", "connection", "host"})
"""Headers that follow from the request itself; given ones could only contradict it."""

FORM = "application/x-www-form-urlencoded"

DEFAULTS = {"accept": "*/*", "accept-encoding": "gzip, deflate", "user-agent": "stepwell"}


class CannotSend(ValueError):
    """The action does not describe a request that may be sent; the text says why, without secrets."""


def build(action: HttpAction, key: str) -> httpx2.Request:
    """The request of the action. Raises `CannotSend`."""
    import httpx2

    method = action.method.upper()
    if not _TOKEN.fullmatch(method):
        raise CannotSend(f"{method!r} is not an HTTP method")
    headers = _headers(action, method, key)
    content = _body(action.body, headers) if action.has_body else b""
    url = checked_url(action.uri)
    query = _pairs(action.query)
    if query:
        url = _with_query(url, query)
    pairs = [(name.encode("ascii"), _encoded(value)) for name, value in headers.items()]
    return httpx2.Request(method, url, headers=pairs, content=content)


def checked_url(uri: str) -> httpx2.URL:
    """An absolute http or https URL without credentials. Raises `CannotSend`."""
    url = _parsed(uri)
    if url.scheme not in ("http", "https"):
        raise CannotSend(f"the URL must begin with http:// or https://, not with {url.scheme or uri[:12]!r}")
    if not url.host:
        raise CannotSend("the URL names no host")
    if url.port is not None and not 0 < url.port < 65536:
        raise CannotSend(f"there is no port {url.port}")
    if url.userinfo:
        raise CannotSend(f"the URL {shown(url)} holds credentials: state them under `authentication`")
    return url


def _with_query(url: httpx2.URL, query: list[tuple[str, str]]) -> httpx2.URL:
    """What the URL has already stays in front."""
    try:
        joined = "&".join(filter(None, (url.query.decode("ascii"), urlencode(query))))
    except UnicodeError:
        raise CannotSend("the query holds text that is not Unicode") from None
    return _parsed(str(url.copy_with(query=joined.encode("ascii"))))


def _parsed(uri: str) -> httpx2.URL:
    import httpx2

    if _UNSENDABLE.search(uri):
        raise CannotSend("the URL holds a control character or a line break")
    try:
        return httpx2.URL(uri)
    except (httpx2.InvalidURL, UnicodeError, ValueError) as error:
        # the complaint quotes the URL
        raise CannotSend("the URL cannot be read" + ("" if "@" in uri else f": {error}")) from None


def _headers(action: HttpAction, method: str, key: str) -> dict[str, str]:
    """Names in lower case: the author's, then what the engine adds."""
    given = {name.lower(): str(value).strip() for name, value in action.headers.items()}
    headers = DEFAULTS | {name: value for name, value in given.items() if name not in FRAMING}
    if isinstance(action.auth, BasicAuth):
        pair = f"{action.auth.username}:{action.auth.password}".encode()
        headers["authorization"] = f"Basic {base64.b64encode(pair).decode('ascii')}"
    elif isinstance(action.auth, BearerAuth):
        headers["authorization"] = f"Bearer {action.auth.token}"
    if method not in ("GET", "HEAD"):
        headers.setdefault("idempotency-key", key)
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name):
            raise CannotSend(f"{name!r} is not the name of a header")
        if _UNSENDABLE.search(value):
            raise CannotSend(f"the value of header {name} holds a control character or a line break")
    return headers


def _encoded(value: str) -> bytes:
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode("utf-8", "replace")


def _body(body: Json, headers: dict[str, str]) -> bytes:
    """Text goes as it is; anything else as JSON, or as a form where the content type says so."""
    try:
        if isinstance(body, str):
            return body.encode()
        kind = headers.setdefault("content-type", "application/json").partition(";")[0].strip().lower()
        if kind == FORM and isinstance(body, dict):
            return urlencode(_pairs(body)).encode()
        return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (ValueError, TypeError) as error:
        raise CannotSend(f"the body cannot be written as JSON: {error}") from None


def _pairs(values: Mapping[str, Json]) -> list[tuple[str, str]]:
    """A list repeats its name; None is left out."""
    return [
        (name, text(each))
        for name, value in values.items()
        for each in (value if isinstance(value, list) else [value])
        if each is not None
    ]


def text(value: Json) -> str:
    """A value as it stands in a URL or a form: text as it is, all else as JSON writes it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def is_secret(name: str) -> bool:
    """Whether a header or a query parameter of that name is likely to hold a credential."""
    return name.lower() not in _NOT_SECRET and _SECRET.search(name) is not None


def masked(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name: MASK if is_secret(name) else value for name, value in headers}


def shown(url: httpx2.URL) -> str:
    """The URL for messages: without credentials, and without its query, in which secrets are common."""
    return str(url.copy_with(userinfo=b"", query=None, fragment=None))


def masked_uri(url: httpx2.URL) -> str:
    """The URL for a result: secrets in its query are masked."""
    pairs = [pair.partition("=") for pair in url.query.decode("ascii").split("&")] if url.query else []
    if not any(is_secret(name) for name, _, _ in pairs):
        return str(url)
    query = "&".join(f"{name}={MASK}" if is_secret(name) else name + eq + value for name, eq, value in pairs)
    return str(url.copy_with(query=query.encode("ascii")))


def redirected(request: httpx2.Request, status: int, location: str) -> httpx2.Request:
    """The request that a redirect asks for. To another origin go no credentials. Raises `CannotSend`."""
    import httpx2

    try:
        target = request.url.join(location)
    except (httpx2.InvalidURL, UnicodeError, ValueError):
        raise CannotSend("it redirects to a URL that cannot be read") from None
    url = checked_url(str(target.copy_with(fragment=None)))
    method, content = request.method, request.content
    if (status == 303 and method != "HEAD") or (status in (301, 302) and method == "POST"):
        method, content = "GET", b""
    same = (url.scheme, url.host, url.port) == (request.url.scheme, request.url.host, request.url.port)
    headers = [
        (name, value)
        for name, value in request.headers.raw
        if name.lower().decode("ascii") not in FRAMING
        and (same or not is_secret(name.decode("ascii")))
        and (content or not name.lower().startswith(b"content-"))
        and (method != "GET" or name.lower() != b"idempotency-key")
    ]
    return httpx2.Request(method, url, headers=headers, content=content)
