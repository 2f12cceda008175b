"""Approvals in a whole engine: steps, on their own, the inbox; two at once; the process dies (SPEC X8, Q8, N1)."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import apsw
import pytest

from stepwell import Stepwell
from stepwell.model.errors import (
    AlreadyDecided,
    ApprovalClosed,
    Forbidden,
    InvalidInput,
    KeyConflict,
    NotFound,
    RunFailed,
)
from stepwell.model.people import Actor
from stepwell.stores.migrations import migrations
from stepwell.testing import Kit, kill_everywhere
from tests.people.support import Procedure, procedure

pytestmark = [pytest.mark.spec("X8"), pytest.mark.spec("Q8")]

HEAD = "document: {dsl: '1.0.3', namespace: test, name: flow, version: '1.0.0'}\n"
PAY = (
    HEAD
    + """
do:
  - pay:
      call: python
      with: {function: pay, arguments: {amount: '${ .amount }'}}
      metadata: {approval: ask}
"""
)
RELEASE = (
    HEAD
    + """
do:
  - fill:
      call: form
      with: {fields: [{id: pressure, kind: number, required: true}]}
  - release:
      call: approval
      with:
        title: Release the valve
        need: 2
        approvers: {people: [ada, bob], groups: [quality]}
        expires: PT1H
        actions: [{set: {released: true}}]
