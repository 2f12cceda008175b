"""Instances that hold data, and containers that are no JSON, as arguments of steps: a live run is what it is after a
crash, when the step is not performed again."""

from __future__ import annotations

import datetime
import re
import threading
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from functools import cached_property
from ipaddress import ip_address, ip_interface, ip_network
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict, PrivateAttr, RootModel

from stepwell import Retry, RunFailed, current, flow, step, workflow
from stepwell.testing import Kit
from stepwell.workers.copies import own_copy

pytestmark = pytest.mark.spec("B3", "Q14")


class Colour(Enum):
    RED = "red"


@dataclass
class Plain:
    items: Any = field(default_factory=list)
    at: datetime.datetime | None = None


@dataclass(frozen=True, slots=True)
class Frozen:
    items: Any


@dataclass
class Derived(Plain):
    more: Decimal = Decimal(1)


class Named(NamedTuple):
    items: list[int]
    colour: Colour


class Model(BaseModel):
    items: list[int]
    plain: Plain | None = None


class Loose(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)


class Root(RootModel[list[int]]):
    pass


@dataclass(eq=False)
class Identical:
    """It is hashed by what it is, so it may be in a set and be written into."""

    items: list[int]

    def __repr__(self) -> str:
        return f"Identical({self.items})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Identical) and self.items == other.items

    def __hash__(self) -> int:
        return 1


@dataclass
class Counting:
    items: list[int]

    @cached_property
    def doubled(self) -> list[int]:
        return [each * 2 for each in self.items]


class CountingModel(BaseModel):
    items: list[int]

    @cached_property
    def doubled(self) -> list[int]:
        return [each * 2 for each in self.items]

    @cached_property
    def lock(self) -> Any:
        return threading.Lock()


class Private(BaseModel):
    _seen: list[list[int]] = PrivateAttr(default_factory=lambda: [[1]])
    _lock: Any = PrivateAttr(default_factory=threading.Lock)

    def __repr__(self) -> str:
        return f"Private({self._seen})"


def counted(kind: type[Any]) -> Any:
    """One whose properties have been looked at."""
    made = kind(items=[1])
    assert made.doubled == [2] and getattr(made, "lock", True)
    return made


def seen(value: Any) -> str:
    return repr(value)


UNCHANGING: tuple[Any, ...] = (
    frozenset({1}), range(3), re.compile("a"), ip_address("1.1.1.1"), ip_address("::1"),
    ip_network("10.0.0.0/8"), ip_interface("::1/64"), len, dict.fromkeys, seen, ..., NotImplemented,
    Path("a"), Colour.RED, Plain,
)  # fmt: skip

NOW = datetime.datetime(2026, 11, 21, tzinfo=datetime.UTC)
VALUES: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {
    "set": (lambda: {1}, lambda v: v.add(2)),
    "deque": (lambda: deque([1], maxlen=9), lambda v: v.append(2)),
    "deque of lists": (lambda: deque([[1]]), lambda v: v[0].append(2)),
    "bytearray": (lambda: bytearray(b"a"), lambda v: v.append(2)),
    "defaultdict": (lambda: defaultdict(list, a=[1]), lambda v: v["a"].append(2)),
    "counter": (lambda: Counter("a"), lambda v: v.update("a")),
    "ordered": (lambda: OrderedDict(a={1}), lambda v: v["a"].add(2)),
    "named tuple": (lambda: Named([1], Colour.RED), lambda v: v.items.append(2)),
    "dataclass": (lambda: Plain([1], NOW), lambda v: v.items.append(2)),
    "its field": (lambda: Plain([1]), lambda v: setattr(v, "at", NOW)),
    "frozen": (lambda: Frozen({"a": [1]}), lambda v: v.items["a"].append(2)),
    "derived": (lambda: Derived([Plain([UUID(int=1)])]), lambda v: v.items[0].items.append(2)),
    "model": (lambda: Model(items=[1], plain=Plain([1])), lambda v: v.plain.items.append(2)),
    "its member": (lambda: Model(items=[1]), lambda v: setattr(v, "items", [])),
    "loose model": (lambda: Loose(items=[1]), lambda v: v.items.append(2)),  # type: ignore[call-arg]
    "root model": (lambda: Root([1]), lambda v: v.root.append(2)),
    "frozenset": (lambda: frozenset({Identical([1])}), lambda v: next(iter(v)).items.append(2)),
    "beside what is fixed": (
        lambda: [Plain([1], each) for each in UNCHANGING],
        lambda v: [p.items.append(2) for p in v],
    ),
    "with what was computed": (lambda: counted(Counting), lambda v: v.items.append(2)),
    "model of that kind": (lambda: counted(CountingModel), lambda v: v.items.append(2)),
    "private": (Private, lambda v: v._seen[0].append(2)),
    "in a list": (lambda: [(Plain([1]), {"a": {1}})], lambda v: v[0][1]["a"].add(2)),
}
EACH = pytest.mark.parametrize("what", VALUES)


