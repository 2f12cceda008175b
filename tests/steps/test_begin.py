"""Who begins a step, who is told to skip it, and who may end it (SPEC Q1 to Q4)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stepwell.model.errors import InvalidInput, TransitionRefused
from stepwell.steps import ANY, AsyncStepStore, Claim, NotFound, Plan, StaleAttempt, StaleStep
from tests.steps.helpers import bench


@pytest.mark.spec("Q1")
async def test_a_new_step_is_executed_and_a_running_one_is_skipped(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        first = await b.store.begin_step(b.run, "reserve", {"order": 7})
        again = await b.store.begin_step(b.run, "reserve", {"order": 8})
        assert (first.decision, first.state, first.attempt, first.input) == ("execute", None, 1, {"order": 7})
        assert (again.decision, again.state, again.claim) == ("skip", "running", None)
        assert (await b.store.get_step_run(b.run, "reserve")).input == {"order": 7}


@pytest.mark.spec("Q1")
async def test_a_planned_step_is_taken_over_with_its_input_or_another(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        await b.store.schedule_steps(b.run, {"charge": {"sum": 5}, "ship": {"to": "Kiel"}, "mail": {"n": 1}})
        kept = await b.store.begin_step(b.run, "charge")
        replaced = await b.store.begin_step(b.run, "ship", {"to": "Bonn"})
        emptied = await b.store.begin_step(b.run, "mail", None)
        assert [kept.state, replaced.state] == ["scheduled", "scheduled"]
        assert [kept.input, replaced.input, emptied.input] == [{"sum": 5}, {"to": "Bonn"}, None]


@pytest.mark.spec("Q1")
async def test_a_failed_step_is_begun_again_as_its_next_attempt(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        claim = await b.claim("charge", input=1)
        failed = await b.store.fail_step(claim, "the card was refused")
        assert (failed.state, failed.run_state) == ("failed", "running")
        assert (await b.store.get_step_run(b.run, "charge")).error["detail"] == "the card was refused"  # type: ignore[index]
        again = await b.store.begin_step(b.run, "charge")
        assert (again.decision, again.state, again.attempt, again.input) == ("execute", "failed", 2, 1)
        assert (await b.store.get_step_run(b.run, "charge")).error is None


@pytest.mark.spec("Q1")
async def test_a_completed_step_is_skipped_and_tells_what_it_gave(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        await b.done("reserve", {"id": 9})
        again = await b.store.begin_step(b.run, "reserve", {"other": 1})
        assert (again.decision, again.state, again.output) == ("skip", "completed", {"id": 9})
        assert (await b.events()).count("step.started") == 1


@pytest.mark.spec("Q2")
async def test_planning_is_bulk_atomic_and_told_apart(tmp_path: Path) -> None:
    async with bench(tmp_path, ["a", "b", "c"]) as b:
        assert await b.store.schedule_step(b.run, "a", 1)
        assert not await b.store.schedule_step(b.run, "a", 2)
        seq = len(await b.events())
        with pytest.raises(NotFound, match="declares no step 'nope'"):
            await b.store.schedule_steps(b.run, ["b", "c", "nope"])
        assert len(await b.events()) == seq
        assert await b.store.schedule_steps(b.run, ["a", Plan("b", 3), "c", "c"]) == ("b", "c")
        assert (await b.store.get_step_run(b.run, "a")).input == 1
        history = [event async for event in b.store.client.history(b.run)]
        assert len({event["seq"] for event in history[-2:]}) == 1, "one commit"


@pytest.mark.spec("Q2")
async def test_a_plan_whose_dispatch_failed_is_undone(tmp_path: Path) -> None:
    async with bench(tmp_path, ["a", "b", "c"]) as b:
        await b.store.schedule_steps(b.run, ["a", "b"])
        await b.claim("b")
        assert await b.store.delete_pending(b.run, "a", "b", "c", reason="the queue was down") == ("a",)
        assert await b.store.step_statuses(b.run) == {"a": None, "b": "running", "c": None}
        with pytest.raises(NotFound):
            await b.store.get_step_run(b.run, "a")
        assert await b.store.delete_pending(b.run, "a") == ()
        assert await b.store.schedule_step(b.run, "a", {"again": True})
        begun = await b.store.begin_step(b.run, "a")
        assert (begun.decision, begun.attempt, begun.input) == ("execute", 1, {"again": True})


@pytest.mark.spec("Q1", "Q2")
async def test_a_withdrawn_step_can_be_begun_as_if_it_had_never_been_planned(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        await b.store.schedule_step(b.run, "a", 1)
        await b.store.delete_pending(b.run, "a")
        begun = await b.store.begin_step(b.run, "a", 2)
        assert (begun.decision, begun.state, begun.attempt, begun.input) == ("execute", None, 1, 2)


@pytest.mark.spec("Q3")
async def test_not_found_stale_step_and_stale_attempt_are_three_errors(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        with pytest.raises(NotFound) as unknown:
            await b.store.complete_step(Claim(b.run, "never", 1, "x"))
        first = await b.claim("a")
        await b.store.fail_step(first, "no")
        with pytest.raises(StaleStep) as stale:
            await b.store.complete_step(first, 1)
        second = await b.claim("a")
        for old in (first, Claim(b.run, "a", 2, "forged"), Claim(b.run, "a", 1, second.token)):
            with pytest.raises(StaleAttempt) as older:
                await b.store.complete_step(old, 1)
            assert older.value.attempt == 2
            with pytest.raises(StaleAttempt):
                await b.store.fail_step(old, "no")
            with pytest.raises(StaleAttempt):
                await b.store.heartbeat(old, 10)
        codes = (unknown.value.code, stale.value.code, older.value.code)
        assert codes == ("not_found", "stale_step", "stale_attempt")
        assert stale.value.state == "failed"
        await b.store.complete_step(second, 2)
        with pytest.raises(StaleStep) as late:
            await b.store.fail_step(second, "too late")
        assert late.value.state == "completed"
        assert await b.store.completed_outputs(b.run) == {"a": 2}


@pytest.mark.spec("Q3")
async def test_a_planned_step_cannot_be_ended(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        await b.store.schedule_step(b.run, "a")
        with pytest.raises(StaleStep) as stale:
            await b.store.complete_step(Claim(b.run, "a", 1, "x"))
        assert stale.value.state == "scheduled"


@pytest.mark.spec("Q4")
async def test_outputs_come_in_the_order_of_completion_and_absent_steps_are_listed(tmp_path: Path) -> None:
    async with bench(tmp_path, ["a", "b", "c", "d"]) as b:
        claims = {name: await b.claim(name) for name in ("a", "b", "c")}
        await b.store.fail_step(claims["b"], "once")
        for name in ("c", "a"):
            await b.store.complete_step(claims[name], name.upper())
        claims["b"] = await b.claim("b")
        assert await b.store.step_statuses(b.run) == {
            "a": "completed", "b": "running", "c": "completed", "d": None,
        }  # fmt: skip
        await b.store.complete_step(claims["b"], "B")
        assert list((await b.store.completed_outputs(b.run)).items()) == [("c", "C"), ("a", "A"), ("b", "B")]
        steps = await b.store.completed_steps(b.run)
        assert [(step.step, step.attempt) for step in steps] == [("c", 1), ("a", 1), ("b", 2)]
        assert all(step.ended_at is not None and step.error is None for step in steps)


@pytest.mark.spec("Q14")
async def test_a_declared_contract_is_checked_before_anything_is_stored(tmp_path: Path) -> None:
    number = {"type": "object", "properties": {"sum": {"type": "number"}}, "required": ["sum"]}
    async with bench(tmp_path, {"charge": {"input": number, "output": {"type": "string"}}}) as b:
        before = await b.events()
        for bad in ({"sum": "much"}, {}, None):
            with pytest.raises(InvalidInput, match="the input of step charge"):
                await b.store.begin_step(b.run, "charge", bad)
            with pytest.raises(InvalidInput, match="the input of step charge"):
                await b.store.schedule_step(b.run, "charge", bad)
        assert await b.events() == before
        with pytest.raises(InvalidInput, match="the input of step charge"):
            await b.store.begin_step(b.run, "charge")
        claim = await b.claim("charge", input={"sum": 3})
        with pytest.raises(InvalidInput, match="the output of step charge"):
            await b.store.complete_step(claim, 3)
        await b.store.complete_step(claim, "paid")


@pytest.mark.spec("Q14")
async def test_the_input_of_a_run_is_checked_before_it_is_stored(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        with pytest.raises(InvalidInput, match="the input of the run"):
            await b.store.start_run(
                "bill", ANY, {"n": "x"}, input_schema={"properties": {"n": {"type": "integer"}}}
            )
        assert await b.store.open_runs() == [b.run]


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ((1,), {}), (("",), {}), (("x" * 201,), {}), (("a",), {"lease": 0}), (("a",), {"lease": -1}),
        (("a",), {"lease": "long"}), (("a",), {"lease": float("nan")}), (("a", {1: 2}), {}), (("a", {3}), {}),
        (("a", "\ud800"), {}),
    ],
)  # fmt: skip
async def test_bad_input_is_refused_and_changes_nothing(
    tmp_path: Path, arguments: tuple[Any, ...], options: dict[str, Any]
) -> None:
    async with bench(tmp_path) as b:
        before = await b.events()
        with pytest.raises(InvalidInput):
            await b.store.begin_step(b.run, *arguments, **options)
        assert await b.events() == before
        assert (await b.store.begin_step(b.run, "a", 1)).execute


async def test_a_result_that_cannot_be_stored_leaves_the_step_to_be_ended(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        claim = await b.claim("a")
        with pytest.raises(InvalidInput):
            await b.store.complete_step(claim, {"when": object()})
        with pytest.raises(InvalidInput, match="a list"):
            await b.store.complete_step(claim, 1, schedule="b")
        with pytest.raises(InvalidInput, match="an error has the members"):
            await b.store.fail_step(claim, {"reason": "?"})
        with pytest.raises(InvalidInput, match="a claim is what begin_step gave"):
            await b.store.complete_step(None)  # type: ignore[arg-type]
        assert (await b.store.complete_step(claim, 1)).recorded


async def test_names_of_all_kinds_are_kept(tmp_path: Path) -> None:
    names = ["a/b", "~tilde", "with space", "list[1]", "ü", "do"]
    async with bench(tmp_path) as b:
        for number, name in enumerate(names):
            await b.done(name, number)
        assert await b.store.completed_outputs(b.run) == {name: n for n, name in enumerate(names)}


async def test_what_is_no_run_or_no_run_of_ours_is_refused(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        with pytest.raises(NotFound):
            await b.store.begin_step("nowhere", "a")
        handle = await b.store.client.start(
            {
                "document": {"dsl": "1.0.3", "namespace": "x", "name": "own", "version": "1.0.0"},
                "do": [{"a": {"set": {"n": 1}}}],
            }
        )
        with pytest.raises(TransitionRefused, match="carried on by an engine"):
            await b.store.begin_step(handle.run_id, "a")
        await b.store.client.terminate(handle.run_id)


@pytest.mark.parametrize("steps", ["abc", [], {}, [""], {"a": {"inptu": {}}}])
async def test_a_run_whose_steps_make_no_sense_is_refused(tmp_path: Path, steps: Any) -> None:
    async with bench(tmp_path) as b:
        with pytest.raises(InvalidInput):
            await b.store.start_run("order", steps)


async def test_the_same_key_gives_the_same_run(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        ids = {await b.store.start_run("order", ["a"], {"n": 1}, key="k") for _ in range(3)}
        assert len(ids) == 1


async def test_a_published_definition_names_the_steps(tmp_path: Path) -> None:
    source = """
        document: {dsl: '1.0.3', namespace: shop, name: order, version: '2.1.0', metadata: {team: blue}}
        do:
          - reserve: {set: {a: 1}}
          - charge: {set: {a: 2}}
    """
    async with bench(tmp_path) as b:
        run = await b.store.start_run(source)
        assert await b.store.step_statuses(run) == {"reserve": None, "charge": None}
        shown = await b.store.client.show(run)
        assert (shown["namespace"], shown["version"], shown["status"]) == ("shop", "2.1.0", "running")


async def test_such_a_run_cannot_wait_in_a_queue(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        definition = await b.store.client.engine.library.find("default", "order", "latest")
        with pytest.raises(InvalidInput, match="cannot wait in a queue"):
            await b.store.client.start(definition, {}, queue="default")
        assert await b.store.open_runs() == [b.run]


@pytest.mark.spec("Q6")
async def test_a_store_given_to_the_wrong_words_says_what_is_right(tmp_path: Path) -> None:
    async with AsyncStepStore.open(tmp_path / "steps.db") as store:
        with pytest.raises(InvalidInput, match="the name of the workflow"):
            await store.start_run({"document": {}}, ["a"])
