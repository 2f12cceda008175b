"""Runs that go on with another version of their definition."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from stepwell import NotFound, Stepwell
from stepwell.client.handle import Handle
from stepwell.model import commands as c
from stepwell.model.errors import Conflict, MigrationBlocked
from stepwell.model.people import Actor, Target
from stepwell.model.people_commands import RepeatStep, UpdateStep
from stepwell.testing import Kit, kill_everywhere
from tests.versions.helpers import Document, changed, document, loop, task

NAME = "stand/hotfire"


def form(name: str, *after: str, **members: Any) -> Document:
    fields = [{"id": "p", "kind": "number", "required": True}]
    metadata = {"after": list(after), **members.pop("metadata", {})}
    return {name: {"call": "form", "with": {"fields": fields, **members}, "metadata": metadata}}


def procedure(*tasks: Document, fields: list[Document] | None = None) -> Document:
    made = document(*tasks)
    made["document"]["metadata"] = {"procedure": {"fields": fields or []}}
    return made


async def submit(kit: Kit, handle: Handle, step: str, values: Any = None) -> None:
    command = UpdateStep(step, {"p": 1} if values is None else values, target=Target.SUBMITTED)
    await kit.engine.engine.command(handle.run_id, c.Signed(Actor("ada"), command))
    await kit.drain()


async def statuses(kit: Kit, handle: Handle) -> dict[str, str]:
    state = await kit.engine.state(handle.run_id)
    return {name: state.steps[step].status.value for name, step in state.graphs["/do"].steps.items()}


async def paused(kit: Kit, first: Document, *done: str) -> Handle:
    """A run of it with these steps done."""
    await kit.engine.create_procedure(first)
    handle = await kit.engine.start(NAME, branch="main", key="k")
    await kit.drain()
    for step in done:
        await submit(kit, handle, step)
    await handle.pause()
    await kit.drain()
    return handle


async def resumed(kit: Kit, handle: Handle) -> None:
    await kit.engine.resume(handle.run_id)
    await kit.drain()


@pytest.mark.spec("Q16")
async def test_a_graph_goes_on_with_other_steps() -> None:
    old = procedure(form("check"), form("fill", "check"), form("vent", "fill"), form("close", "vent"))
    new = procedure(
        form("first"), form("check", title="Check!"), form("inspect", "check"),
        form("fill", "check", "inspect", metadata={"required": True}), form("close", "fill"),
    )  # fmt: skip
    async with Kit() as kit:
        handle = await paused(kit, old, "check")
        before = (await kit.engine.show(handle.run_id))["commit"]
        made = await kit.engine.commit_procedure(new, message="another way")
        plan = await kit.engine.plan_migration(handle.run_id)
        assert plan["blockers"] == [
            "task fill: changed (metadata.after, metadata.required) while it is going on"
        ]
        with pytest.raises(MigrationBlocked, match="while it is going on"):
            await kit.engine.migrate(handle.run_id)
        assert (await kit.engine.show(handle.run_id))["commit"] == before
        new["do"][3] = form("fill", "check")
        new["do"][4] = form("close", "fill", "inspect")
        made = await kit.engine.commit_procedure(new, message="so")
        view = await kit.engine.migrate(handle.run_id)
        assert view["version"] == "1.0.0"
        assert (await kit.engine.show(handle.run_id))["commit"] == made["commit"]
        assert await statuses(kit, handle) == {
            "first": "scheduled", "check": "completed", "inspect": "scheduled", "fill": "running", "close": "pending",
        }  # fmt: skip
        state = await kit.engine.state(handle.run_id)
        vent = next(step for step in state.steps.values() if step.name == "vent")
        assert (vent.status.value, vent.skip_reason) == ("skipped", "it is no part of version 1.0.0")
        assert (state.steps["/do/0/check"].path, state.steps["/do/1/fill"].path) == (
            "/do/1/check",
            "/do/3/fill",
        )
        assert (state.nodes["/do/0/check"].commit, state.nodes["/do/3/close"].commit) == (before, None)
        await kit.reopen()
        await resumed(kit, handle)
        assert await statuses(kit, handle) == {
            "first": "running", "check": "completed", "inspect": "running", "fill": "running", "close": "pending",
        }  # fmt: skip
        for name in ("fill", "inspect", "first"):
            await submit(kit, handle, name)
        await submit(kit, handle, "close")
        assert await kit.result(handle) == {name: {"p": 1} for name in await statuses(kit, handle)}
        await kit.check()
        assert (await kit.engine.doctor())["findings"] == []


@pytest.mark.spec("Q16")
async def test_every_reason_is_told_and_nothing_is_changed() -> None:
    old = procedure(form("check"), form("fill", "check"), form("vent", "fill"), fields=[])
    async with Kit() as kit:
        await kit.engine.create_procedure(old)
        handle = await kit.engine.start(NAME, branch="main")
        await submit(kit, handle, "check")
        new = procedure(
            form("fill", "check"), {"check": {"set": {"a": 1}, "metadata": {"after": []}}},
            fields=[{"id": "stand", "kind": "text", "required": True}],
        )  # fmt: skip
        new["do"][0]["fill"]["with"]["fields"].append({"id": "q", "kind": "text", "required": True})
        await kit.engine.commit_procedure(new, message="new")
        history = await kit.history(handle)
        with pytest.raises(MigrationBlocked) as told:
            await kit.engine.migrate(handle.run_id)
        assert [reason.partition(":")[0] for reason in told.value.reasons] == [
            "document run", "field stand", "field fill.q", "task check", "field check.p",
        ]  # fmt: skip
        assert (await kit.engine.plan_migration(handle.run_id))["level"] == "incompatible"
        assert await kit.history(handle) == history
        with pytest.raises(NotFound):
            await kit.engine.migrate(handle.run_id, "none")
        other = changed(old, "document", "name", to="other")
        await kit.engine.add_definition(other)
        with pytest.raises(MigrationBlocked, match="another one than"):
            await kit.engine.migrate(handle.run_id, "stand/other:1.0.0")


@pytest.mark.spec("Q16")
async def test_a_line_of_tasks_goes_on_with_what_comes_later() -> None:
    wait: Document = {"w": {"wait": {"seconds": 10}}}
    old = document(task("a"), loop("each", wait, task("in", 1)), task("z"))
    new = document(
        task("new"), task("a"), loop("each", wait, task("in", 2), task("more", "${ $x }")), task("y"),
        {"z": {"wait": {"seconds": 1}}}, version="1.1.0",
    )  # fmt: skip
    async with Kit() as kit:
        await kit.engine.add_definition(new)
        handle = await kit.start(old, {"xs": [1, 2]}, key="key")
        await kit.drain()
        await handle.pause()
        await kit.advance(20)
        assert (await kit.engine.show(handle.run_id))["status"] == "paused"
        plan = await kit.engine.plan_migration(handle.run_id, "stand/hotfire:1.1.0")
        assert (plan["level"], plan["blockers"]) == ("migration", [])
        await kit.engine.migrate(handle.run_id, "stand/hotfire:1.1.0")
        await kit.reopen()
        await resumed(kit, handle)
        await kit.drain(advance=True)
        view = await kit.engine.show(handle.run_id)
        assert (view["status"], view["version"]) == ("completed", "1.1.0")
        done = [step["name"] for step in view["steps"]]
        assert done == ["a", "each", "w", "in", "more", "w", "in", "more", "y", "z"]
        assert view["output"] == {"value": 1}
        assert (await kit.engine.list(version="1.1.0"))["runs"][0]["run_id"] == handle.run_id
        again = await kit.start(old, {"xs": [1, 2]}, key="key")
        assert (again.run_id, again.created) == (handle.run_id, False), (
            "its key stands for what it was started with"
        )
        assert (await kit.engine.doctor(rebuild=True))["findings"] == []
        await kit.check()
        with pytest.raises(Conflict, match="cannot be forked"):
            await kit.engine.fork(handle.run_id, "a")


@pytest.mark.spec("Q16")
async def test_what_has_begun_stands_in_the_way_of_other_lists() -> None:
    split: Document = {
        "split": {"fork": {"branches": [{"l": {"wait": {"hours": 1}}}, {"r": {"wait": {"hours": 2}}}]}}
    }
    async with Kit() as kit:
        handle = await paused(kit, document(split, task("end")))
        more = deepcopy(split)
        more["split"]["fork"]["branches"].append(task("third"))
        await kit.engine.commit_procedure(document(more, task("end")), message="third")
        with pytest.raises(MigrationBlocked, match="branches of a fork"):
            await kit.engine.migrate(handle.run_id)
        graph = document(
            *(
                changed(t, name, "metadata", to={"after": []})
                for t, name in ((split, "split"), (task("end"), "end"))
            )
        )
        await kit.engine.commit_procedure(graph, message="graph")
        with pytest.raises(MigrationBlocked, match="cannot become each other"):
            await kit.engine.migrate(handle.run_id)
        await kit.engine.commit_procedure(document(task("before"), split, task("end", 2)), message="fine")
        await kit.engine.migrate(handle.run_id)
        await resumed(kit, handle)
        assert await kit.result(handle) == {"value": 2}
        await kit.check()


@pytest.mark.spec("Q16")
async def test_the_last_step_that_is_left_out_ends_the_run() -> None:
    async with Kit() as kit:
        old = procedure(form("check"), form("vent", "check", metadata={"autoStart": False}))
        handle = await paused(kit, old, "check")
        await kit.engine.commit_procedure(procedure(form("check")), message="no vent")
        await kit.engine.migrate(handle.run_id)
        assert await kit.result(handle) == {"check": {"p": 1}}
        await kit.check()


@pytest.mark.spec("Q16", "N12")
async def test_a_repeated_step_is_done_with_the_version_that_the_run_goes_on_with() -> None:
    async with Kit() as kit:
        handle = await paused(kit, procedure(form("check"), form("vent", "check")), "check")
        new = procedure(
            task("zero", metadata={"after": []}), form("check", title="again"), form("vent", "check")
        )
        made = await kit.engine.commit_procedure(new, message="new")
        await kit.engine.migrate(handle.run_id)
        await resumed(kit, handle)
        await kit.engine.engine.command(handle.run_id, RepeatStep("/do/0/check"))
        await kit.drain()
        state = await kit.engine.state(handle.run_id)
        present = state.graphs["/do"].steps["check"]
        assert state.steps[present].path == "/do/1/check"
        assert state.nodes[present].repeat_of == "/do/0/check"
        assert state.nodes[present].commit is None
        assert state.run.commit == made["commit"]
        await submit(kit, handle, present)
        assert (await statuses(kit, handle))["check"] == "completed"
        await kit.check()


@pytest.mark.spec("Q16")
async def test_killed_at_every_commit_a_migration_is_there_or_it_is_not() -> None:
    old = document(task("a"), {"w": {"wait": {"seconds": 10}}}, task("z", 1))
    new = document(task("b"), task("a"), {"w": {"wait": {"seconds": 10}}}, task("z", 2), version="2.0.0")

    async def scenario(kit: Kit) -> Any:
        await kit.engine.commit_procedure(new, message="new", create=True)
        handle = await kit.start(old)
        await kit.drain()
        if (await kit.engine.show(handle.run_id))["version"] == "1.0.0":
            if (await kit.engine.show(handle.run_id))["status"] == "running":
                await handle.pause()
                await kit.drain()
            await kit.engine.migrate(handle.run_id)
        if (await kit.engine.show(handle.run_id))["status"] == "paused":
            await handle.resume()
        output = await kit.result(handle)
        migrated = [event for event in await kit.history(handle) if event["type"] == "run.migrated"]
        return [output, len(migrated)]

    survey = await kill_everywhere(scenario)
    assert survey.crashes >= 8


@pytest.mark.spec("Q16")
async def test_another_process_migrates_a_run_that_is_carried_on_here(tmp_path: Path) -> None:
    async with Kit(tmp_path / "a.db") as kit:
        handle = await paused(kit, document({"w": {"wait": {"seconds": 10}}}, task("z", 1)))
        async with Stepwell.open(tmp_path / "a.db", guest=True, clock=kit.clock) as guest:
            await guest.commit_procedure(
                document({"w": {"wait": {"seconds": 10}}}, task("z", 2)), message="2"
            )
            await guest.migrate(handle.run_id)
            await guest.resume(handle.run_id)
        await kit.look(2)
        assert await kit.result(handle) == {"value": 2}
        await kit.check()
