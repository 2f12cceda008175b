"""What a call is called, as policies name it; and the patterns that match such names."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from functools import lru_cache
from typing import Final
from urllib.parse import unquote, urlsplit

from stepwell.model.actions import (
    Action,
    ChildAction,
    HttpAction,
    PythonAction,
    ShellAction,
)

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}

_NO_HOST: Final = r"[^/?#@\\]*"
"""what a `*` stands for in the host of a URL: nothing that could end it"""

_NO_COMMAND: Final = r"[^;&|<>()$`\n\r\\]*"
"""what a `*` stands for in an allowed shell command: nothing that could begin another one"""

_NO_BLANK: Final = r"[^ ]*"


def called(action: Action) -> str | None:
    """The name of what the action calls; None for what no policy speaks of."""
    if isinstance(action, HttpAction):
        return f"http:{action.method.upper()} {_origin_and_path(action.uri)}"
    if isinstance(action, PythonAction):
        return f"python:{action.function}"
    if isinstance(action, ShellAction):
        return f"shell:{' '.join([action.command, *map(shlex.quote, action.arguments)])}"
    if isinstance(action, ChildAction):
        return f"run:workflow {action.namespace}/{action.name}"
    return None


def _origin_and_path(uri: str) -> str:
    """A URL as a server sees it, without query: names in lower case, no default port, no way round through `..`."""
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        return uri
    if not parts.scheme or not parts.hostname:
        return uri
    where = f":{port}" if port is not None and port != _DEFAULT_PORTS.get(parts.scheme) else ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{where}{_plain_path(parts.path)}"


def _plain_path(path: str) -> str:
    kept: list[str] = []
    segments = unquote(path).replace("\\", "/").split("/")
    for segment in segments[1:]:
        if segment == "..":
            kept = kept[:-1]
        elif segment != ".":
            kept.append(segment)
    return "/" + "/".join(kept)


def matching(name: str, patterns: Sequence[str], *, strict: bool) -> str | None:
    """The first of the patterns that matches the name. `strict`: in favour of the call, so that in a command for a
    shell `*` does not reach into a second one."""
    return next((each for each in patterns if _compiled(each, strict).fullmatch(name)), None)


@lru_cache(1_024)
def _compiled(pattern: str, strict: bool) -> re.Pattern[str]:
    """`*` is any text; in the method and the host of a URL it ends where they end."""
    kind, _, rest = pattern.partition(":")
    if kind == "http" and rest != "*":
        method, url = ("*", rest) if "://" in rest and " " not in rest else _split(rest)
        text = f"http:{_glob(method.upper(), _NO_BLANK)} {_url(url)}"
    elif kind == "shell" and strict and rest != "*":
        text = f"shell:{_glob(rest, _NO_COMMAND)}"
    else:
        text = _glob(pattern, ".*")
    return re.compile(text, re.DOTALL)


def _split(rest: str) -> tuple[str, str]:
    """Method and URL; a method alone is that with any URL."""
    method, _, url = rest.partition(" ")
    return method, url.strip() or "*"


def _url(pattern: str) -> str:
    scheme, found, rest = pattern.partition("://")
    if not found:
        return _glob(pattern, ".*")
    host, slash, path = rest.partition("/")
    head = f"{_glob(scheme.lower(), _NO_HOST)}://{_glob(host.lower(), _NO_HOST)}"
    if slash:
        return f"{head}/{_glob(path, '.*')}"
    return head + ("(?:/.*)?" if host.endswith("*") else "/?")


def _glob(pattern: str, star: str) -> str:
    return star.join(re.escape(part) for part in pattern.split("*"))
