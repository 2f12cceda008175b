"""Semantic versions (semver.org 2.0.0): their order, and what `^1.2`, `~1.2`, `1.2.0` and `latest` mean."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

LATEST: Final = "latest"
_NUMBER: Final = r"(?:0|[1-9]\d{0,8})"
_RANGE: Final = re.compile(
    rf"(?P<how>[\^~])(?P<core>{_NUMBER}(?:\.{_NUMBER}){{0,2}})(?P<rest>-[0-9A-Za-z.-]{{1,100}})?"
)

Key = tuple[object, ...]


class Span(NamedTuple):
    """The versions from `first` (with it) to `end` (without it)."""

    first: Key
    end: tuple[int, ...]


def semver_key(version: str) -> Key:
    """Sorts semantic versions by precedence (§11)."""
    core, _, pre = version.partition("+")[0].partition("-")
    numbers = tuple(int(part) for part in core.split(".") if part.isdigit())
    parts = (
        tuple((0, int(p), "") if re.fullmatch(r"\d+", p) else (1, 0, p) for p in pre.split("."))
        if pre
        else ()
    )
    return (numbers, not pre, parts)


def is_range(wanted: str) -> bool:
    """Whether it means more than one version."""
    return wanted == LATEST or _RANGE.fullmatch(wanted) is not None


def span(wanted: str) -> Span | None:
    """What a range means. `^` goes up to the next number that is not zero on the left, `~` to the next minor (or, where
    only a major is given, major) version. None where it is none, so also for `latest`."""
    found = _RANGE.fullmatch(wanted)
    if found is None:
        return None
    given = [int(part) for part in found["core"].split(".")]
    core = [*given, 0, 0][:3]
    if found["how"] == "~":
        at = min(len(given), 2) - 1
    else:
        at = next((index for index, number in enumerate(core) if number), len(given) - 1)
    end = (*core[:at], core[at] + 1, *(0 for _ in core[at + 1 :]))
    return Span(semver_key(".".join(map(str, core)) + (found["rest"] or "")), end)


def matches(version: str, wanted: str) -> bool:
    """Whether the version is one of those that are wanted. A version before a release (`2.0.0-rc.1`) belongs to no
    range but one that begins with such a version of the same release."""
    if wanted in (LATEST, version):
        return True
    within = span(wanted)
    if within is None:
        return False
    key = semver_key(version)
    numbers, released, _ = key
    first, first_released, _ = within.first
    if not released and (first_released or numbers != first):
        return False
    return within.first <= key and numbers < within.end  # type: ignore[operator]


def newest(versions: Iterable[str], wanted: str) -> str | None:
    """The highest of the versions that are wanted."""
    return max((version for version in versions if matches(version, wanted)), key=semver_key, default=None)
