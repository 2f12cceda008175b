"""Graphs of procedures: what comes after what, under which heading, and what a run made of it."""

from __future__ import annotations

from typing import Any

import pytest

from stepwell.client.graph import dot, graph_of, mermaid
from stepwell.client.progress import Progress, progress_of
from stepwell.definition.parse import parse
from stepwell.model.people_commands import EndRun, RepeatStep
from tests.people.support import Procedure, procedure

pytestmark = [pytest.mark.spec("S7"), pytest.mark.spec("N1")]

STAND = procedure(
    """
  - close: {call: form, metadata: {after: [pump, look], section: end}}
  - check: {call: form, with: {title: Check it, verdict: true}, metadata: {section: prep}}
  - pump: {set: {on: true}, if: "true", metadata: {after: [check], section: prep}}
  - look: {call: form, metadata: {after: [check], autoStart: false, section: deep}}
  - report: {run: {workflow: {namespace: a, name: b, version: '1.0.0'}}, metadata: {after: [close]}}
""",
    metadata="{sections: [{id: prep, title: Preparation, sections: [{id: deep}]}, {id: end}]}",
)
RUNS = STAND.replace("run: {workflow: {namespace: a, name: b, version: '1.0.0'}}", "call: form")
NAMES = {
    "/do/0/close": "close",
    "/do/1/check": "check",
    "/do/2/pump": "pump",
    "/do/3/look": "look",
    "/do/4/report": "report",
}


def edges(view: dict[str, Any]) -> dict[str, str | None]:
    def name(id: str) -> str:
        return NAMES.get(id, id)

    return {f"{name(edge['source'])}>{name(edge['target'])}": edge["status"] for edge in view["edges"]}


def statuses(view: dict[str, Any]) -> dict[str, str | None]:
    return {NAMES.get(node["id"], node["id"]): node["status"] for node in view["nodes"]}


async def drawn(p: Procedure) -> dict[str, Any]:
    state = await p.kit.engine.state(p.handle.run_id)
    return graph_of(parse(p.document), state).as_json()


def test_a_definition_has_its_steps_under_their_headings() -> None:
    view = graph_of(parse(STAND)).as_json()
    assert list(edges(view)) == [
        "pump>close", "look>close", "start>check", "check>pump", "check>look", "close>report", "report>end",
    ]  # fmt: skip
    assert [(node["id"], node["parent"]) for node in view["nodes"]] == [
        ("start", None),
        ("section:prep", None),
        ("/do/1/check", "section:prep"),
        ("/do/2/pump", "section:prep"),
        ("section:deep", "section:prep"),
        ("/do/3/look", "section:deep"),
        ("section:end", None),
        ("/do/0/close", "section:end"),
        ("/do/4/report", None),
        ("end", None),
    ]
    assert {NAMES.get(node["id"], node["id"]): node["roles"] for node in view["nodes"]} == {
        "start": ["start"],
        "section:prep": ["section"],
        "check": ["task", "split", "verification"],
        "pump": ["task", "conditional"],
        "section:deep": ["section"],
        "look": ["task"],
        "section:end": ["section"],
        "close": ["task", "join"],
        "report": ["task", "sub_workflow"],
        "end": ["end"],
    }
    assert view["display"]["top"] == [{"section": "prep"}, {"section": "end"}, {"step": "report"}]


async def test_a_run_shows_what_is_open_and_what_it_came_by() -> None:
    async with Procedure(RUNS) as p:
        view = await drawn(p)
        assert statuses(view)["check"] == "running"
        assert edges(view) == {
            "start>check": "selected",
            "check>pump": "pending",
            "check>look": "pending",
            "pump>close": "pending",
            "look>close": "pending",
            "close>report": "pending",
            "report>end": "pending",
        }
        await p.submit("check", {"verdict": "pass"})
        view = await drawn(p)
        assert {name: status for name, status in edges(view).items() if status == "selected"}.keys() == {
            "start>check", "check>pump",
        }  # fmt: skip
        assert statuses(view) == {
            "start": "completed", "section:prep": "pending", "check": "completed", "pump": "completed",
            "section:deep": "pending", "look": "pending", "section:end": "pending", "close": "pending",
            "report": "pending", "end": "pending",
        }  # fmt: skip
        await p.skip("look")
        await p.submit("close")
        await p.skip("report")
        view = await drawn(p)
        assert (view["status"], set(edges(view).values())) == ("completed", {"selected"})
        assert statuses(view)["section:prep"] == "completed"


