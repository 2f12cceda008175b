"""Words that every other noun is spelled with."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NoReturn, Protocol, TypeAlias, TypeVar

Instant: TypeAlias = int
"""A point in time: microseconds since 1970-01-01 UTC."""

Duration: TypeAlias = int
"""A length of time in microseconds."""

Json: TypeAlias = Any
"""None, bool, int of any size, float, str, list or dict with str keys."""

Report: TypeAlias = Callable[[str, int, int], None]
"""Told what is being done (`runs`, `files`), how much of it is through, and how much there is (0: not known)."""

T = TypeVar("T", bound=tuple[Any, ...])


class _New(Protocol):
    def __call__(self, kind: type[T], members: tuple[Any, ...], /) -> T: ...


new: Final[_New] = tuple.__new__
"""`new(Kind, (…))` is `Kind(…)` for a `NamedTuple`, every member given, in a third of the time: for what is made at
every step. (A test counts the members.)"""


class _Nothing(dict[str, Any]):
    """See `nothing`."""

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("this is everybody's empty object: make one of your own")

    __setitem__ = update = setdefault = __ior__ = _refuse

    def __reduce__(self) -> tuple[type[dict[str, Any]], tuple[()]]:
        """A copy is nobody else's, and one may write into it."""
        return dict, ()


_NOTHING: Final = _Nothing()


def nothing() -> dict[str, Any]:
    """An empty object that stays empty: one for all. Thousands of runs have no tags, no signals and no approvals, and
    each empty object of their own would be memory that the garbage collector counts."""
    return _NOTHING


_NESTED: Final = (dict, list, tuple)


def own(value: Json) -> Json:
    """The value once more, down to its leaves, for code of the user's: what it writes into its own changes nothing of
    what a run remembers."""
    if isinstance(value, dict):
        return {
            name: own(member) if isinstance(member, _NESTED) else member for name, member in value.items()
        }
    if isinstance(value, list | tuple):
        return [own(member) if isinstance(member, _NESTED) else member for member in value]
    return value


SECOND: Duration = 1_000_000
MILLISECOND: Duration = 1_000
DAY: Duration = 86_400 * SECOND

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def iso(instant: Instant) -> str:
    """RFC 3339 in UTC, to the microsecond: `2026-11-21T03:42:39.000001Z`."""
    return (EPOCH + timedelta(microseconds=instant)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
