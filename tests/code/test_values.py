"""Values come back as annotated: from steps, children and signals, live and after the code was gone through again."""

from __future__ import annotations

import enum
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any, Literal, NamedTuple, Optional, Union
from uuid import UUID

import pytest
from pydantic import BaseModel
from typing_extensions import TypedDict

from stepwell import InvalidInput, RunFailed, StepFailed, StepFault, flow, step, workflow
from stepwell.code.arguments import Arguments
from stepwell.code.values import hints_of
from stepwell.model.commands import SendSignal
from stepwell.testing import Kit

pytestmark = pytest.mark.spec("B3", "Q14")


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


@dataclass(frozen=True)
class Item:
    name: str
    price: Decimal
    colours: tuple[Colour, ...] = ()


@dataclass
class Order:
    id: UUID
    items: list[Item] = field(default_factory=list)
    due: datetime | None = None


class Address(BaseModel):
    street: str
    number: int = 1
    since: date = date(2020, 1, 2)


class Point(NamedTuple):
    x: int
    y: float


class Shape(TypedDict):
    corners: list[Point]


NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)
ORDER = Order(UUID(int=7), [Item("tea", Decimal("1.10"), (Colour.RED, Colour.BLUE))], NOON)

VALUES: dict[str, tuple[Any, Any]] = {
    "dataclass": (Order, ORDER),
    "list of dataclasses": (list[Order], [ORDER, Order(UUID(int=8))]),
    "model": (Address, Address(street="Elm")),
    "dict of models": (dict[str, Address], {"home": Address(street="Elm", number=3)}),
    "enum": (Colour, Colour.BLUE),
    "int enum": (Level, Level.HIGH),
    "dict by enum": (dict[Colour, int], {Colour.RED: 1}),
    "datetime": (datetime, NOON),
    "date": (date, date(2024, 2, 29)),
    "timedelta": (timedelta, timedelta(days=1, microseconds=5)),
    "decimal": (Decimal, Decimal("0.1000000000000000000000000001")),
    "uuid": (UUID, UUID(int=2**127)),
    "bytes": (bytes, b"ascii"),
    "tuple": (tuple[int, str], (1, "a")),
    "long tuple": (tuple[int, ...], (1, 2, 3)),
    "bare tuple": (tuple, (1, "a")),
    "set": (set[int], {1, 2, 3}),
    "bare set": (set, {1, 2}),
    "frozenset": (frozenset[str], frozenset({"a"})),
    "none of an option": (Optional[Item], None),  # noqa: UP045 - the old way of writing it
    "option": (Optional[Item], Item("x", Decimal(1))),  # noqa: UP045
    "union": (Union[int, Address], Address(street="Elm")),  # noqa: UP007
    "text of a union": (int | str, "1"),
    "number of a union": (int | str, 1),
    "named tuple": (Point, Point(1, 2.5)),
    "typed dict": (Shape, {"corners": [Point(1, 2.0)]}),
    "literal": (Literal["a", "b"], "b"),
    "path": (PurePosixPath, PurePosixPath("/tmp/a")),
    "large number": (int, 2**80),
    "infinity": (float, float("inf")),
    "dict by number": (dict[int, str], {1: "one"}),
    "dict": (dict[str, int], {"a": 1}),
    "list of anything": (list[Any], [1, "a", None, {"b": [2.5]}]),
    "anything": (Any, {"plain": ["json", 1, None]}),
    "bool": (bool, True),
    "none": (None, None),
}

SEEN: list[list[Any]] = []


def made(annotation: Any, value: Any) -> list[Any]:
    """A workflow that passes the value on in every way, and notes what it saw."""

    async def same(given: Any) -> Any:
        return value

    def plain_same(given: Any) -> Any:
        return value

    async def child(given: Any) -> Any:
        return given

    async def passing(given: Any) -> Any:
        results = [given, await a_step(given), plain_step(given), await a_child(given)]
        results += await flow.gather(flow.wait_for_signal("value", type=annotation), a_step(given))
        await flow.sleep(10)
        SEEN.append(results)
        return results[1]

    for function in (same, plain_same, child, passing):
        function.__annotations__ |= {"given": annotation, "return": annotation}
    a_step, plain_step, a_child = step(same), step(plain_same), workflow(name="passed")(child)
    return [workflow(name="passing")(passing), a_child]


