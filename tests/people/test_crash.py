"""Procedures and the death of the process, at every commit; and several people at once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from stepwell.assembly import Stepwell
from stepwell.model.errors import Conflict, TransitionRefused
from stepwell.testing import Kit, kill_everywhere
from stepwell.testing.fate import Crashed
from tests.people.support import Procedure, procedure


async def record(level: float) -> dict[str, Any]:
    """A completion action: the outside is told."""
    return {"recorded": level}


ACTIONS = procedure(
    """
  - fill:
      call: form
      with:
        fields: [{id: level, kind: number, required: true}]
        actions:
          - event: {type: filled, title: "level ${ .level }", severity: {completed: success}}
          - set: {level: "${ .level }"}
          - function: {function: "tests.people.test_crash:record", arguments: {level: "${ .level }"}}
          - event: {type: recorded}
          - set: {recorded: true}
      metadata: {after: []}
  - look: {call: form, metadata: {after: [fill], autoStart: false}}
  - settle: {call: condition, with: {condition: {timer: PT10S}}, metadata: {after: [fill]}}
  - close: {set: {done: "${ $steps.fill.level }"}, metadata: {after: [look, settle]}}
""",
    name="filling",
)


async def go_through(kit: Kit) -> Any:
    """What people at a screen do: look where it stands, and do what can be done."""
    handle = await kit.engine.start(ACTIONS, key="one")
    run = handle.run_id
    for step, values in (("fill", {"level": 7.5}), ("look", None)):
        await kit.drain()
        can = (await kit.engine.show_step(run, step))["can"]
        if "start" in can:
            can = (await kit.engine.start_step(run, step, by="ada"))["can"]
        if "submit" in can:
            await kit.engine.submit_step(run, step, values, by="ada")
    return await kit.result(run)


@pytest.mark.spec("N9")
async def test_killed_at_every_commit_nothing_is_lost_and_nothing_done_twice() -> None:
    survey = await kill_everywhere(go_through)
    assert survey.commits > 5
    assert survey.crashes == 2 * survey.commits


async def submit_and_wait(kit: Kit) -> None:
    (view,) = (await kit.engine.list())["runs"]
    await kit.engine.submit_step(view["run_id"], "fill", {"level": 1}, by="ada")
    await kit.drain()


@pytest.mark.spec("N9")
async def test_events_are_on_record_once_however_often_the_process_died() -> None:
    async with Kit() as kit:
        run = (await kit.engine.start(ACTIONS)).run_id
        kit.crash_at(2, before=False)
        with pytest.raises(Crashed):
            await kit.play(submit_and_wait)
        await kit.reopen()
        await kit.drain()
        told = [e async for e in kit.engine.history(run) if e["type"] == "step.noticed"]
        assert [(e["action"], e["data"]["type"]) for e in told] == [(0, "filled"), (3, "recorded")]
        actions = (await kit.engine.show_step(run, "fill"))["actions"]
        assert [action["status"] for action in actions] == ["succeeded"] * 5


async def test_two_who_change_a_step_at_once() -> None:
    """Each has seen the same version: one is first, the other hears who it was."""
    async with Procedure(ACTIONS) as p:
        e, run = p.kit.engine, p.handle.run_id
        seen = (await e.show_step(run, "fill"))["version"]
        both = [
            e.set_values(run, "fill", {"level": level}, version=seen, by=who)
            for who, level in (("ada", 1), ("bob", 2))
        ]
        first, second = await asyncio.gather(*both, return_exceptions=True)
        assert first["values"]["level"] == 1  # type: ignore[index]
        assert isinstance(second, Conflict)
        assert "updated by ada" in str(second)


async def test_two_processes_that_submit_a_step_at_once() -> None:
    for _ in range(5):
        async with Procedure(ACTIONS) as p:
            run = p.handle.run_id
            guests = [await Stepwell.open(p.kit.path, clock=p.kit.clock, guest=True) for _ in range(3)]
            try:
                answers = await asyncio.gather(
                    *[
                        guest.submit_step(run, "fill", {"level": number}, by=f"person-{number}")
                        for number, guest in enumerate(guests)
                    ],
                    return_exceptions=True,
                )
            finally:
                for guest in guests:
                    await guest.close()
            refused = [answer for answer in answers if isinstance(answer, BaseException)]
            winners = [
                number for number, answer in enumerate(answers) if not isinstance(answer, BaseException)
            ]
            assert len(winners) == 1
            assert all(isinstance(error, TransitionRefused) for error in refused), refused
            assert all(f"by person-{winners[0]}" in str(error) for error in refused), refused
            await p.kit.drain()
            assert (await p.node("fill")).values == {"level": winners[0]}


@pytest.mark.spec("N3")
async def test_a_skip_and_a_submit_at_once() -> None:
    async with Procedure(ACTIONS) as p:
        e, run = p.kit.engine, p.handle.run_id
        await e.submit_step(run, "fill", {"level": 1}, by="ada")
        await p.kit.drain()
        await e.start_step(run, "look", by="ada")
        answers = await asyncio.gather(
            e.submit_step(run, "look", by="ada"),
            e.skip_step(run, "look", "enough seen", by="bob"),
            return_exceptions=True,
        )
        assert [isinstance(answer, TransitionRefused) for answer in answers] == [False, True]
        assert "by ada" in str(answers[1])
