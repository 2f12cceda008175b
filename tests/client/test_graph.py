"""Drawings: every task a node, every way an edge, nothing that Mermaid would stumble over (SPEC Q11)."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.client.graph import definition_graph, label, run_graph
from stepwell.client.graph.mermaid import LINKS
from stepwell.model import commands as c
from stepwell.model import problem
from tests.kernel.helpers import Driver, definition

pytestmark = pytest.mark.spec("Q11")

ALL = """
use:
  functions:
    greet: {set: {a: 1}}
do:
  - pick:
      switch:
        - big: {when: .n > 10, then: large}
        - small: {when: .n < 3, then: end}
        - other: {then: loop}
  - large: {set: {n: 99}, then: loop}
  - loop:
      for: {each: x, in: '[1,2]'}
      do:
        - inner: {set: {a: '${ $x }'}}
        - stop: {if: '$x > 1', set: {b: 1}, then: exit}
        - more: {set: {c: 1}}
  - both:
      fork:
        branches:
          - one: {set: {x: 1}}
          - two: {do: [{deep: {wait: {seconds: 1}}}]}
  - guarded:
      try:
        - work: {run: {shell: {command: 'true'}}}
      catch:
        errors: {with: {status: 503}}
        retry: {delay: {seconds: 1}, limit: {attempt: {count: 1}}}
        do:
          - mend: {set: {x: 2}}
  - swallow:
      try: [{boom: {raise: {error: {type: 'https://x/y', status: 500, title: no}}}}]
      catch: {}
  - fn: {call: greet}