@pytest.mark.parametrize("kind", VALUES)
async def test_a_value_comes_back_as_it_is_annotated(kind: str) -> None:
    SEEN.clear()
    annotation, value = VALUES[kind]
    passing, child = made(annotation, value)
    async with Kit(workflows=[passing, child]) as kit:
        handle = await kit.start(passing, value)
        written = (await kit.engine.state(handle.run_id)).run.input["given"]
        await kit.drain()
        await kit.engine.engine.command(handle.run_id, SendSignal("s1", "value", written))
        await kit.reopen()
        assert await kit.result(handle) == value
        assert [[value] * 6] == SEEN
        assert {type(each) for each in SEEN[0]} == {type(value)}
        live = await kit.start(passing, value)
        await kit.drain()
        await kit.engine.engine.command(live.run_id, SendSignal("s1", "value", written))
        assert await kit.result(live) == value
        assert SEEN[1] == SEEN[0]
        await kit.check()


# --- exceptions -------------------------------------------------------------------------------------------------------


class Declined(Exception):
    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code, self.reason = code, reason


class OtherArguments(Exception):
    """Its arguments are not those of its constructor."""

    def __init__(self, *, code: int) -> None:
        super().__init__(f"code {code}")


class Refused(StepFault):
    """One of the user's own."""


def raised(kind: str) -> Exception:
    faults: dict[str, Exception] = {
        "own": Declined(7, "no money"),
        "builtin": KeyError("missing"),
        "os": FileNotFoundError(2, "not there"),
        "unicode": UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
        "other": OtherArguments(code=3),
        "fault": StepFault("out of stock", type="https://example.com/stock", status=409),
        "refused": Refused("refused", type="https://example.com/refused", status=403),
        "local": type("Local", (ValueError,), {})("local"),
    }
    return faults[kind]


@step
async def raise_async(kind: str) -> None:
    raise raised(kind)


@step
def raise_plain(kind: str) -> None:
    raise raised(kind)


async def _plainly(kind: str) -> None:
    raise_plain(kind)


@workflow
async def raising_child(kind: str) -> None:
    await raise_async(kind)


CAUGHT: list[tuple[Any, ...]] = []


@workflow
async def catching(kind: str) -> list[str]:
    names = []
    for attempt in (raise_async, _plainly, raising_child):
        try:
            await attempt(kind)
        except Exception as error:
            names.append(type(error).__name__)
            CAUGHT.append((type(error), str(error), getattr(error, "code", None)))
    await flow.sleep(5)
    return names


@pytest.mark.parametrize(
    "kind, name",
    [
        ("own", "Declined"), ("builtin", "KeyError"), ("os", "FileNotFoundError"), ("unicode", "StepFailed"),
        ("other", "OtherArguments"), ("fault", "StepFailed"), ("refused", "Refused"), ("local", "StepFailed"),
    ],
)  # fmt: skip
async def test_exceptions_are_caught_as_what_they_were(kind: str, name: str) -> None:
    """Of their own class where it can be made from its arguments, else `StepFailed`; alike when gone through again."""
    async with Kit() as kit:
        handle = await kit.start(catching, kind)
        await kit.drain()
        CAUGHT.clear()
        await kit.reopen()
        assert await kit.result(handle) == [name] * 3
        again = list(CAUGHT)
        CAUGHT.clear()
        other = await kit.start(catching, kind)
        assert await kit.result(other) == [name] * 3
        assert [(c, n) for c, _, n in again] == [(c, n) for c, _, n in CAUGHT] and len(again) == 3
        await kit.check()


async def test_what_a_caught_exception_carries() -> None:
    seen: list[Any] = []

    @workflow(name="carrying")
    async def carrying() -> None:
        for kind in ("own", "fault", "refused"):
            try:
                await raise_async(kind)
            except Declined as error:
                seen.append((error.code, error.reason))
            except (StepFailed, Refused) as error:
                seen.append((error.problem.type, error.problem.status, error.problem.detail))

    async with Kit() as kit:
        await kit.run(carrying)
    assert seen == [
        (7, "no money"),
        ("https://example.com/stock", 409, "out of stock"),
        ("https://example.com/refused", 403, "refused"),
    ]


async def test_what_is_not_caught_ends_the_run_with_its_step() -> None:
    @workflow(name="uncaught")
    async def uncaught() -> None:
        await raise_async("own")

    async with Kit() as kit:
        handle = await kit.start(uncaught)
        with pytest.raises(RunFailed, match="Declined"):
            await kit.result(handle)
        state = await kit.engine.state(handle.run_id)
        assert state.run.error_step == "/do/0/raise_async"
        assert state.run.error is not None and state.run.error.status == 500
        await kit.check()


# --- what cannot be written or read -----------------------------------------------------------------------------------


@step
async def gives_a_lock() -> Any:
    return threading.Lock()


@workflow
async def gets_a_lock() -> str:
    try:
        await gives_a_lock()
    except StepFailed as error:
        return str(error.problem.detail)
    return "never"


