"""What one side writes into its own values the other does not see: the code's, the step's, the compensation's and the
journal's are four, live and after the code was gone through again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from stepwell import CallAgain, Queue, Retry, RunFailed, current, flow, step, workflow
from stepwell.model import events as e
from stepwell.testing import Kit
from stepwell.workers.copies import own_copy

pytestmark = pytest.mark.spec("B3", "Q14")


@dataclass
class Box:
    inside: Any


class Connection:
    pass


def given() -> dict[str, Any]:
    """Flat members, nested ones, and a list in a list."""
    return {"n": 1, "list": [1], "deep": [[{"n": 1}]]}


def spoil(value: Any) -> Any:
    value["n"] += 1
    value["list"].append(2)
    value["deep"][0][0]["n"] += 1
    return value


SPOILT = {"n": 2, "list": [1, 2], "deep": [[{"n": 2}]]}
AGAIN = pytest.mark.parametrize("again", [False, True], ids=["live", "reopened"])
PLAIN = pytest.mark.parametrize("annotation", [None, Any, dict, dict[str, Any], dict[str, object]], ids=str)


async def ended(kit: Kit, run_id: str, again: bool) -> Any:
    """The output, in the process that began or in another one."""
    await kit.drain()
    if again:
        await kit.reopen()
    return await kit.result(run_id)


async def recorded(kit: Kit, run_id: str, kind: type[Any]) -> list[Any]:
    turns = await kit.engine.engine.store.turns(run_id)
    return [event for turn in turns for event in turn.events if type(event) is kind]


def typed(function: Any, **annotations: Any) -> Any:
    function.__annotations__ |= {name: each for name, each in annotations.items() if each is not None}
    return function


@pytest.fixture(autouse=True)
async def nothing_left() -> AsyncIterator[None]:
    SEEN.clear()
    yield


SEEN: list[Any] = []


# --- what the code is told --------------------------------------------------------------------------------------------


@AGAIN
@PLAIN
async def test_a_steps_result_is_on_record_as_it_was_returned(annotation: Any, again: bool) -> None:
    async def make():  # type: ignore[no-untyped-def]
        return given()

    make_one = step(typed(make, **{"return": annotation}))

    @workflow(name="told-result")
    async def told() -> Any:
        first = spoil(await make_one())
        await flow.sleep(60)
        return first

    async with Kit(workflows=[told]) as kit:
        handle = await kit.start(told)
        assert await ended(kit, handle.run_id, again) == SPOILT
        assert (await recorded(kit, handle.run_id, e.StepCompleted))[0].output == given()


@AGAIN
@pytest.mark.parametrize("annotation", [Box, tuple[Any, ...], list[Any] | Box], ids=str)
async def test_what_an_annotation_rebuilds_holds_nothing_of_the_record(annotation: Any, again: bool) -> None:
    async def make():  # type: ignore[no-untyped-def]
        return {"inside": given()} if annotation is Box else [given()]

    make_one = step(typed(make, **{"return": annotation}))

    @workflow(name="told-built")
    async def told() -> Any:
        first = await make_one()
        spoil(first.inside if annotation is Box else first[0])
        await flow.sleep(60)
        return first

    async with Kit(workflows=[told]) as kit:
        handle = await kit.start(told)
        expected = {"inside": SPOILT} if annotation is Box else [SPOILT]
        assert await ended(kit, handle.run_id, again) == expected
        first = (await recorded(kit, handle.run_id, e.StepCompleted))[0].output
        assert first == ({"inside": given()} if annotation is Box else [given()])


@step
async def make() -> dict[str, Any]:
    return given()


@step(queue="own-values")
async def make_queued() -> dict[str, Any]:
    return given()


@workflow(name="own-child")
async def child(value: Any) -> Any:
    return value


@AGAIN
async def test_children_signals_and_queued_steps_tell_the_code_a_copy(again: bool) -> None:
    @workflow(name="told-all")
    async def told() -> Any:
        mine = given()
        begun = flow.start_child(child, mine)
        mine["n"] = 7
        heard = [
            await make_queued(),
            await flow.wait_for_signal("go"),
            await child(given()),
            await begun.result(),
        ]
        for each in heard:
            spoil(each)
        await flow.sleep(60)
        return heard

    async with Kit(queues=[Queue("own-values")]) as kit:
        handle = await kit.start(told)
        await kit.drain()
        await kit.engine.signal(handle.run_id, "go", given())
        assert await ended(kit, handle.run_id, again) == [SPOILT] * 4
        outputs = [each.output for each in await recorded(kit, handle.run_id, e.StepCompleted)]
        assert [each for each in outputs if each is not None] == [given()] * 4


# --- the workflow's input ---------------------------------------------------------------------------------------------


@step
def plain_step(n: int) -> int:
    return n


@AGAIN
@PLAIN
async def test_a_workflows_input_is_what_it_was_each_time_the_code_begins(
    annotation: Any, again: bool
) -> None:
    """Plain steps in an `async` workflow have its code begun anew in the same process."""

    async def told(value, *more, **rest):  # type: ignore[no-untyped-def]
        for each in (value, *more, *rest.values()):
            spoil(each)
        first = plain_step(value["n"])
        await flow.sleep(60)
        return [first, value, *more, rest]

    told_all = workflow(name="told-input")(typed(told, value=annotation, more=annotation, rest=annotation))
    async with Kit(workflows=[told_all]) as kit:
        handle = await kit.start(told_all, given(), given(), kwargs={"last": given()})
        assert await ended(kit, handle.run_id, again) == [2, SPOILT, SPOILT, {"last": SPOILT}]
        shown = (await kit.engine.show(handle.run_id))["input"]
        assert shown == {"value": given(), "more": [given()], "rest": {"last": given()}}


@AGAIN
async def test_an_input_that_an_annotation_rebuilds_is_what_it_was(again: bool) -> None:
    @workflow(name="told-box")
    async def told(box: Box) -> Any:
        spoil(box.inside)
        first = plain_step(box.inside["n"])
        await flow.sleep(60)
        return [first, box.inside]

    async with Kit(workflows=[told]) as kit:
        handle = await kit.start(told, Box(given()))
        assert await ended(kit, handle.run_id, again) == [2, SPOILT]
        assert (await kit.engine.show(handle.run_id))["input"] == {"box": {"inside": given()}}


# --- arguments of steps -----------------------------------------------------------------------------------------------


@step
async def spoils(value: dict[str, Any], *more: Any, named: Any = None) -> Any:
    for each in (value, *more, *((named,) if named else ())):
        spoil(each)
    return [value, *more, named]


@step
def spoils_plainly(pair: tuple[int, Any]) -> Any:
    return spoil(pair[1])


@AGAIN
async def test_what_a_step_does_to_its_arguments_the_workflow_does_not_see(again: bool) -> None:
    @workflow(name="giving")
    async def giving() -> Any:
        mine = [given(), given(), given(), given()]
        done = await spoils(mine[0], mine[1], named=mine[2])
        done.append(spoils_plainly((1, mine[3])))
        await flow.sleep(60)
        return [done, mine]

    async with Kit(workflows=[giving]) as kit:
        handle = await kit.start(giving)
        assert await ended(kit, handle.run_id, again) == [[SPOILT] * 4, [given()] * 4]
        inputs = [each.input for each in await recorded(kit, handle.run_id, e.StepStarted)]
        assert inputs[:2] == [{"args": [given(), given()], "named": given()}, [[1, given()]]]


@AGAIN
async def test_a_step_is_given_what_there_was_when_it_was_called(again: bool) -> None:
    @workflow(name="submitting")
    async def submitting() -> Any:
        mine = [given(), given()]
        begun = spoils.submit(mine[0], named=mine[1])
        mine[0]["n"] = mine[1]["n"] = 100
        mine[0]["deep"].clear()
        done = await begun
        await flow.sleep(60)
        return [done, mine[0]["n"]]

    async with Kit(workflows=[submitting]) as kit:
        handle = await kit.start(submitting)
        assert await ended(kit, handle.run_id, again) == [[SPOILT, SPOILT], 100]
        started = (await recorded(kit, handle.run_id, e.StepStarted))[0]
        assert started.input == {"args": [given()], "named": given()}


@step(retry=Retry(attempts=3, delay=5))
async def spoils_and_fails(value: dict[str, Any], **named: Any) -> Any:
    """Fails, waits, and is through."""
    SEEN.append([spoil(each) for each in (value, *named.values())])
    if current().attempt == 1:
        raise ValueError("not yet")
    if len(SEEN) == 2:
        raise CallAgain(5)
    return value


@AGAIN
@pytest.mark.parametrize("names", [(), ("named",)], ids=["by place", "by name"])
async def test_each_attempt_gets_the_same_arguments(names: tuple[str, ...], again: bool) -> None:
    @workflow(name="retrying")
    async def retrying() -> Any:
        mine = given()
        return [await spoils_and_fails(mine, **dict.fromkeys(names, mine)), mine]

    async with Kit(workflows=[retrying]) as kit:
        handle = await kit.start(retrying)
        assert await ended(kit, handle.run_id, again) == [SPOILT, given()]
        assert [[SPOILT] * (1 + len(names))] * 3 == SEEN


async def test_objects_go_to_a_step_as_they_are() -> None:
    """A connection, say: it is no part of the record, and no copy of it would do."""
    connection, circle = Connection(), [1]
    circle.append(circle)  # type: ignore[arg-type]

    @step
    async def same(it: Any, around: Any) -> bool:
        return it is connection and around[0] == 1

    @workflow(name="giving-objects")
    async def giving_objects() -> bool:
        return await same(connection, circle)

    async with Kit(workflows=[giving_objects]) as kit:
        assert await kit.run(giving_objects) is True


# --- undoing ----------------------------------------------------------------------------------------------------------


@step
async def take_back(value: Any, *, named: Any, result: Any) -> None:
    SEEN.append([spoil(value), spoil(named), spoil(result)])


@step(compensate=take_back)
async def put(value: Any, *, named: Any) -> Any:
    return given()


@AGAIN
async def test_a_compensation_gets_the_arguments_and_the_result_of_its_step(again: bool) -> None:
    @workflow(name="undone")
    async def undone() -> Any:
        mine, other = given(), given()
        for each in (mine, other, await put(mine, named=other)):
            spoil(each)
        await flow.sleep(60)
        raise ValueError("no")

    async with Kit(workflows=[undone]) as kit:
        handle = await kit.start(undone)
        with pytest.raises(RunFailed):
            await ended(kit, handle.run_id, again)
        started = [each.input for each in await recorded(kit, handle.run_id, e.StepStarted)]
        assert started[-1] == {"args": [given()], "named": given(), "result": given()}
        assert [[SPOILT] * 3] == SEEN


# --- what a step says and asks ----------------------------------------------------------------------------------------


@step
async def talks() -> Any:
    mine = given()
    for telling in (current().aset_variables(mine=mine), current().areport(mine)):
        told = asyncio.ensure_future(telling)
        await asyncio.sleep(0)
        mine["n"] += 1  # before it is on record
        await told
        mine["n"] -= 1
    spoil(mine)
    spoil(current().variable("mine"))
    return current().variable("mine")


@step
def talks_plainly() -> Any:
    mine = given()
    current().set_variables(mine=mine)
    current().report(mine)
    spoil(mine)
    spoil(current().variable("mine"))
    return current().variable("mine")


@pytest.mark.parametrize("talking", [talks, talks_plainly], ids=["async", "plain"])
async def test_what_a_step_has_recorded_is_no_longer_its_own(talking: Any) -> None:
    @workflow(name="talking")
    async def listening() -> Any:
        mine = given()
        flow.set_event("said", mine)
        spoil(mine)
        done = talking() if talking is talks_plainly else await talking()
        await flow.sleep(60)
        return done

    async with Kit(workflows=[listening]) as kit:
        handle = await kit.start(listening)
        await kit.drain()
        for _ in range(2):
            state = await kit.engine.state(handle.run_id)
            assert state.run.variables == {"said": given(), "mine": given()}
            assert [each.progress for each in state.steps.values() if each.progress] == [given()]
            await kit.reopen()
        assert await kit.result(handle.run_id) == given()


# --- the copy ---------------------------------------------------------------------------------------------------------


def test_containers_are_copied_and_all_else_is_the_same_object() -> None:
    there, pair = Connection(), (1, "a")
    nested = {"a": [1, {"b": (2, [3])}], "there": there, "pair": pair}
    own = own_copy(nested)
    assert own == nested
    assert own["there"] is there
    own["a"][1]["b"][1].append(4)
    assert nested["a"] == [1, {"b": (2, [3])}]
    assert own_copy(pair) is pair and own_copy(there) is there


def test_what_holds_itself_stays_one_thing() -> None:
    circle: list[Any] = []
    circle += [circle, circle]
    assert own_copy(circle) is circle
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    assert own_copy(deep) is deep
