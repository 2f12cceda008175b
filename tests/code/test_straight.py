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
from stepwell.kernel.decide import decide
from stepwell.kernel.evolve import blank, replay
from stepwell.kernel.ruling import BEGINS_PER_TURN, Environment
from stepwell.model.commands import Proceed
from stepwell.model.effects import Interrupt
from stepwell.model.errors import InvalidInput
from stepwell.model.events import Event, RunCompleted, StepStarted
from stepwell.model.journal import Turn
from stepwell.model.records import State
from stepwell.testing import Kit
from tests.code.test_any_workflow import grow, grown

pytestmark = pytest.mark.spec("B3", "S3")

quick = actor.complete_at_once


class Watch:
    """Decides every quick turn in both ways, and compares."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.quick = self.others = self.ended = 0
        self.wrong: list[Any] = []
        """what differed (an error raised in a rule would only put the run aside)"""
        monkeypatch.setattr(actor, "complete_at_once", self.complete)
        self.turns: dict[str, list[Turn]] = {}

    def complete(self, definition: Any, state: State, command: Any, now: int, code: Any) -> Any:
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
        self.ended += found.ended is not None
        sender: Any = SimpleNamespace(state=state)
        pending = StraightPending(sender, 1, now, Mail(command), found.calls, found.ending)
        self.same((usual.events, usual.effects), (pending.events, pending.effects))
        more = [Interrupt("/do/0/x", 1)]
        also = pending.also(more, Mail(Proceed()))
        self.same((usual.events, [*usual.effects, *more]), (also.events, also.effects))
        self.same((usual.definition, list(usual.conditions), usual.answer), (definition, [], None))
        usual.merge()
        after = deepcopy(state)
        Straight.merge(rebased(found, after))
        self.same(after, before)
        return found

    def same(self, one: Any, other: Any) -> None:
        if one != other:
            self.wrong.append((one, other))


def rebased(found: Straight, state: State) -> Straight:
    """The same decision, about a copy of the state."""
    other = Straight(found.definition, state, state.steps[found.step.id], found.done, [])
    other.begun, other.ended = found.begun, deepcopy(found.ended)
    if other.ended is not None:
        other.ended.counts = state.run.counts
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
        assert all(getattr(outcome, name) == getattr(told, name) for name in told._fields)
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