async def test_a_failed_step_blocks_what_comes_after_until_another_takes_its_place() -> None:
    async with Procedure(RUNS) as p:
        await p.fail("check")
        view = await drawn(p)
        assert edges(view)["check>pump"] == edges(view)["check>look"] == "blocked"
        assert edges(view)["pump>close"] == "pending"
        assert statuses(view)["check"] == "failed"
        await p.ask(RepeatStep("check"))
        view = await drawn(p)
        assert statuses(view)["check"] == "running"
        (node,) = [node for node in view["nodes"] if node["id"] == "/do/1/check"]
        assert node["steps"] == ["/do/1/check", "/do/1/check[1]"]
        await p.submit("check", {"verdict": "pass"})
        assert edges(await drawn(p))["check>pump"] == "selected"
        await p.ask(EndRun(False, "enough"))
        view = await drawn(p)
        assert edges(view)["check>look"] == edges(view)["report>end"] == "blocked"


async def test_drawings_have_clusters_and_statuses() -> None:
    async with Procedure(RUNS) as p:
        await p.submit("check", {"verdict": "pass"})
        state = await p.kit.engine.state(p.handle.run_id)
        graph = graph_of(parse(RUNS), state)
    text = mermaid(graph)
    assert 'subgraph bcprep["Preparation"]' in text
    assert " cprep[" not in text, "a heading is no node of its own"
    assert "verification: Check it" in text.replace("#58;", ":")
    assert "class n1,n2 completed" in text
    drawn = dot(graph)
    assert 'subgraph cluster_cdeep {\n            label="deep";\n            n3 [label=' in drawn
    assert drawn.count("{") == drawn.count("}")


def test_graphs_within_blocks_are_drawn_too() -> None:
    text = """
document: {dsl: '1.0.3', namespace: a, name: b, version: '1.0.0'}
do:
  - first: {set: {x: 1}}
  - block:
      do:
        - a: {set: {x: 1}}
        - b: {set: {x: 1}, metadata: {after: [a]}}
        - c: {set: {x: 1}, metadata: {after: [a]}}
  - last: {set: {x: 1}}
"""
    view = graph_of(parse(text)).as_json()
    short = [
        f"{edge['source'].rpartition('/')[2]}>{edge['target'].rpartition('/')[2]}" for edge in view["edges"]
    ]
    assert short == ["start>first", "first>block", "block>a", "a>b", "a>c", "b>last", "c>last", "last>end"]
    assert view["display"] is None


@pytest.mark.spec("X11")
async def test_progress_counts_each_step_of_a_graph_once_and_what_its_actions_will_be() -> None:
    document = procedure("""
  - fill: {call: form, with: {actions: [{set: {a: 1}}, {event: {type: x}}, {set: {b: 1}}]}}
  - block: {do: [{x: {set: {x: 1}}}, {y: {set: {x: 1}}}]}
  - last: {call: form}
""")
    async with Procedure(document) as p:

        async def counted() -> Progress:
            return progress_of(await p.kit.engine.state(p.handle.run_id), parse(document))

        assert await counted() == Progress(total=7, running=1, pending=6)
        await p.submit("fill")
        assert await counted() == Progress(total=7, completed=6, running=1)
        await p.submit("last")
        assert await counted() == Progress(total=7, completed=7)


async def test_the_steps_of_a_procedure_come_in_the_order_to_show_them_in() -> None:
    async with Procedure(RUNS) as p:
        view = await p.kit.engine.procedure(p.handle.run_id)
        assert [step["task"] for step in view["steps"]] == ["check", "pump", "look", "close", "report"]


@pytest.mark.spec("X11")
async def test_of_a_repeated_step_only_the_present_one_counts() -> None:
    async with Procedure(RUNS) as p:
        await p.submit("check", {"verdict": "pass"})
        await p.skip("look")
        await p.ask(RepeatStep("check", downstream=True))
        state = await p.kit.engine.state(p.handle.run_id)
        assert progress_of(state, parse(RUNS)) == Progress(total=5, running=1, pending=4)