"""
)
EVE = Actor("eve", groups=("quality",))


class Till:
    """What was paid."""

    def __init__(self) -> None:
        self.paid: list[int] = []

    def pay(self, amount: int) -> int:
        self.paid.append(amount)
        return amount


async def test_nothing_is_held_while_people_think_and_a_restart_forgets_nothing() -> None:
    till = Till()
    async with Kit(functions={"pay": till.pay}) as kit:
        handle = await kit.engine.start(PAY, {"amount": 5}, author="ada")
        await kit.drain()
        assert not kit.engine.engine.dispatch.of_run(handle.run_id)
        why = await kit.engine.explain(handle.run_id)
        assert why["reason"] == "waiting_for_approval"
        assert "the approval of python:pay by anybody, not by ada" in why["summary"]
        assert why["next_actions"][0]["command"].startswith(
            f"stepwell approvals approve {handle.run_id} /do/0/pay"
        )
        stepwell = await kit.reopen()
        assert till.paid == []
        with pytest.raises(Forbidden):
            await stepwell.decide_approval(handle.run_id, "approve", by="ada")
        view = await stepwell.decide_approval(
            handle.run_id, "approve", by="bob", comment="fine", metadata={"n": 1}
        )
        assert (view["status"], view["decisions"][0]["by"], view["decisions"][0]["comment"]) == (
            "approved", "bob", "fine",
        )  # fmt: skip
        assert await stepwell.result(handle.run_id) == 5
        assert till.paid == [5]
        audit = await stepwell.audit(handle.run_id)
        assert ("approval.decided", "bob") in [(line["what"], line["by"]) for line in audit]
        assert (await stepwell.doctor())["ok"]


async def test_a_quorum_step_of_a_procedure() -> None:
    async with Kit() as kit:
        stepwell = kit.engine
        handle = await stepwell.start(RELEASE)
        await stepwell.submit_step(handle.run_id, "fill", {"pressure": 4.5}, by="bob")
        await kit.drain()
        with pytest.raises(Forbidden, match="whoever asked"):  # bob submitted the form before it
            await stepwell.decide_approval(handle.run_id, "approve", step="release", by="bob")
        await stepwell.decide_approval(handle.run_id, "approve", step="release", by="ada")
        with pytest.raises(AlreadyDecided):
            await stepwell.decide_approval(handle.run_id, "reject", step="release", by="ada")
        await stepwell.decide_approval(handle.run_id, "approve", step="release", by=EVE)
        view = await stepwell.wait(handle.run_id)
        assert view["output"]["decision"] == "approved"
        assert [each["by"] for each in view["output"]["decisions"]] == ["ada", "eve"]
        assert (await kit.engine.state(handle.run_id)).run.variables == {"released": True}
        with pytest.raises(ApprovalClosed, match="approved by eve"):
            await stepwell.decide_approval(handle.run_id, "reject", by="kim")


async def test_the_clock_rejects() -> None:
    async with Kit() as kit:
        handle = await kit.engine.start(RELEASE)
        await kit.engine.submit_step(handle.run_id, "fill", {"pressure": 1}, by="bob")
        await kit.engine.decide_approval(handle.run_id, "approve", by="ada")
        await kit.reopen()
        await kit.advance(3599)
        assert (await kit.engine.approval(handle.run_id))["status"] == "pending"
        await kit.advance(2)
        view = await kit.engine.approval(handle.run_id)
        assert (view["status"], view["given"]) == ("expired", 1)
        with pytest.raises(RunFailed, match="1 of 2 approved in time"):
            await kit.engine.result(handle.run_id)


async def inbox_of(stepwell: Stepwell, by: Any) -> list[str]:
    return [item["title"] for item in (await stepwell.inbox(by, kind="approval"))["items"]]


async def test_it_is_in_the_inbox_of_those_who_may_decide() -> None:
    async with Kit(policy={"mode": "ask", "approvers": {"groups": ["quality"]}, "need": 2}) as kit:
        stepwell = kit.engine
        handle = await stepwell.start(RELEASE)
        await stepwell.submit_step(handle.run_id, "fill", {"pressure": 1}, by="kim")
        other = await stepwell.start(
            HEAD + "do: [{a: {run: {shell: {command: ls}}, metadata: {title: Look}}}]", author="eve"
        )
        await kit.drain()
        assert await inbox_of(stepwell, "ada") == ["Release the valve"]
        assert await inbox_of(stepwell, EVE) == ["Release the valve"], "she asked for the other one"
        assert sorted(await inbox_of(stepwell, None)) == ["Look", "Release the valve"]
        assert [each["run_id"] for each in await stepwell.pending_approvals(EVE)] == [handle.run_id]
        assert len(await stepwell.pending_approvals()) == 2
        assert [
            each["what"] for each in await stepwell.pending_approvals(groups=["quality"], run=other.run_id)
        ] == ["shell:ls"]
        await stepwell.delegate_approval(handle.run_id, "jo", by="ada", comment="on leave")
        assert (await inbox_of(stepwell, "ada"), await inbox_of(stepwell, "jo")) == (
            [],
            ["Release the valve"],
        )
        assert [each["delegations"][0]["to"] for each in await stepwell.pending_approvals("jo")] == ["jo"]
        await stepwell.decide_approval(handle.run_id, "approve", by="jo")
        assert await inbox_of(stepwell, "jo") == []
        await stepwell.cancel(other.run_id, "no need")
        await kit.drain()
        assert await inbox_of(stepwell, EVE) == ["Release the valve"]
        assert (await stepwell.approval(other.run_id))["status"] == "withdrawn"
        report = await stepwell.doctor()
        assert report["ok"], report
        before = await stepwell.inbox()
        await stepwell.doctor(rebuild=True)
        assert await stepwell.inbox() == before


async def test_an_approval_on_its_own() -> None:
    async with Kit() as kit:
        stepwell = kit.engine
        asked = await stepwell.request_approval(
            "Delete the bucket", {"bucket": "logs"}, approvers={"groups": ["quality"]}, need=1, expires="PT8H",
            key="bucket", by="ada", metadata={"ticket": 7},
        )  # fmt: skip
        assert (asked["status"], asked["what"], asked["arguments"]) == (
            "pending", "Delete the bucket", {"bucket": "logs"},
        )  # fmt: skip
        assert (asked["excluded"], asked["metadata"]) == (["ada"], {"ticket": 7})
        again = await stepwell.request_approval(
            "Delete the bucket", {"bucket": "logs"}, approvers={"groups": ["quality"]}, expires="PT8H", key="bucket",
            by="ada", metadata={"ticket": 7},
        )  # fmt: skip
        assert again["run_id"] == asked["run_id"]
        with pytest.raises(KeyConflict):
            await stepwell.request_approval("Something else", key="bucket")
        await stepwell.decide_approval(asked["run_id"], "approve", by=EVE)
        view = await stepwell.wait(asked["run_id"])
        assert (view["status"], view["output"]["decision"]) == ("completed", "approved")


@pytest.mark.parametrize(("verdict", "came"), [("reject", "rejected"), (None, "expired")])
async def test_one_on_its_own_completes_whatever_is_decided(verdict: str | None, came: str) -> None:
    async with Kit() as kit:
        asked = await kit.engine.request_approval("Ship it", expires={"minutes": 5})
        if verdict is not None:
            await kit.engine.decide_approval(asked["run_id"], verdict, by="bob", comment="not today")
        await kit.advance(301)
        view = await kit.engine.wait(asked["run_id"])
        assert (view["status"], view["output"]["decision"]) == ("completed", came)
        assert ("not today" in view["output"]["reason"]) is (verdict is not None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"what": " "},
        {"need": 0},
        {"need": 2, "approvers": {"people": ["ada"]}},
        {"approvers": {"persons": []}},
        {"expires": "later"},
        {"expires": "PT0S"},
        {"by": ""},
    ],
)
async def test_what_cannot_be_asked_is_refused_and_leaves_nothing(wrong: dict[str, Any]) -> None:
    async with Kit() as kit:
        with pytest.raises(InvalidInput):
            await kit.engine.request_approval(**{"what": "Ship it", **wrong})
        assert (await kit.engine.list())["runs"] == []


async def test_what_cannot_be_decided_is_refused() -> None:
    async with Kit() as kit:
        asked = await kit.engine.request_approval("Ship it")
        for wrong in ("maybe", "approved", ""):
            with pytest.raises(InvalidInput):
                await kit.engine.decide_approval(asked["run_id"], wrong, by="ada")
        for by in ("", " ", "x" * 201):
            with pytest.raises(InvalidInput):
                await kit.engine.decide_approval(asked["run_id"], "approve", by=by)
        with pytest.raises(NotFound):
            await kit.engine.decide_approval("no-such-run", "approve", by="ada")
        with pytest.raises(NotFound):
            await kit.engine.decide_approval(asked["run_id"], "approve", by="ada", step="other")
        with pytest.raises(InvalidInput):
            await kit.engine.pending_approvals(limit=0)


async def test_the_process_dies_at_every_commit_of_an_approval() -> None:
    """A client that does everything again after a crash finds what is there: decided once, paid for once."""

    async def scenario(kit: Kit) -> Any:
        handle = await kit.engine.start(PAY, {"amount": 5}, key="pay")
        await kit.drain()
        asked = await kit.engine.approval(handle.run_id)
        if asked["status"] == "pending":
            await kit.engine.decide_approval(handle.run_id, "approve", by="bob")
        done = await kit.engine.result(handle.run_id)
        asked = await kit.engine.approval(handle.run_id)
        return [done, asked["number"], [each["by"] for each in asked["decisions"]]]

    survey = await kill_everywhere(scenario, functions={"pay": Till().pay})
    assert survey.crashes >= 2 * (survey.commits - 1) > 0


@pytest.mark.parametrize("threads", [False, True])
async def test_of_two_who_decide_at_once_one_is_told_who_won(tmp_path: Path, threads: bool) -> None:
    """Two engines (as two processes are) on one file, or many callers of one."""
    till, path = Till(), tmp_path / "two.db"
    async with Stepwell.open(path, functions={"pay": till.pay}, warm_up=False) as stepwell:
        handle = await stepwell.start(PAY, {"amount": 5})
        await _asked(stepwell, handle.run_id)
        names = [f"person-{n}" for n in range(6)]
        if threads:
            outcomes = await asyncio.to_thread(_in_threads, path, handle.run_id, names)
        else:
            told = (stepwell.decide_approval(handle.run_id, "approve", by=name) for name in names)
            outcomes = await asyncio.gather(*told, return_exceptions=True)
        won = [each for each in outcomes if not isinstance(each, BaseException)]
        lost = [each for each in outcomes if isinstance(each, BaseException)]
        assert len(won) == 1
        winner = won[0]["decisions"][0]["by"]
        assert len(lost) == 5
        for each in lost:
            assert isinstance(each, ApprovalClosed), each
            assert (each.by, each.status) == (winner, "approved")
        assert await asyncio.wait_for(stepwell.result(handle.run_id), 30) == 5
        assert till.paid == [5]


async def _asked(stepwell: Stepwell, run_id: str) -> None:
    while not (await stepwell.state(run_id)).approvals:
        await asyncio.sleep(0)


def _in_threads(path: Path, run_id: str, names: list[str]) -> list[Any]:
    """Each in a thread of its own, with a store of its own: only the journal is between them."""
    barrier, outcomes = threading.Barrier(len(names)), []

    def decide(name: str) -> None:
        async def main() -> Any:
            async with Stepwell.open(path, guest=True, warm_up=False) as guest:
                await asyncio.to_thread(barrier.wait, 30)
                return await guest.decide_approval(run_id, "approve", by=name)

        try:
            outcomes.append(asyncio.run(main()))
        except Exception as error:
            outcomes.append(error)

    threads = [threading.Thread(target=decide, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return outcomes


async def test_nobody_approves_through_a_run_inside_the_own_one() -> None:
    inner = PAY.replace("name: flow", "name: inner")
    outer = (
        HEAD
        + "do: [{a: {run: {workflow: {namespace: test, name: inner, version: '1.0.0', input: {amount: 5}}}}}]"
    )
    till = Till()
    async with Kit(functions={"pay": till.pay}, policy={"mode": "ask", "allow": ["python:*"]}) as kit:
        await kit.engine.add_definition(inner)
        handle = await kit.engine.start(outer, author="ada")
        await kit.drain()
        await kit.engine.decide_approval(handle.run_id, "approve", by="bob")
        await kit.drain()
        (inside,) = [each for each in await kit.engine.pending_approvals() if each["run_id"] != handle.run_id]
        assert inside["excluded"] == ["ada"]
        with pytest.raises(Forbidden, match="whoever asked"):
            await kit.engine.decide_approval(inside["run_id"], "approve", by="ada")
        await kit.engine.decide_approval(inside["run_id"], "approve", by="bob")
        assert await kit.engine.result(handle.run_id) == 5


@pytest.mark.spec("X8")
async def test_who_asked_is_found_behind_what_nobody_submits() -> None:
    """Between the form and the question stand a condition and a piece of code, begun in the very turn of the form."""
    body = """
  - plan: {call: form, metadata: {after: []}}
  - look: {call: form, metadata: {after: []}}
  - settle: {call: condition, with: {condition: {expression: '${ true }'}}, metadata: {after: [plan]}}
  - count: {set: {n: 1}, metadata: {after: [settle, look]}}
  - release: {call: approval, with: {title: Go}, metadata: {after: [count]}}
