"""Words that every other noun is spelled with."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

Instant: TypeAlias = int
"""A point in time: microseconds since 1970-01-01 UTC."""

Duration: TypeAlias = int
"""A length of time in microseconds."""

Json: TypeAlias = Any
"""None, bool, int of any size, float, str, list or dict with str keys."""

SECOND: Duration = 1_000_000
MILLISECOND: Duration = 1_000
DAY: Duration = 86_400 * SECOND

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def iso(instant: Instant) -> str:
    """RFC 3339 in UTC, to the microsecond: `2026-11-21T03:42:39.000001Z`."""
    return (EPOCH + timedelta(microseconds=instant)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