@step(name="instances-spoil")
async def spoil(what: str, value: Any, *, named: Any) -> str:
    for each in (value, named):
        VALUES[what][1](each)
    return f"{seen(value)} {seen(named)}"


@workflow(name="instances-giving")
async def giving(what: str) -> list[str]:
    mine, other = VALUES[what][0](), VALUES[what][0]()
    spoilt = await spoil(what, mine, named=other)
    await flow.sleep(60)
    return [spoilt, seen(mine), seen(other)]


@EACH
@pytest.mark.parametrize("again", [False, True], ids=["live", "reopened"])
async def test_a_step_is_given_its_own(what: str, again: bool) -> None:
    mine, spoilt = VALUES[what][0](), VALUES[what][0]()
    VALUES[what][1](spoilt)
    assert seen(mine) != seen(spoilt)
    async with Kit() as kit:
        handle = await kit.start(giving, what)
        await kit.drain()
        if again:
            await kit.reopen()
        assert await kit.result(handle) == [f"{seen(spoilt)} {seen(spoilt)}", seen(mine), seen(mine)]


SEEN: list[str] = []


@step(name="instances-take-back")
async def take_back(what: str, value: Any) -> None:
    SEEN.append(seen(value))


@step(name="instances-put", retry=Retry(attempts=2, delay=1), compensate=take_back)
async def put(what: str, value: Any) -> None:
    SEEN.append(seen(value))
    VALUES[what][1](value)
    if current().attempt == 1:
        raise ValueError("not yet")


@workflow(name="instances-undone")
async def undone(what: str) -> None:
    mine = VALUES[what][0]()
    await put(what, mine)
    VALUES[what][1](mine)
    raise ValueError("no")


@EACH
async def test_each_attempt_and_the_compensation_get_their_own(what: str) -> None:
    SEEN.clear()
    async with Kit() as kit:
        with pytest.raises(RunFailed):
            await kit.run(undone, what)
    assert [seen(VALUES[what][0]())] * 3 == SEEN


class Service:
    """A thing: what is done with it is to be seen by all who have it."""


@dataclass
class Client:
    session: Any
    token: list[str] = field(default_factory=list)


@dataclass
class Cached:
    n: int

    def __post_init__(self) -> None:
        self.seen = threading.Lock()


class CachedToo(Cached):
    @cached_property
    def twice(self) -> int:
        return 2 * self.n

    def __post_init__(self) -> None:
        super().__post_init__()
        assert self.twice


class Arbitrary(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)
    service: Service
    items: list[int] = []


class Odd:
    """Neither what it says nor what it is can be asked for."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(name)


@dataclass
class Uncopied:
    n: int

    def __copy__(self) -> Any:
        raise RuntimeError("there is one of me")


THINGS: dict[str, Callable[[], Any]] = {
    "service": Service, "client": lambda: Client(Service()), "with a lock beside": lambda: Cached(1),
    "model": lambda: Arbitrary(service=Service()), "odd": Odd, "uncopied": lambda: Uncopied(1),
    "thing in a dataclass": lambda: Plain([Service()]), "thing in a thing": lambda: Frozen(Client(threading.Lock())),
    "method of a list": lambda: Plain([1].append), "in a frozenset": lambda: frozenset({Service()}),
    "frozenset in a dataclass": lambda: Plain([1], frozenset({Service()})),  # type: ignore[arg-type]
    "with a lock beside what was computed": lambda: CachedToo(1), "class": lambda: Plain, "class of models": lambda: Model, "function": lambda: len,
}  # fmt: skip


def test_what_was_computed_is_computed_again() -> None:
    for kind in (Counting, CountingModel):
        one = counted(kind)
        one.doubled.append(0)
        assert "doubled" not in vars(own_copy(one)) and own_copy(one).doubled == [2]


def test_what_is_fixed_stays_the_same() -> None:
    for each in UNCHANGING:
        assert own_copy(each) is each and own_copy(Plain(each)).items is each


@pytest.mark.parametrize("what", THINGS)
def test_things_stay_what_they_are(what: str) -> None:
    thing = THINGS[what]()
    assert own_copy(thing) is thing
    inside = own_copy([thing, {"a": thing}])
    assert inside[0] is thing and inside[1]["a"] is thing


def test_what_holds_itself() -> None:
    endless = Plain([])
    endless.items.append(endless)
    assert own_copy(endless) is endless
    assert own_copy([endless, {1}])[0] is endless


@EACH
def test_a_copy_is_like_its_original(what: str) -> None:
    one = VALUES[what][0]()
    other = own_copy(one)
    assert other is not one and type(other) is type(one) and other == one and repr(other) == repr(one)
    assert getattr(other, "maxlen", None) == getattr(one, "maxlen", None)
    assert getattr(other, "default_factory", None) is getattr(one, "default_factory", None)
    assert getattr(other, "model_fields_set", None) == getattr(one, "model_fields_set", None)
