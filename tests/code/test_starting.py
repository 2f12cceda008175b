"""Starts that are asked for wrongly: what is wrong, where, and what to do instead; and nothing is stored."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stepwell import InvalidInput, RunFailed, flow, step, workflow
from stepwell.model.queues import Queue
from stepwell.testing import Kit

pytestmark = pytest.mark.spec("U1", "U14")


@workflow(name="starts-checkout")
async def checkout(order: int, amount: float = 1.0) -> str:
    return f"{order}: {amount}"


@workflow(name="starts-anything")
async def anything(**given: Any) -> Any:
    return given


@step
async def charge(order: int) -> int:
    return order


async def undecorated(order: int) -> int:
    return order


WRONG: dict[str, tuple[Callable[[Any], Awaitable[Any]], str, str]] = {
    "an argument of the function": (
        lambda e: e.start(checkout, order=7),
        "start has no option 'order'", "arguments of starts-checkout .* kwargs={'order': …}",
    ),
    "any argument at all": (lambda e: e.start(anything, foo=7), "no option 'foo'", "kwargs={'foo': …}"),
    "a slip of the pen": (lambda e: e.start(checkout, 7, prority=5), "no option 'prority'", "did you mean priority?"),
    "nothing like it": (lambda e: e.start(checkout, 7, zzz=5), "no option 'zzz'", "its options are: attributes,.*key,"),
    "to wait": (lambda e: e.run(checkout, 7, timeout=5), "no option 'timeout'", r"result\(timeout=…\)"),
    "of a definition": (lambda e: e.start({"document": {}}, {}, prority=1), "'prority'", "priority"),
    "of a schedule": (
        lambda e: e.schedule("s", checkout, every=5, order=7), "schedule has no option 'order'", "kwargs={'order': …}",
    ),
    "a slip for a schedule": (lambda e: e.schedule("s", checkout, 7, evry=5), "no option 'evry'", "mean every?"),
    "a schedule's own key": (lambda e: e.schedule("s", checkout, 7, every=5, key="k"), "no option 'key'", "options"),
    "a schedule's own word": (
        lambda e: e.schedule("s", checkout, 7, every=5, variables={}), "no option 'variables'", "",
    ),
    "an argument is missing": (
        lambda e: e.start(checkout, title="7"), "missing a required argument: 'order'",
        r"it takes \(order: int, amount: float = 1.0\) -> str; those given by their names go into kwargs={…}",
    ),
    "an argument too many": (lambda e: e.start(checkout, 1, 2.0, 3), "too many positional arguments", "it takes"),
    "twice": (lambda e: e.start(checkout, 1, kwargs={"order": 2}), "multiple values for argument 'order'", "it takes"),
    "kwargs": (lambda e: e.start(checkout, kwargs=[1]), r"kwargs are an object with names, not \[1\]", ""),
    "tags": (lambda e: e.start(checkout, 1, tags="urgent"), "tags are an object with names, not 'urgent'", ""),
    "a tag": (lambda e: e.start(checkout, 1, tags={"a": 1}), "tag 'a' is a text, not 1", "attributes"),
    "priority": (lambda e: e.start(checkout, 1, priority="high"), "priority is a whole number, not 'high'", ""),
    "a huge priority": (lambda e: e.start(checkout, 1, priority=2**63), "priority is a whole number", ""),
    "variables": (lambda e: e.start(checkout, 1, variables=[1]), r"variables are an object with names, not \[1\]", ""),
    "attributes": (lambda e: e.start(checkout, 1, attributes=[1]), "attributes are an object", ""),
    "key": (lambda e: e.start(checkout, 1, key=7), "a key is a text, not 7", ""),
    "an empty key": (lambda e: e.start(checkout, 1, key=""), "a key has 1 to 1,000 characters, not 0", ""),
    "id": (lambda e: e.start(checkout, 1, id=7), "7 cannot be a run's id", "letters"),
    "queue": (lambda e: e.start(checkout, 1, queue=7), "a queue is a text, not 7", ""),
    "partition": (lambda e: e.start(checkout, 1, partition=7), "a partition is a text, not 7", ""),
    "mode": (lambda e: e.start(checkout, 1, mode=7), "mode must be normal or debug, not 7", ""),
    "no decorator": (lambda e: e.start(undecorated, 7), "undecorated is a plain function", "put @workflow on it"),
    "called already": (lambda e: e.start(undecorated(7)), r"undecorated\(…\) is the workflow called", r"start\(function"),
    "a step": (lambda e: e.start(charge, 7), "is a step", "with @workflow on it"),
    "nothing": (lambda e: e.start(None), "a NoneType cannot be run", "@workflow function, or a definition"),
    "scheduled without": (lambda e: e.schedule("s", undecorated, 7, every=5), "undecorated is a plain function", ""),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
async def test_a_wrong_start_says_what_is_wrong_and_what_to_do(what: str) -> None:
    start, said, hint = WRONG[what]
    async with Kit() as kit:
        with pytest.raises(InvalidInput, match=said) as raised:
            await start(kit.engine)
        assert re.search(hint, raised.value.hint)
        assert (await kit.engine.list())["runs"] == []
        assert await kit.engine.schedules() == []


@workflow(name="starts-a-child")
async def parent(given: dict[str, Any]) -> Any:
    return await flow.start_child(checkout, 7, **given).result()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"amount": 2.0}, r"start_child has no option 'amount'\n  hint: .*kwargs={'amount': …}"),
        ({"prority": 2}, "start_child has no option 'prority'\n  hint: did you mean priority"),
        ({"parent_id": "x"}, "no option 'parent_id'"),
        ({"priority": "high"}, "priority is a whole number"),
        ({"deadline": -1}, "deadline is a number of seconds"),
        ({"delay": 5, "deadline": 5}, "the deadline is before the run may begin"),
        ({"queue": "nowhere"}, "there is no queue 'nowhere'"),
    ],
)
async def test_a_child_asked_for_wrongly_fails_where_it_is_asked_for(
    given: dict[str, Any], said: str
) -> None:
    async with Kit() as kit:
        with pytest.raises(RunFailed, match=said) as failed:
            await kit.run(parent, given)
        assert "in parent" in str(failed.value) or "queue" in given
        await kit.check()


@workflow(name="starts-a-child-with-everything")
async def careful() -> Any:
    begun = flow.start_child(
        checkout, kwargs={"order": 7}, key="k", tags={"a": "b"}, priority=3, queue="tills", delay=timedelta(seconds=5),
        deadline=datetime(2100, 1, 1, tzinfo=UTC), partition="p", title="Seven", labels=["x"],
        attributes={"order": 7}, variables={"v": 1},
    )  # fmt: skip
    return [begun.run_id, await begun.result()]


async def test_a_child_takes_the_options_of_a_start() -> None:
    async with Kit(queues=[Queue("tills", partition_concurrency=1)]) as kit:
        handle = await kit.start(careful)
        await kit.advance(timedelta(seconds=4))
        assert await kit.engine.count() == {"running": 1, "pending": 1}
        await kit.advance(timedelta(seconds=1))
        child, result = await kit.result(handle)
        assert result == "7: 1.0"
        run = (await kit.engine.state(child)).run
        assert (run.queue, run.partition, run.priority, run.key, run.tags) == (
            "tills",
            "p",
            3,
            "k",
            {"a": "b"},
        )
        assert (run.title, run.labels, run.attributes, run.variables) == (
            "Seven",
            ("x",),
            {"order": 7},
            {"v": 1},
        )
        assert run.deadline == 4_102_444_800_000_000
        await kit.check()
