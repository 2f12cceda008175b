"""Samples as files and services write them: a time, a channel, a value, and perhaps tags.

CSV begins with a line that names its columns, in any order: `time`, `channel`, `value`, and perhaps `tags`, which are
written `a=1;b=2`. Every other file holds one JSON object a line, with the same members (`tags` is an object). Times are
ISO 8601 (UTC where they name no zone) or seconds since 1970. Only whole lines are read: the last one may still be in
the making.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import BinaryIO, Final, NamedTuple

from pydantic_core import from_json

from stepwell.model.base import EPOCH, SECOND, Instant, Json

COLUMNS: Final = ("time", "channel", "value")
FAR: Final[Instant] = 253_402_300_800 * SECOND
"""The year 10,000: what is later is no time."""
BLOCK: Final = 1 << 20
LONGEST_LINE: Final = 1 << 16
TOO_LONG: Final = f"a line of it is longer than {BLOCK} bytes"


class Sample(NamedTuple):
    """`channel` None: it is the one that was asked for."""

    at: Instant
    value: Json
    channel: str | None = None
    tags: Mapping[str, str] = {}


class Unreadable(ValueError):
    """This is no file, or no answer, with samples; the text says why."""


Read = Callable[[bytes], Sample | None]
"""A line to a sample; None where it holds none."""


def instant(given: object) -> Instant | None:
    """A time as people and programs write it; None for what is no time."""
    try:
        if isinstance(given, datetime):
            moment = given
        elif isinstance(given, str) and not _numeric(given):
            moment = datetime.fromisoformat(given.strip())
        elif isinstance(given, int | float | str) and not isinstance(given, bool):
            found = round(float(given) * SECOND)
            return found if abs(found) < FAR else None
        else:
            return None
        return _micros(moment)
    except (ValueError, OverflowError):
        return None


def _micros(moment: datetime) -> Instant:
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return (aware - EPOCH) // timedelta(microseconds=1)


def _numeric(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def value(text: str) -> Json:
    """A value of a CSV file: a number or true or false where it reads as one, else text."""
    stripped = text.strip()
    if stripped in ("true", "false"):
        return stripped == "true"
    for kind in (int, float):
        try:
            return kind(stripped)
        except ValueError:
            continue
    return text


def plain(value: object) -> Json:
    """A value as JSON has it: a number, text, true or false, nothing. Raises `TypeError` for everything else."""
    if value is None or type(value) in (bool, int, float):
        return value
    if isinstance(value, str):
        return whole(str.__str__(value))
    if isinstance(value, Decimal):
        return int(value) if value.is_finite() and value == value.to_integral_value() else float(value)
    for kind in (int, float):
        if isinstance(value, kind):
            return kind(value)
    inner = getattr(value, "item", None)  # scalars of numpy and its like
    if (
        callable(inner)
        and not isinstance(value, Mapping)
        and type(found := inner()) in (bool, int, float, str)
    ):
        return found
    raise TypeError(type(value).__name__)


def whole(text: str) -> str:
    """Text without half characters, which cannot be stored."""
    return text.encode("utf-8", "replace").decode()


def reader(name: str, file: BinaryIO) -> tuple[Read, int]:
    """How the lines of this file are read, and where the first of them begins. Raises `Unreadable`."""
    if not name.lower().endswith(".csv"):
        return _json_line, 0
    file.seek(0)
    head = file.readline(LONGEST_LINE)
    if not head.endswith(b"\n"):
        return _nothing, 0
    names = [column.strip().lower() for column in _cells(head.removeprefix(b"\xef\xbb\xbf"))]
    if missing := [column for column in COLUMNS if column not in names]:
        raise Unreadable(f"its first line names no column {', '.join(missing)}")
    return _csv_line(names), len(head)


def _nothing(line: bytes) -> Sample | None:
    return None


def _cells(line: bytes) -> list[str]:
    return next(csv.reader([line.decode("utf-8", "replace").rstrip("\r\n")]), [])


def _csv_line(names: list[str]) -> Read:
    when, which, what = (names.index(column) for column in COLUMNS)
    tags = names.index("tags") if "tags" in names else None

    def read(line: bytes) -> Sample | None:
        try:
            cells = _cells(line)
        except csv.Error:
            return None
        if len(cells) <= max(when, which, what):
            return None
        at = instant(cells[when])
        found = _pairs(cells[tags]) if tags is not None and tags < len(cells) else {}
        return None if at is None else Sample(at, value(cells[what]), cells[which].strip(), found)

    return read


def _pairs(text: str) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in text.split(";") if pair.strip())
    return {name.strip(): given.strip() for name, _, given in pairs}


def _json_line(line: bytes) -> Sample | None:
    try:
        return sample(from_json(line), None)
    except ValueError:
        return None


def sample(given: object, now: Instant | None) -> Sample | None:
    """A sample from an object or a pair of time and value. `now`: when it is if it does not say."""
    if isinstance(given, list | tuple) and len(given) == 2:
        at = instant(given[0])
        return None if at is None else Sample(at, given[1])
    if not isinstance(given, Mapping) or "value" not in given:
        return None
    at = instant(given["time"]) if "time" in given else now
    channel, tags = given.get("channel"), given.get("tags")
    if at is None or not (channel is None or isinstance(channel, str)):
        return None
    found = {str(k): str(v) for k, v in tags.items()} if isinstance(tags, Mapping) else {}
    return Sample(at, given["value"], channel, found)


def lines(file: BinaryIO, offset: int) -> tuple[list[bytes], int, bool]:
    """The whole lines of the next block, where the one after them begins, and whether there is more."""
    file.seek(offset)
    block = file.read(BLOCK)
    end = block.rfind(b"\n") + 1
    if end == 0 and len(block) == BLOCK:
        raise Unreadable(TOO_LONG)
    return block[:end].split(b"\n")[:-1] if end else [], offset + end, len(block) == BLOCK


def backwards(file: BinaryIO, first: int) -> Iterator[bytes]:
    """The whole lines of the file behind `first`, the last one first."""
    end, rest, whole = file.seek(0, 2), b"", False
    while end > first:
        start = max(first, end - BLOCK)
        file.seek(start)
        *before, rest = (file.read(end - start) + rest).split(b"\n")[::-1]
        if before and not whole:  # what follows the last line break is in the making
            whole, before = True, before[1:]
        if len(rest) > BLOCK:
            raise Unreadable(TOO_LONG)
        yield from before
        end = start
    if whole:
        yield rest