"""
    async with Procedure(procedure(body)) as p:
        await p.submit("plan", by=Actor("ada"))
        assert (await p.node("settle")).stamps["submitted"].by is None
        await p.submit("look", by=Actor("bob"))
        asked = await p.kit.engine.approval(p.handle.run_id, "release")
        assert sorted(asked["excluded"]) == ["ada", "bob"]
        with pytest.raises(Forbidden):
            await p.kit.engine.decide_approval(p.handle.run_id, "approve", by="ada")
        await p.kit.engine.decide_approval(p.handle.run_id, "approve", by="cyd")
        assert (await p.run()).status == "completed"


async def open_approvals(kit: Kit) -> list[str]:
    """Three that are open: decided once and handed on, asked for by who may not decide, asked for anew; and one of a
    workflow in a run of its own that nobody has said anything of."""
    e = kit.engine
    runs = [
        (await e.start(text, {"amount": 5}, author=who)).run_id
        for text, who in ((RELEASE, "kim"), (PAY, "eve"))
    ]
    await e.submit_step(runs[0], "fill", {"pressure": 1}, by="kim")
    await kit.drain()
    await e.decide_approval(runs[0], "approve", by="ada")
    await e.delegate_approval(runs[0], "jo", by="bob")
    again = (await e.start(PAY, {"amount": 5}, author="ann")).run_id
    await kit.drain()
    await e.decide_approval(again, "reject", by="bob")
    await kit.drain()
    await e.retry(again)
    runs += [again, (await e.start(PAY, {"amount": 5})).run_id]
    await kit.drain()
    assert len(await e.pending_approvals()) == 4
    return runs


async def inboxes(stepwell: Stepwell) -> dict[str, Any]:
    people = {name: Actor(name, groups=("quality",)) for name in ("ada", "bob", "jo", "kim", "eve", "ann")}
    return {name: (await stepwell.inbox(actor))["items"] for name, actor in people.items()}


@pytest.mark.spec("N15")
async def test_a_rebuilt_inbox_has_the_approvals_of_every_kind_of_run() -> None:
    async with Kit(functions={"pay": Till().pay}) as kit:
        await open_approvals(kit)
        before = await inboxes(kit.engine)
        kit_db(kit, "DELETE FROM work")
        found = (await kit.engine.doctor())["findings"]
        assert [finding["code"] for finding in found] == ["work_differs"] * 4
        assert (await kit.engine.doctor(rebuild=True))["findings"] == []
        assert await inboxes(kit.engine) == before


@pytest.mark.spec("N15")
async def test_open_approvals_of_an_older_file_are_past_for_who_has_decided() -> None:
    """The step of the schema makes of the journal what the engine would have written."""
    async with Kit(functions={"pay": Till().pay}) as kit:
        await open_approvals(kit)
        before = await inboxes(kit.engine)
        assert len({len(items) for items in before.values()}) > 1, "not all of them see all"
        await kit.engine.close()
        for statement in (
            """UPDATE work SET who = coalesce((
                SELECT json_group_array(value) FROM json_each(who) WHERE value NOT GLOB 'x:*' AND value <> ''
            ), '[]')""",
            "DELETE FROM work_names WHERE who GLOB 'x:*'",
            next(step.script for step in migrations("sqlite") if step.name == "past"),
        ):
            kit_db(kit, statement)
        await kit.reopen()
        assert (await kit.engine.doctor())["findings"] == []
        assert await inboxes(kit.engine) == before


def kit_db(kit: Kit, statement: str) -> None:
    db = apsw.Connection(str(kit.path))
    db.execute(statement)
    db.close()
