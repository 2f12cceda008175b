"""The turn made without a draft: the same events, effects and state as the rules make with one."""

from __future__ import annotations

import asyncio
import random
from copy import deepcopy
from types import SimpleNamespace
from typing import Any

import pytest

from stepwell import step, workflow
from stepwell.definition.expression import evaluate
from stepwell.engine import actor
from stepwell.engine.mail import Mail, StraightPending
from stepwell.kernel.code import Straight
from stepwell.kernel.code.straight import StepOver
from stepwell.kernel.decide import decide
from stepwell.kernel.evolve import blank, replay
from stepwell.kernel.ruling import BEGINS_PER_TURN, Environment
from stepwell.model.commands import Proceed
from stepwell.model.effects import Interrupt
from stepwell.model.errors import InvalidInput, KeyConflict
from stepwell.model.events import Event, RunCompleted, StepStarted
from stepwell.model.journal import Turn
from stepwell.model.queues import Queue
from stepwell.model.records import State
from stepwell.testing import Kit
from tests.code.test_any_workflow import grow, grown

pytestmark = pytest.mark.spec("B3", "S3")

quick = actor.at_once


class Watch:
    """Decides every quick turn in both ways, and compares."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.quick = self.others = self.ended = self.started = 0
        self.wrong: list[Any] = []
        """what differed (an error raised in a rule would only put the run aside)"""
        monkeypatch.setattr(actor, "at_once", self.decided)

    def decided(self, definition: Any, state: State, command: Any, now: int, code: Any) -> Any:
        before = deepcopy(state)
        told = Told(code)
        found = quick(definition, state, command, now, told)
        self.same(state, before)  # nothing changes before the turn is taken
        if not isinstance(found, Straight):
            self.others += 1
            return found
        self.quick += 1
        told.again()
        usual = decide(definition, before, command, now, Environment(evaluate, code=told))
        self.same((usual.events, usual.effects), (found.events, found.effects))
        self.ended += found.ending is not None
        self.started += found.created is not None
        after = deepcopy(state)
        rebased(found, after).merge()
        sender: Any = SimpleNamespace(state=after)
        pending = StraightPending(sender, 1, now, Mail(command), found.calls, found.ending, found.created)
        self.same((usual.events, usual.effects), (pending.events, pending.effects))
        more = [Interrupt("/do/0/x", 1)]
        also = pending.also(more, Mail(Proceed()))
        self.same((usual.events, [*usual.effects, *more]), (also.events, also.effects))
        self.same((usual.definition, list(usual.conditions), usual.answer), (definition, [], None))
        usual.merge()
        self.same(after, before)
        return found

    def same(self, one: Any, other: Any) -> None:
        if one != other:
            self.wrong.append((one, other))


def rebased(found: Straight, state: State) -> Straight:
    """The same decision, about a copy of the state."""
    listed = deepcopy(found.listed)
    other = type(found)(found.definition, state, 0, [], found.ending, found.created, listed)
    other.begun = deepcopy(found.begun)
    if isinstance(found, StepOver):
        other.step, other.done = state.steps[found.step.id], found.done
        if listed is not None:
            listed.counts = state.run.counts
    return other


class Told:
    """A run's code that answers the same to the second who asks."""

    def __init__(self, code: Any) -> None:
        self._code, self._said, self._before = code, [], code.seen
        self._asked: int | None = None

    def again(self) -> None:
        self._asked = 0

    @property
    def seen(self) -> int:
        return self._code.seen if self._asked is None else self._before + self._asked

    @property
    def undoing(self) -> bool:
        return self._code.undoing

    def go_on(self, run: Any, outcome: Any, now: int) -> Any:
        if self._asked is None:
            self._said.append((outcome, self._code.go_on(run, outcome, now)))
            return self._said[-1][1]
        told, answer = self._said[self._asked]
        self._asked += 1
        assert told is outcome or all(getattr(outcome, name) == getattr(told, name) for name in told._fields)
        return answer

    def check_complete(self) -> None:
        self._code.check_complete()


async def played(seed: int, watch: Watch) -> None:
    chance = random.Random(seed)
    async with Kit() as kit:
        handle = await kit.start(grown, ["seq", *(grow(chance, 3) for _ in range(3))])
        for _ in range(20):
            await kit.drain(advance=True)
        await kit.check()
        memory = await kit.engine.state(handle.run_id)
        again = replay(blank(handle.run_id), await kit.engine.engine.store.turns(handle.run_id))
        again.tip = memory.tip
        assert again == memory