@workflow
async def returns_a_lock() -> Any:
    return threading.Lock()


async def test_results_that_cannot_be_written() -> None:
    async with Kit() as kit:
        said = await kit.run(gets_a_lock)
        assert "gives_a_lock" in said and "lock" in said
        with pytest.raises(RunFailed, match=r"what the workflow returned cannot be stored.*lock"):
            await kit.run(returns_a_lock)
        await kit.check()


@step
async def gives_another_type() -> int:
    return "not a number"  # type: ignore[return-value]


@step
async def gives_no_uuid() -> UUID:
    return "not a UUID"  # type: ignore[return-value]


@workflow
async def gets_another_type() -> str:
    try:
        await gives_no_uuid()
    except StepFailed as error:
        return str(error.problem.detail)
    return "never"


async def test_results_that_are_not_what_their_annotation_says() -> None:
    """Refused when they are written, not when they are read: an open run must not be stuck on them."""
    async with Kit() as kit:
        said = await kit.run(gets_another_type)
        assert "gives_no_uuid" in said and "annotation" in said
        await kit.check()


@workflow
async def takes(order: Order, level: Level = Level.LOW) -> str:
    return f"{order.id} {level.name}"


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda: ((object(),), {}), "argument order cannot be taken"),
        (lambda: ((), {}), "missing a required argument: 'order'"),
        (lambda: ((ORDER, Level.LOW, 3), {}), "too many positional arguments"),
        (lambda: ((ORDER,), {"colour": 1}), "unexpected keyword argument 'colour'"),
        (lambda: (({"id": "no uuid"},), {}), "order cannot be taken: it does not fit"),
        (lambda: ((ORDER, 9), {}), "level cannot be taken: it does not fit"),
    ],
)
async def test_arguments_are_looked_at_before_anything_is_stored(call: Callable[[], Any], said: str) -> None:
    args, kwargs = call()
    async with Kit() as kit:
        with pytest.raises(InvalidInput) as refused:
            await kit.start(takes, *args, kwargs=kwargs)
        assert said in str(refused.value)
        assert (await kit.engine.list())["runs"] == []


async def test_arguments_given_as_json() -> None:
    async with Kit() as kit:
        order = {"id": str(UUID(int=7)), "items": [{"name": "tea", "price": "1.1"}]}
        assert await kit.run(takes, order, 2) == f"{UUID(int=7)} HIGH"


def test_annotations_that_cannot_be_resolved() -> None:
    """They are taken as they are; the others of the function still count."""

    def half(known: Colour, unknown: Nowhere) -> Colour:  # type: ignore[name-defined]  # noqa: F821
        return known

    assert hints_of(half) == {"known": Colour, "return": Colour}


# --- arguments: the short way and the long one ----------------------------------------------------------------------


def _places(a: int, b: str = "x") -> None: ...


def _by_name(a: int, *, b: str, c: float = 1.5) -> None: ...


def _untyped(a, b=None): ...  # type: ignore[no-untyped-def]


def _nothing() -> None: ...


GIVEN: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((), {}), ((1,), {}), ((1, "y"), {}), ((1, "y", 2), {}), ((), {"a": 1}), ((1,), {"a": 1}), ((1,), {"b": "z"}),
    ((1,), {"b": "z", "c": 2}), (("1",), {}), ((True,), {}), ((1, "\ud800"), {}), (([1, {"n": 2}],), {}),
    ((object(),), {}), ((1,), {"d": 1}),
]  # fmt: skip
READ: list[Any] = [
    {}, {"a": 1}, {"b": "y", "a": 1}, {"a": 1, "c": 2}, {"a": 1, "b": "z", "c": 2}, {"a": "1"}, {"a": 1, "d": 2}, 1, None,
    [1], {"a": None, "b": None},
]  # fmt: skip


@pytest.mark.parametrize("function", [_places, _by_name, _untyped, _nothing])
def test_plain_arguments_are_the_same_the_short_way(function: Callable[..., Any]) -> None:
    def outcome(act: Callable[..., Any], *given: Any) -> Any:
        try:
            return act(*given)
        except InvalidInput as error:
            return str(error), error.hint

    short, long = Arguments(function), Arguments(function)
    long.__dict__["_plain"] = None
    assert short._plain is not None
    for args, keywords in GIVEN:
        told = [outcome(way.write, args, keywords) for way in (short, long)]
        assert told[0] == told[1], (args, keywords)
        assert list(told[0]) == list(told[1])
    for input in READ:
        found = [outcome(way.read, input) for way in (short, long)]
        assert found[0] == found[1], input
        assert list(found[0][1]) == list(found[1][1])
