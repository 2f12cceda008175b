"""Code that is thrown away (the engine closes, its run is over) does nothing more, and says nothing."""

from __future__ import annotations

import asyncio
import gc
import warnings
from typing import Any

import pytest

from stepwell import flow, step, workflow
from stepwell.code.registry import REGISTRY
from stepwell.testing import Kit

pytestmark = pytest.mark.spec("B3", "B5")

DONE: list[str] = []


@step
def release(what: str) -> str:
    DONE.append(what)
    return what


@step
async def arelease(what: str) -> str:
    DONE.append(what)
    return what


@workflow
async def careful() -> str:
    try:
        await flow.sleep(60)
    finally:
        await arelease("async")
        release("plain")
    return "ended"


@workflow
def careful_plain() -> str:
    try:
        flow.sleep(60)
    finally:
        release("plain")
        flow.gather(arelease.submit("async"))
    return "ended"


@workflow
async def careful_group() -> str:
    async def branch(name: str) -> None:
        try:
            await flow.sleep(60)
        finally:
            await arelease(name)

    async with asyncio.TaskGroup() as group:
        group.create_task(branch("async"))
        group.create_task(branch("plain"))
    return "ended"


@workflow
async def stubborn() -> str:
    """Keeps everything to itself, and waits again."""
    for _ in range(3):
        try:
            await flow.sleep(20)
        except BaseException:
            await flow.sleep(1)
    await arelease("async")
    release("plain")
    return "ended"


@workflow
async def prepared() -> list[str]:
    """Has made coroutines that it awaits later."""

    async def its_own() -> str:
        return "own"

    first, more, own = arelease("first"), {"more": arelease("more")}, [its_own()]
    await flow.sleep(60)
    return [await first, await more["more"], await own[0]]


@workflow
def prepared_plainly() -> str:
    first, second = arelease("first"), arelease("second")
    flow.sleep(60)
    return ",".join(flow.gather(first, second))


@workflow
async def prepared_and_interrupted() -> str:
    """A plain step in `async` code has it executed anew, the first time: this lets go of the code before it has begun."""
    first = arelease("first")
    release("second")
    return await first


ALL = [careful, careful_plain, careful_group, stubborn]


@pytest.mark.parametrize("workflow", ALL, ids=lambda each: each.name)
async def test_closing_performs_nothing(workflow: Any) -> None:
    DONE.clear()
    async with Kit() as kit:
        handle = await kit.start(workflow)
        await kit.advance(10)
        await kit.reopen()
        gc.collect()
        assert DONE == []
        assert await kit.result(handle) == "ended"
        assert sorted(DONE) == ["async", "plain"]
        await kit.check()


@pytest.mark.parametrize("workflow", ALL, ids=lambda each: each.name)
async def test_terminating_performs_nothing(workflow: Any) -> None:
    DONE.clear()
    async with Kit() as kit:
        handle = await kit.start(workflow)
        await kit.advance(10)
        await kit.engine.terminate(handle.run_id)
        await kit.drain(advance=True)
        gc.collect()
        assert DONE == []
        await kit.check()


@pytest.mark.parametrize(
    ("workflow", "how"),
    [(each, how) for each in (prepared, prepared_plainly) for how in ("closed", "terminated")]
    + [(prepared_and_interrupted, "run")],
    ids=lambda each: getattr(each, "name", each),
)
async def test_what_was_not_awaited_yet_goes_without_a_warning(workflow: Any, how: str) -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        async with Kit() as kit:
            handle = await kit.start(workflow)
            await kit.advance(10)
            if how == "terminated":
                await kit.engine.terminate(handle.run_id)
            else:
                await kit.reopen()
                gc.collect()
                await kit.result(handle)
            await kit.drain(advance=True)
            await kit.check()
        gc.collect()
    assert [str(one.message) for one in said] == []


async def helped(what: str) -> str:
    return await arelease(what)


@workflow(name="closing-child")
async def small() -> str:
    return "small"


ELSE: dict[str, Any] = {
    "step": lambda: asyncio.gather(helped("a"), arelease("b"), small(), arelease("c")),
    "child": lambda: flow.gather(helped("a"), small(), arelease("b")),
    "begun child": lambda: asyncio.gather(helped("a"), flow.start_child(small).result(), arelease("b")),
    "sleep": lambda: flow.race(arelease("a"), flow.sleep(7), helped("b")),
    "timer": lambda: asyncio.gather(helped("a"), asyncio.sleep(7), arelease("b")),
    "signal": lambda: asyncio.gather(arelease("a"), flow.wait_for_signal("x"), return_exceptions=True),
    "each": lambda: flow.map(helped, ["a", "b"], concurrency=1),
}


def changed(ways: Any, *, plain: bool) -> Any:
    """Each time it is made it calls something else in the middle."""

    async def chained() -> None:
        await flow.sleep(5)
        await ways()
        await flow.sleep(100)

    def chained_plainly() -> None:
        flow.sleep(5)
        flow.gather(*ways())
        flow.sleep(100)

    return workflow(name="closing-changed")(chained_plainly if plain else chained)


