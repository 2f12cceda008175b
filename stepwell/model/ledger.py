"""What error policies, hooks, kept results and rates need to have written down beside the journal.

Runs that are still to be started are an index of the journal; kept results and the slots of a rate are leases: a run
that finds none of them is as right as before, and does some work once more.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final, NamedTuple

from pydantic_core import to_json

from stepwell.model.base import Duration, Instant, Json

LONGEST_KEY: Final = 500


class FollowUp(NamedTuple):
    """A run that is to be started (`run_id`) because of what happened in turn `seq` of the run `source`."""

    run_id: str
    source: str
    seq: int


class Cached(NamedTuple):
    """Under which key the result of a step is kept, and for how long. `step`: whose result it is, over all runs."""

    step: str
    key: str
    ttl: Duration


class Kept(NamedTuple):
    """A result that is kept. `source`: run and step that it came from, one behind the other."""

    step: str
    key: str
    output: Json
    source: str
    expires: Instant


class Rate(NamedTuple):
    """At most `limit` times within any `window`, over all processes that use the name."""

    name: str
    limit: int
    window: Duration


def cache_key(value: Any) -> str:
    """A key as text: a text as it is, anything else as canonical JSON; what is long, by its SHA-256."""
    text = value if isinstance(value, str) else to_json(_ordered(value), inf_nan_mode="constants").decode()
    return text if len(text) <= LONGEST_KEY else hashed(text)


def hashed(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _ordered(value[name]) for name in sorted(value)}
    return [_ordered(item) for item in value] if isinstance(value, list | tuple) else value