"""

LINK_WORDS = {LINKS["selected"]: "gone", LINKS["skipped"]: "passed by", LINKS["blocked"]: "blocked"}
NODE = re.compile(r"^(s|e|[nj]\d+)[\[({>]")
EDGE = re.compile(r'^(\w+) (?:-->|-\.->)(?:\|"([^"]*)"\|)? (\w+)$')


class Read:
    """What a drawing says, read back; asserts that it is well formed on the way."""

    def __init__(self, text: str) -> None:
        first, *lines = [line.strip() for line in text.splitlines()]
        assert first == "flowchart TD"
        self.names: dict[str, str] = {}
        self.ids: set[str] = set()
        self.edges: list[tuple[str, str, str]] = []
        self.classes: dict[str, str] = {}
        self.links: dict[int, str] = {}
        for line in lines:
            self._line(line)
        opened = sum(line.startswith("subgraph ") for line in lines)
        assert opened == lines.count("end")
        assert all(source in self.ids and target in self.ids for source, _, target in self.edges)

    def _line(self, line: str) -> None:
        if edge := EDGE.match(line):
            self.edges.append((edge[1], edge[2] or "", edge[3]))
        elif node := NODE.match(line):
            quoted = re.findall(r'"([^"]*)"', line)
            assert len(quoted) == 1, line
            self.names[quoted[0].partition("<br/>")[0]] = node[1]
            self.ids.add(node[1])
        elif line.startswith("class "):
            _, names, kind = line.split()
            self.classes |= dict.fromkeys(names.split(","), kind)
        elif line.startswith("linkStyle "):
            _, numbers, style = line.split(maxsplit=2)
            self.links |= dict.fromkeys(map(int, numbers.split(",")), LINK_WORDS[style])
        else:
            assert line == "end" or line.startswith(("subgraph b", "classDef ")), line

    def way(self, source: str, target: str) -> list[str]:
        """The labels of the edges from one task to another."""
        ends = (self.names[source], self.names[target])
        return [text for one, text, other in self.edges if (one, other) == ends]

    def link(self, source: str, target: str) -> str:
        ends = (self.names[source], self.names[target])
        numbers = [n for n, (one, _, other) in enumerate(self.edges) if (one, other) == ends]
        assert len(numbers) == 1
        return self.links.get(numbers[0], "open")

    def kind(self, task: str) -> str:
        return self.classes[self.names[task]]


def test_a_definition_shows_every_task_and_every_way() -> None:
    read = Read(definition_graph(definition(ALL)))
    tasks = "pick large loop inner stop more both one two deep guarded work mend swallow boom fn start end"
    assert set(tasks.split()) == set(read.names)
    assert read.way("start", "pick") == [""]
    assert read.way("pick", "large") == ["big: .n #62; 10"]
    assert read.way("pick", "end") == ["small: .n #60; 3"]
    assert read.way("pick", "loop") == ["other"]
    assert read.way("large", "loop") == [""]
    assert read.way("large", "both") == []
    assert read.way("loop", "inner") == ["each"]
    assert read.way("stop", "loop") == ["next"]
    assert read.way("stop", "more") == ["otherwise"]
    assert read.way("loop", "both") == ["done"]
    assert read.way("both", "one") == read.way("both", "two") == [""]
    assert read.way("one", "guarded") == read.way("deep", "guarded") == [""]
    assert read.way("guarded", "guarded") == ["retry, 1 at most"]
    assert read.way("guarded", "mend") == ["error 503"]
    assert read.way("work", "swallow") == read.way("mend", "swallow") == [""]
    assert read.way("swallow", "fn") == ["error"]
    assert read.way("boom", "fn") == []
    assert read.way("fn", "end") == [""]


def test_a_switch_without_a_default_can_go_on() -> None:
    read = Read(
        definition_graph(
            definition("do: [{pick: {switch: [{a: {when: .x, then: end}}]}}, {next: {set: {y: 1}}}]")
        )
    )
    assert read.way("pick", "next") == ["otherwise"]


def test_a_run_shows_states_ways_and_counts() -> None:
    driver = Driver(ALL).start({"n": 5})
    driver.advance(1)
    text = run_graph(driver.definition, driver.state)
    read = Read(text)
    assert read.kind("pick") == "completed"
    assert read.kind("large") == "skipped"
    assert (read.kind("guarded"), read.kind("work")) == ("running", "running")
    assert (read.kind("mend"), read.kind("fn")) == ("pending", "pending")
    assert read.link("pick", "loop") == "gone"
    assert read.link("pick", "large") == read.link("pick", "end") == "passed by"
    assert read.link("stop", "more") == "gone"
    assert read.link("deep", "guarded") == "gone"
    assert read.link("guarded", "work") == "gone"
    assert read.link("guarded", "mend") == read.link("fn", "end") == "open"
    assert "2 of 2 begun" in text
    assert "inner<br/>set<br/>2 times" in text


def test_retries_handlers_and_swallowed_errors_are_ways_that_were_gone() -> None:
    driver = Driver(ALL).start({"n": 5})
    driver.advance(1)
    driver.fail("work", problem.communication(503, "busy"))
    assert Read(run_graph(driver.definition, driver.state)).kind("guarded") == "waiting"
    driver.advance(1)
    driver.fail("work", problem.communication(503, "busy"))
    text = run_graph(driver.definition, driver.state)
    read = Read(text)
    assert driver.status == "completed"
    assert read.link("guarded", "guarded") == read.link("guarded", "mend") == "gone"
    assert read.link("mend", "swallow") == read.link("swallow", "fn") == read.link("fn", "end") == "gone"
    assert read.link("work", "swallow") == "passed by"
    assert (read.kind("work"), read.kind("boom"), read.kind("large")) == ("failed", "failed", "skipped")
    assert "guarded<br/>attempt 2" in text


def test_an_end_inside_a_block_leads_to_the_end() -> None:
    driver = Driver("do: [{outer: {do: [{a: {set: {x: 1}, then: end}}, {b: {set: {x: 2}}}]}}]").start()
    read = Read(run_graph(driver.definition, driver.state))
    assert read.link("a", "end") == "gone"
    assert read.link("b", "end") == "passed by"


def test_cancelled_and_skipped_steps_have_their_own_looks() -> None:
    driver = Driver(
        "do: [{a: {if: 'false', set: {x: 1}}}, {b: {wait: {seconds: 1}}}, {z: {set: {x: 1}}}]"
    ).start()
    assert Read(run_graph(driver.definition, driver.state)).kind("b") == "waiting"
    driver.send(c.CancelRun())
    read = Read(run_graph(driver.definition, driver.state))
    assert (read.kind("a"), read.kind("b"), read.kind("z")) == ("skipped", "cancelled", "blocked")


def test_names_are_the_same_in_every_drawing() -> None:
    driver = Driver(ALL).start({"n": 5})
    assert (
        Read(definition_graph(driver.definition)).names
        == Read(run_graph(driver.definition, driver.state)).names
    )


@pytest.mark.parametrize(
    "name", ['a"b', "end", "a]b", "`x`", "<script>", "a#b;c", "x|y", "café ☃", "\\n", "a%%b"]
)
def test_no_name_of_a_task_breaks_the_syntax(name: str) -> None:
    import json

    read = Read(definition_graph(definition(f"do: [{{{json.dumps(name)}: {{set: {{x: 1}}}}}}]")))
    assert read.ids == {"s", "n0", "e"}


@given(st.text())
def test_labels_hold_no_syntax(text: str) -> None:
    found = re.sub(r"#\d+;", "", label(text))
    assert not set(found) & set("#&<>\"'`\\{}[]()|%;")
    assert found.isprintable()
