"""Graphs as data: stable ids, and what became of every node and edge (SPEC Q11)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from stepwell import flow as flow_of_code
from stepwell import step, workflow
from stepwell.client.graph import code_graph, dot, graph_of, mermaid
from stepwell.model import commands as c
from stepwell.model import problem
from stepwell.model.errors import InvalidInput
from stepwell.model.records import Run, State, Step
from stepwell.model.states import RunStatus, StepStatus
from tests.client.test_graph import ALL, Read
from tests.engine.helpers import flow, open_at
from tests.kernel.helpers import Driver, definition

pytestmark = pytest.mark.spec("Q11")

TWO_WAYS = """
do:
  - pick: {switch: [{a: {when: .n > 1, then: left}}, {b: {then: right}}]}
  - left: {run: {shell: {command: 'true'}}, then: last}
  - right: {set: {x: 1}}
  - last: {set: {x: 2}}
"""
SIDE = """
do:
  - both:
      fork:
        branches:
          - one: {run: {shell: {command: 'true'}}}
          - two: {run: {shell: {command: 'true'}}}
  - last: {set: {x: 2}}
"""


def ways(driver: Driver) -> dict[str, str]:
    """Edge statuses, by `source->target` in names."""
    data = graph_of(driver.definition, driver.state).as_json()
    return {
        "->".join(end.rpartition("/")[2] for end in edge["id"].split("->")): edge["status"]
        for edge in data["edges"]
    }


def kinds(driver: Driver) -> dict[str, str]:
    data = graph_of(driver.definition, driver.state).as_json()
    return {node["label"]: node["status"] for node in data["nodes"]}


def test_a_definition_has_ids_and_no_states() -> None:
    data = graph_of(definition(ALL)).as_json()
    again = graph_of(definition(ALL)).as_json()
    assert data == again
    ids = [node["id"] for node in data["nodes"]]
    assert len(set(ids)) == len(ids)
    assert {"start", "end", "/do/0/pick", "/do/2/loop/do/0/inner"} <= set(ids)
    edges = [edge["id"] for edge in data["edges"]]
    assert len(set(edges)) == len(edges)
    assert all({edge["source"], edge["target"]} <= set(ids) for edge in data["edges"])
    assert {node["status"] for node in data["nodes"]} == {edge["status"] for edge in data["edges"]} == {None}
    inner = next(node for node in data["nodes"] if node["label"] == "inner")
    assert (inner["parent"], inner["block"]) == ("/do/2/loop", False)


def test_the_way_taken_is_selected_and_the_other_one_skipped() -> None:
    driver = Driver(TWO_WAYS).start({"n": 2})
    assert ways(driver) == {
        "start->pick": "selected",
        "pick->left": "selected",
        "pick->right": "skipped",
        "left->last": "pending",
        "right->last": "skipped",
        "last->end": "pending",
    }
    assert kinds(driver) == {
        "start": "completed",
        "pick": "completed",
        "left": "running",
        "right": "skipped",
        "last": "pending",
        "end": "pending",
    }
    driver.complete("left", {})
    assert ways(driver)["left->last"] == ways(driver)["last->end"] == "selected"
    assert kinds(driver)["end"] == "completed"


def test_a_failure_blocks_what_would_have_come() -> None:
    driver = Driver(TWO_WAYS).start({"n": 2})
    driver.fail("left", problem.communication(503, "busy"))
    found = ways(driver)
    assert (found["left->last"], found["last->end"], found["pick->right"]) == (
        "blocked",
        "blocked",
        "skipped",
    )
    assert found["right->last"] == "skipped"
    nodes = kinds(driver)
    assert (nodes["left"], nodes["last"], nodes["right"], nodes["end"]) == (
        "failed",
        "blocked",
        "skipped",
        "blocked",
    )


def test_a_branch_that_has_ended_waits_for_the_other_one() -> None:
    driver = Driver(SIDE).start()
    driver.complete("one", {})
    assert ways(driver)["one->last"] == ways(driver)["two->last"] == "pending"
    driver.complete("two", {})
    assert ways(driver)["one->last"] == ways(driver)["two->last"] == "selected"


def test_a_try_that_will_be_tried_again_keeps_its_ways_open() -> None:
    driver = Driver(ALL).start({"n": 5})
    driver.advance(1)
    driver.fail("work", problem.communication(503, "busy"))
    found = ways(driver)
    assert (found["work->swallow"], found["guarded->mend"]) == ("pending", "pending")
    driver.send(c.CancelRun())
    found = ways(driver)
    assert found["guarded->mend"] == "blocked"
    assert kinds(driver)["fn"] == "blocked"


def test_ids_and_statuses_are_those_of_the_drawing() -> None:
    driver = Driver(ALL).start({"n": 5})
    graph = graph_of(driver.definition, driver.state)
    read = Read(mermaid(graph))
    for node in graph.nodes:
        if node.kind != "end":
            assert read.classes[node.name] == node.status


def test_graphviz_gets_every_node_and_edge() -> None:
    driver = Driver(
        ALL.replace("large: {set: {n: 99}", '"la\\"rge\\\\": {set: {n: 99}').replace(
            "then: large", 'then: "la\\"rge\\\\"'
        )
    ).start({"n": 5})
    graph = graph_of(driver.definition, driver.state)
    text = dot(graph)
    assert text.startswith("digraph stepwell {") and text.endswith("}\n")
    assert text.count("{") == text.count("}")
    assert len(re.findall(r"^ *\w+ -> \w+ \[", text, re.M)) == len(graph.edges)
    assert len(re.findall(r"^ *\w+ \[label=", text, re.M)) == len(graph.nodes)
    assert 'la\\"rge\\\\' in text
    assert dot(graph_of(driver.definition)).count("fillcolor") == 1


# --- runs whose workflow is Python code -----------------------------------------------------------


def coded(*steps: tuple[str, int, int | None, StepStatus], status: RunStatus = RunStatus.RUNNING) -> State:
    """A run with these steps: (name, begun, ended, status)."""
    run = Run("run", "default", "shop", "1", "h", 0, status=status, code="shop:order")
    state = State(run)
    for number, (name, begun, ended, how) in enumerate(steps):
        step_id = f"/do/{number}/{name}"
        state.steps[step_id] = Step(
            step_id, step_id, "call:python", "/do", begun, status=how, started_at=begun, ended_at=ended
        )
    return state


def done(name: str, begun: int, ended: int) -> tuple[str, int, int | None, StepStatus]:
    return name, begun, ended, StepStatus.COMPLETED


def edges(state: State) -> set[tuple[str, str, str | None]]:
    graph = code_graph(state)
    labels = {node.id: node.label if node.kind != "join" else "+" for node in graph.nodes}
    return {(labels[edge.source], labels[edge.target], edge.status) for edge in graph.edges}


def test_steps_one_after_the_other_are_a_line() -> None:
    state = coded(done("a", 0, 1), done("b", 1, 2), ("c", 2, None, StepStatus.RUNNING))
    assert edges(state) == {
        ("start", "a", "selected"),
        ("a", "b", "selected"),
        ("b", "c", "selected"),
        ("c", "whatever comes next", "pending"),
    }
    data: dict[str, Any] = code_graph(state).as_json()
    assert data["code"] == "shop:order"
    assert [node["id"] for node in data["nodes"]] == ["start", "/do/0/a", "/do/1/b", "/do/2/c", "end"]
    assert [node["status"] for node in data["nodes"][1:]] == ["completed", "completed", "running", "pending"]


def test_what_ran_at_the_same_time_stands_side_by_side() -> None:
    state = coded(
        done("a", 0, 1), done("left", 1, 5), done("right", 1, 3), done("c", 5, 6), done("d", 5, 7),
        status=RunStatus.COMPLETED,
    )  # fmt: skip
    assert edges(state) == {
        ("start", "a", "selected"),
        ("a", "left", "selected"),
        ("a", "right", "selected"),
        ("left", "+", "selected"),
        ("right", "+", "selected"),
        ("+", "c", "selected"),
        ("+", "d", "selected"),
        ("c", "end", "selected"),
        ("d", "end", "selected"),
    }
    assert Read(mermaid(code_graph(state))).ids == {"s", "n0", "n1", "n2", "n3", "n4", "j0", "e"}


def test_a_failure_and_a_wish_that_was_dropped_are_seen() -> None:
    state = coded(
        done("a", 0, 1),
        ("slow", 1, 3, StepStatus.CANCELLED),
        ("bad", 1, 3, StepStatus.FAILED),
        status=RunStatus.FAILED,
    )
    state.steps["/do/2/bad"].error = problem.communication(503, "busy")
    assert ("bad", "end", "blocked") in edges(state)
    assert "busy" in mermaid(code_graph(state))
    state.run.status = RunStatus.COMPLETED
    assert ("slow", "end", "skipped") in edges(state)


def test_many_alike_become_one_node() -> None:
    row = [done("page", n, n + 1) for n in range(500)]
    crowd = [done("part", 500, 600 + n) for n in range(300)]
    bad = ("part", 500, 900, StepStatus.FAILED)
    state = coded(*row, *crowd, bad, done("sum", 900, 901))
    graph = code_graph(state)
    assert [(node.label, node.note, node.status) for node in graph.nodes[1:-1]] == [
        ("page", "500 times, one after the other", "completed"),
        ("part", "300 side by side", "completed"),
        ("part", "", "failed"),
        ("sum", "", "completed"),
    ]
    assert len(graph.nodes[1].steps) == 500
    assert ("page", "part", "selected") in edges(state)


def test_steps_of_one_instant_keep_their_order() -> None:
    assert ("a", "b", "selected") in edges(coded(done("a", 5, 5), done("b", 5, 5)))
    assert edges(coded(status=RunStatus.COMPLETED)) == {("start", "end", "selected")}


def test_ten_thousand_steps_are_drawn_in_no_time() -> None:
    steps = [done(f"s{n % 7}", n // 3, n // 3 + 2) for n in range(10_000)]
    graph = code_graph(coded(*steps))
    assert len(graph.edges) < 60_000


@step
async def inspected_part(number: int) -> int:
    if number == 2:
        raise RuntimeError("no stock")
    return number


@workflow
async def inspected_order(numbers: list[int]) -> str:
    await inspected_part(0)
    await flow_of_code.gather(*[inspected_part(number) for number in numbers])
    return "done"


async def test_a_python_workflow_has_a_graph_and_a_timeline_of_its_own(tmp_path: Path) -> None:
    async with open_at(tmp_path / "x.db") as engine:
        handle = await engine.start(inspected_order, [1, 2])
        await handle.wait()
        data = await engine.graph_data(run_id=handle.run_id)
        timeline = await engine.timeline(handle.run_id)
    assert data["code"].endswith("inspected_order")
    statuses = [node["status"] for node in data["nodes"]]
    assert statuses == ["completed", "completed", "completed", "failed", "blocked"]
    first, *others = [node["id"] for node in data["nodes"][1:-1]]
    assert {(first, other) for other in others} <= {
        (edge["source"], edge["target"]) for edge in data["edges"]
    }
    assert [row["status"] for row in timeline["steps"]] == ["completed", "completed", "failed"]


async def test_the_verbs_draw_and_tell(tmp_path: Path) -> None:
    async with open_at(tmp_path / "x.db") as engine:
        handle = await engine.start(flow("do: [a: {set: {secret: 7}}]"), {"b": 8})
        await handle.result()
        data = await engine.graph_data(run_id=handle.run_id)
        assert (data["run_id"], data["status"], data["code"]) == (handle.run_id, "completed", None)
        assert [edge["status"] for edge in data["edges"]] == ["selected", "selected"]
        assert "secret" not in str(data["nodes"])
        assert (await engine.graph(run_id=handle.run_id, format="dot")).startswith("digraph")
        assert (await engine.graph(flow("do: [a: {set: {x: 7}}]"))).startswith("flowchart")
        with pytest.raises(InvalidInput):
            await engine.graph(run_id=handle.run_id, format="png")  # type: ignore[arg-type]
        with pytest.raises(InvalidInput):
            await engine.graph_data()
