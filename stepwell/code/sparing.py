"""What `@step` is told about keeping results and about rates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from stepwell.code.options import Length, microseconds
from stepwell.model.errors import InvalidInput
from stepwell.model.ledger import Cached, Rate, cache_key
from stepwell.workers.results import NotJson, jsonable


@dataclass(frozen=True, slots=True)
class Cache:
    """A step's result is kept for `ttl` seconds: another call with the same key, in any run, gets it, and nothing is
    performed. `key`: called with the step's arguments, gives a text or any JSON value; without it, the arguments are
    the key. Let go before its time with `forget_cached`."""

    ttl: Length
    key: Callable[..., Any] | None = None

    def __post_init__(self) -> None:
        if microseconds(self.ttl, "ttl") == 0:
            raise InvalidInput("ttl is longer than nothing: leave the cache out")

    def of(self, step: str, args: tuple[Any, ...], keywords: dict[str, Any]) -> Cached:
        try:
            key = _whole(args, keywords) if self.key is None else self.key(*args, **keywords)
            return Cached(step, cache_key(jsonable(key)), microseconds(self.ttl, "ttl"))
        except (NotJson, ValueError) as error:
            what = "the arguments are the cache key, and are" if self.key is None else "the cache key is"
            raise InvalidInput(
                f"step {step}: {what} no JSON: {str(error).replace('the result', 'it', 1)}",
                hint="give the cache a key: cache=Cache(ttl, key=lambda …: …)",
            ) from None


def _whole(args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """The arguments, in the form in which they are on record (see `arguments.for_the_record`), but nothing left out."""
    if not keywords:
        return list(args)
    return {"args": list(args), **keywords} if args else keywords


def cache_of(given: Cache | Length | None) -> Cache | None:
    """A number of seconds will do. Raises `InvalidInput`."""
    return given if given is None or isinstance(given, Cache) else Cache(given)


Limited = tuple[int, Length] | tuple[int, Length, str]
"""So many in so many seconds; with a name, together with every other step whose rate has it."""


def rate_of(given: Limited, step: str) -> Rate:
    """Raises `InvalidInput`."""
    if not isinstance(given, tuple) or len(given) not in (2, 3):
        raise InvalidInput(f"rate is (how many, in how many seconds), not {given!r}")
    limit, window, name = given if len(given) == 3 else (*given, step)
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= 1_000_000:
        raise InvalidInput(f"a rate allows from 1 to 1,000,000 at a time, not {limit!r}")
    if not isinstance(name, str) or not 0 < len(name) <= 500:
        raise InvalidInput(f"the name of a rate is a text, not {name!r}")
    length = microseconds(window, "the window of a rate")
    if length == 0:
        raise InvalidInput("the window of a rate is longer than nothing")
    return Rate(name, limit, length)