async def test_random_workflows(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch(monkeypatch)
    for seed in range(24):
        print(f"seed {seed}")
        await asyncio.wait_for(played(seed, watch), 60)
    assert not watch.wrong
    assert watch.quick > 25
    assert watch.others > 15
    assert watch.ended > 3
    assert watch.started > 5


async def test_all_that_is_said_of_a_run_when_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch(monkeypatch)
    async with Kit() as kit:
        said: dict[str, Any] = {
            "key": "k", "tags": {"a": "b"}, "priority": 3, "variables": {"v": [1]}, "attributes": {"n": 5},
            "title": "a title", "description": "what for", "labels": ["x", "y"], "properties": {"p": "q"}, "author": "me",
        }  # fmt: skip
        handle = await kit.start(wide, 2, **said)
        assert await kit.result(handle) == 2
        shown = await kit.engine.show(handle.run_id)
        assert {name: shown[name] for name in said} == said
        row = await kit.engine.engine.store.row(handle.run_id)
        assert row is not None and row.key == "k" and tuple(row.labels) == ("x", "y")
    assert (watch.started, watch.wrong) == (1, [])


@workflow(name="straight-empty")
async def empty(fails: bool) -> str:
    if fails:
        raise ValueError("at once")
    return "over"


async def test_a_run_without_a_step_is_one_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch(monkeypatch)
    async with Kit() as kit:
        handle = await kit.start(empty, False)
        assert await kit.result(handle) == "over"
        assert (await kit.engine.show(handle.run_id))["change"] == 1
        assert (watch.started, watch.ended, watch.others, watch.wrong) == (1, 1, 0, [])
        failed = await kit.start(empty, True)
        await kit.drain()
        assert (await kit.engine.show(failed.run_id))["status"] == "failed"
        assert (watch.started, watch.others, watch.wrong) == (1, 1, [])
        await kit.check()


@workflow(name="straight-echo")
async def echo(value: int) -> int:
    return value


async def test_a_start_that_was_refused_leaves_nothing_behind() -> None:
    """Its one turn was decided, and then was not the first of its id or key."""
    async with Kit() as kit:
        await kit.run(echo, 1, id="same")
        for again in ({"id": "same"}, {"key": "same"}):
            await kit.start(echo, 1, **again) if "key" in again else None
            with pytest.raises(KeyConflict):
                await kit.start(echo, 2, **again)
        assert await kit.engine.result("same") == 1
        assert {end.output for end in kit.engine.engine.ended._ends.values()} == {1}


@pytest.mark.parametrize("odd", [{"mode": "debug"}, {"queue": "q"}, {"deadline": 60}, {"held": True}])
async def test_a_start_of_which_something_special_is_said_goes_the_long_way(
    odd: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Watch(monkeypatch)
    async with Kit() as kit:
        if "queue" in odd:
            await kit.engine.put_queue(Queue("q"))
        await kit.start(wide, 1, **odd)
        await kit.drain()
    assert (watch.started, watch.wrong) == (0, [])


@step
async def one() -> int:
    return 1


@workflow(name="straight-wide")
async def wide(count: int) -> int:
    await one()
    return sum(await asyncio.gather(*(one() for _ in range(count))))


async def test_no_turn_begins_more_than_it_may_and_observers_hear_of_every_event() -> None:
    heard: list[tuple[int, Event]] = []
    async with Kit() as kit:
        kit.engine.on_event(lambda run_id, seq, at, event: heard.append((seq, event)))
        handle = await kit.start(wide, 1_500)
        assert await kit.result(handle) == 1_500
        turns = await kit.engine.engine.store.turns(handle.run_id)
    assert max(sum(type(event) is StepStarted for event in turn.events) for turn in turns) == BEGINS_PER_TURN
    assert heard == [(turn.seq, event) for turn in turns for event in turn.events]
    assert sum(type(event) is StepStarted for _, event in heard) == 1_501
    assert type(heard[-1][1]) is RunCompleted


async def test_what_cannot_be_stored_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store refuses the turn: the state in memory is the one of the journal."""
    async with Kit() as kit:
        store = kit.engine.engine.store
        append, refused = store.append, []

        def once(turn: Turn, *args: Any, **keywords: Any) -> bytes:
            if turn.seq == 2 and not refused:
                refused.append(turn)
                raise InvalidInput("this cannot be stored")
            return append(turn, *args, **keywords)

        monkeypatch.setattr(store, "append", once)
        handle = await kit.start(grown, ["seq", ["give", 1], ["give", 2], ["give", 3]])
        await kit.drain()
        assert refused
        memory = await kit.engine.state(handle.run_id)
        again = replay(blank(handle.run_id), await store.turns(handle.run_id))
        again.tip = memory.tip
        assert again == memory
        assert memory.run.status == "failed"
