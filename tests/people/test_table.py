"""Who may ask what of a step, and when: every cell of the table, against what is written here by hand.

Columns: p a person may, s a service may, e the engine does of itself, . nobody. SPEC N2 to N4, N10, N12.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from stepwell.kernel.people.table import Request, permit
from stepwell.model.errors import InvalidForm, StepwellError, TransitionRefused
from stepwell.model.people import Actor, ActorKind, Node, Target
from stepwell.model.people_commands import AssignStep, PeopleCommand, RepeatStep, UpdateStep
from stepwell.model.records import Step
from stepwell.model.states import StepStatus
from tests.people.support import Procedure, procedure

EXPECTED = """
                   pending scheduled running waiting submitted paused completed failed timed_out skipped cancelled
start              pse     e         .       .       .         .      .         .      .         .       .
set_values         ps      .         ps      .       .         .      .         .      .         .       .
set_auto_proceed   ps      .         ps      .       .         .      .         .      .         .       .
submit             .       .         pse     e       .         .      .         .      .         .       .
skip               ps      ps        ps      ps      ps        ps     .         .      .         .       .
fail               pse     pse       pse     pse     pse       pse    e         .      .         e       .
assign             ps      ps        ps      ps      ps        ps     .         .      .         .       .
repeat             .       .         .       .       .         .      ps        ps     ps        ps      .
decide             .       .         .       p       .         .      .         .      .         .       .
move_condition     .       .         .       .       e         .      .         .      .         .       .
note_late          .       .         .       .       .         .      e         e      e         e       .
complete           .       .         .       .       e         .      .         .      .         .       .
reopen             .       .         .       .       .         .      .         .      .         .       .
"""
KINDS = {"p": ActorKind.PERSON, "s": ActorKind.SERVICE, "e": ActorKind.ENGINE}


def expected() -> dict[tuple[StepStatus, Request, ActorKind], bool]:
    head, *rows = [line.split() for line in EXPECTED.strip().splitlines()]
    assert [StepStatus(name) for name in head] == list(StepStatus)[:6] + [
        StepStatus(name) for name in head[6:]
    ]
    cells = {}
    for request, *marks in rows:
        assert len(marks) == len(head), request
        for status, mark in zip(head, marks, strict=True):
            for letter, kind in KINDS.items():
                cells[StepStatus(status), Request(request), kind] = letter in mark
    return cells


CELLS = expected()


def test_the_table_by_hand_has_every_cell() -> None:
    assert set(CELLS) == set(itertools.product(StepStatus, Request, ActorKind))


@pytest.mark.spec("N2")
@pytest.mark.spec("N3")
@pytest.mark.spec("N4")
@pytest.mark.spec("N10")
@pytest.mark.parametrize(("status", "request_", "kind"), sorted(CELLS), ids="-".join)
def test_every_cell(status: StepStatus, request_: Request, kind: ActorKind) -> None:
    step = Step("/do/0/s", "/do/0/s", "call:form", "/do", 0, status=status)
    try:
        permit(step, Node("/do/0/s", "s"), request_, kind)
        allowed = True
    except TransitionRefused:
        allowed = False
    assert allowed is CELLS[status, request_, kind]


# --- the same from outside: a real step in every state that a form can be in --------------------------

SAMPLE = procedure(
    """
  - first: {call: form, with: {fields: [{id: a, kind: integer}]}, metadata: {after: []}}
  - second:
      call: form
      with:
        fields: [{id: a, kind: integer}]
        condition: {timer: PT1H}
      metadata: {after: [first], autoStart: false}
""",
    metadata="{autoClose: false}",
)


async def pending(p: Procedure) -> None:
    await p.submit("first")


async def running(p: Procedure) -> None:
    await pending(p)
    await p.start("second")


async def submitted(p: Procedure) -> None:
    await running(p)
    await p.ask(UpdateStep("second", target=Target.SUBMITTED))


async def completed(p: Procedure) -> None:
    await submitted(p)
    from datetime import timedelta

    await p.kit.advance(timedelta(hours=1))


async def failed(p: Procedure) -> None:
    await running(p)
    await p.fail("second")


async def skipped(p: Procedure) -> None:
    await pending(p)
    await p.skip("second")


STATES: dict[StepStatus, Callable] = {  # type: ignore[type-arg]
    StepStatus.PENDING: pending,
    StepStatus.RUNNING: running,
    StepStatus.SUBMITTED: submitted,
    StepStatus.COMPLETED: completed,
    StepStatus.FAILED: failed,
    StepStatus.SKIPPED: skipped,
}
ASKED: dict[Request, PeopleCommand] = {
    Request.START: UpdateStep("second", target=Target.RUNNING),
    Request.SET_VALUES: UpdateStep("second", {"a": 1}),
    Request.SET_AUTO_PROCEED: UpdateStep("second", auto_proceed=False),
    Request.SUBMIT: UpdateStep("second", target=Target.SUBMITTED),
    Request.SKIP: UpdateStep("second", target=Target.SKIPPED, reason="why"),
    Request.FAIL: UpdateStep("second", target=Target.FAILED, reason="why"),
    Request.ASSIGN: AssignStep("second", ("cy",)),
    Request.REPEAT: RepeatStep("second"),
}


@pytest.mark.spec("N2")
@pytest.mark.spec("N4")
@pytest.mark.parametrize("status", STATES)
async def test_every_request_of_people_from_outside(status: StepStatus) -> None:
    """In one run per state: what is refused changes nothing, so that all of it can be asked one after the other."""
    for kind in (ActorKind.PERSON, ActorKind.SERVICE):
        allowed = [request for request in ASKED if CELLS[status, request, kind]]
        async with Procedure(SAMPLE) as p:
            await STATES[status](p)
            step = await p.step("second")
            assert step.status is status
            seq = (await p.run()).seq
            for request in set(ASKED) - set(allowed):
                with pytest.raises(TransitionRefused):
                    await p.ask(ASKED[request], Actor("who", kind))
            assert (await p.run()).seq == seq
        for request in allowed:
            async with Procedure(SAMPLE) as p:
                await STATES[status](p)
                await p.ask(ASKED[request], Actor("who", kind))
                assert any(
                    stamp.by == "who"
                    for stamp in (await p.kit.engine.state(p.handle.run_id)).nodes[step.id].stamps.values()
                )


@pytest.mark.spec("N2")
@pytest.mark.parametrize("target", [status for status in StepStatus if status not in list(Target)])
async def test_nobody_can_ask_for_any_other_state(target: StepStatus) -> None:
    async with Procedure(SAMPLE) as p:
        with pytest.raises(StepwellError, match="nobody can ask for"):
            await p.kit.engine.update_step(p.handle.run_id, "first", target=target, by="ada")
        with pytest.raises(InvalidForm):
            await p.kit.engine.update_step(p.handle.run_id, "first", {"a": "x"}, target="submitted", by="ada")
