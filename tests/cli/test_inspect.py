"""`stepwell runs timeline`: looking into runs from other sides."""

from __future__ import annotations

import re

import pytest

from tests.cli.helpers import Cli

FLOW = """
do:
  - loop:
      for: {each: x, in: '[1, 2]'}
      do: [{one: {set: {got: '${ $x }'}}}]
  - work: {call: http, with: {method: get, endpoint: 'http://127.0.0.1:9/'}}
"""


@pytest.mark.spec("Q11")
def test_a_timeline_has_a_bar_for_every_step(cli: Cli) -> None:
    run_id = cli.json("run", cli.file("flow", FLOW), code=1)["run_id"]
    view = cli.json("runs", "timeline", run_id)
    assert (view["run_id"], view["status"]) == (run_id, "failed")
    assert [step["name"] for step in view["steps"]] == ["loop", "one", "one", "work"]
    lines = cli("runs", "timeline", run_id, COLUMNS="90").out.splitlines()
    assert lines[0].startswith("flow:1.0.0")
    assert "failed" in lines[0]
    assert [line.split()[0] for line in lines[2:7]] == ["(run)", "loop", "one", "one", "work"]
    assert lines[4].startswith("  one [0]")
    assert "█" in lines[6] and "✗" in lines[6]
    assert re.search(r"█ running", lines[7])
    assert all(len(line) <= 90 for line in lines[1:]), lines
    plain = cli("runs", "timeline", run_id, "--steps", "1", PYTHONIOENCODING="ascii").out.splitlines()
    assert "====" in plain[2]
    assert "3 steps more: --steps 4" in plain[4]


@pytest.mark.spec("Q11")
def test_a_graph_is_data_too(cli: Cli) -> None:
    file = cli.file("flow", FLOW)
    run_id = cli.json("run", file, code=1)["run_id"]
    view = cli.json("graph", run_id)
    assert view["mermaid"].startswith("flowchart TD")
    assert {edge["id"]: edge["status"] for edge in view["edges"]}["/do/1/work->end"] == "blocked"
    assert [node["id"] for node in cli.json("graph", file)["nodes"]] == [node["id"] for node in view["nodes"]]
    assert cli.json("graph", run_id, "--format", "dot")["dot"].startswith("digraph")
    assert cli("graph", file, "--format", "dot").out.startswith("digraph stepwell {")