async def stalls(before: Any, after: Any) -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        async with Kit() as kit:
            REGISTRY.add(before)
            handle = await kit.start(before)
            await kit.advance(10)
            REGISTRY.add(after)
            await kit.reopen()
            await kit.drain()
            assert (await kit.engine.explain(handle.run_id))["reason"] == "code_mismatch"
            await kit.check()
        gc.collect()
    assert [str(one.message) for one in said] == []


@pytest.mark.parametrize("way", ELSE)
async def test_what_a_call_that_does_not_fit_was_made_with_goes_without_a_warning(way: str) -> None:
    before = changed(lambda: asyncio.gather(*[release.submit("z") for _ in range(4)]), plain=False)
    await stalls(before, changed(ELSE[way], plain=False))


async def test_in_plain_code_too() -> None:
    before = changed(lambda: [release.submit("z") for _ in range(4)], plain=True)
    await stalls(before, changed(lambda: (helped("a"), arelease("b"), release.submit("c")), plain=True))


@workflow
async def forgetful() -> str:
    arelease("forgotten")
    await flow.sleep(1)
    return "ended"


async def test_an_await_that_is_forgotten_is_still_warned_of() -> None:
    with pytest.warns(RuntimeWarning, match="was never awaited"):
        async with Kit() as kit:
            assert await kit.run(forgetful) == "ended"
        gc.collect()


class Hidden:
    """A proxy outside of its time: whatever it is asked, even what it is, it raises."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(f"{name}: there is nothing behind this now")

    __iter__ = __len__ = __eq__ = __hash__ = __bool__ = __getattribute__  # type: ignore[assignment]


class HiddenDict(dict[str, Any]):
    def values(self) -> Any:
        raise RuntimeError("values")

    __iter__ = keys = items = __len__ = values


class HiddenList(list[Any]):
    def __iter__(self) -> Any:
        raise RuntimeError("__iter__")

    __len__ = __getitem__ = __iter__  # type: ignore[assignment]


class Waits:
    """Awaited in a way of its own: what the code waits in is no coroutine, and does not say what it is."""

    @property
    def __class__(self) -> Any:
        raise RuntimeError("__class__")

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __await__(self) -> Any:
        return self

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        return next(self.inner)


HIDDEN = {
    "proxy": Hidden,
    "list of proxies": lambda: [Hidden(), (Hidden(),)],
    "dict": lambda: HiddenDict(a=1),
    "list": lambda: HiddenList([1]),
}


@workflow
async def holding(what: str) -> str:
    hidden, later = HIDDEN[what](), release.submit("later")
    await flow.sleep(60)
    await later
    del hidden
    return "ended"


@workflow
def holding_plainly(what: str) -> str:
    hidden, later = HIDDEN[what](), arelease("later")
    flow.sleep(60)
    flow.gather(later)
    del hidden
    return "ended"


@workflow
async def holding_in_tasks(what: str) -> str:
    async def forever(hidden: Any) -> None:
        later = arelease("later")
        await asyncio.Event().wait()
        await later

    task = asyncio.create_task(forever(HIDDEN[what]()))
    await arelease("first")
    return "ended" if not task.done() else "?"


@workflow
async def holding_and_raising(what: str) -> str:
    hidden = HIDDEN[what]()
    await arelease("first")
    raise ValueError("no") if hidden is not None else TypeError


@workflow
async def waiting(what: str) -> str:
    later = arelease("later")
    await Waits(flow.sleep(60).__await__())
    return await later


class Names(dict[str, Any]):
    def values(self) -> Any:
        raise RuntimeError("values")


class Odd(type):
    @classmethod
    def __prepare__(cls, name: str, bases: Any, /, **_: Any) -> Any:
        return Names()


@workflow
def within_a_class(what: str) -> str:
    """Stands where the variables are kept by an object of the user's."""
    later = arelease("later")

    class Made(metaclass=Odd):
        flow.sleep(60)

    flow.gather(later)
    return Made.__name__


@pytest.mark.parametrize(
    ("workflow", "what", "how", "status"),
    [
        (each, what, how, {"terminated": "terminated", "cancelled": "cancelled", "closed": "completed"}[how])
        for each in (holding, holding_plainly)
        for what in HIDDEN
        for how in ("terminated", "cancelled", "closed")
    ]
    + [(holding_in_tasks, what, "run", "completed") for what in HIDDEN]
    + [(holding_and_raising, what, "run", "failed") for what in HIDDEN]
    + [(each, "", "terminated", "terminated") for each in (within_a_class, waiting)],
    ids=lambda each: getattr(each, "name", each),
)
async def test_what_the_code_holds_is_asked_nothing(workflow: Any, what: str, how: str, status: str) -> None:
    """Objects of the user's may raise whatever is asked of them: the run ends all the same."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        async with Kit() as kit:
            handle = await kit.start(workflow, what)
            await kit.advance(10)
            if how == "terminated":
                await kit.engine.terminate(handle.run_id)
            elif how == "cancelled":
                await kit.engine.cancel(handle.run_id)
            elif how == "closed":
                await kit.reopen()
            await kit.drain(advance=True)
            assert (await kit.engine.show(handle.run_id))["status"] == status
            assert kit.engine.engine.quarantined == {}
            await kit.check()
        gc.collect()
    assert [str(one.message) for one in said] == []
