"""`stepwell procedures convert`: the tree of steps, and the graph."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.helpers import Cli

pytestmark = pytest.mark.spec("N1")

NESTED = """
title: Leak check
steps:
  - title: Preparation
    steps: [{step: {valves: {call: form, with: {content: '0o17'}}}}]
  - step: {settle: {wait: PT1S}}
"""


def write(cli: Cli, name: str, text: str) -> Path:
    path = cli.folder / name
    path.write_text(text)
    return path


def test_there_and_back(cli: Cli) -> None:
    graph = cli("procedures", "convert", write(cli, "tree.yaml", NESTED))
    assert graph.code == 0
    file = write(cli, "graph.yaml", graph.out)
    assert cli("validate", file).code == 0
    view = cli.json("procedures", "convert", file, "--to", "nested")
    assert view["form"] == "nested"
    assert view["document"]["steps"][0]["steps"] == [
        {"step": {"valves": {"call": "form", "with": {"content": "0o17"}}}}
    ]
    tree = write(cli, "back.yaml", cli("procedures", "convert", file).out)
    assert cli("procedures", "convert", tree).out == graph.out
    assert cli.json("procedures", "convert", tree, "--to", "nested")["form"] == "nested", "it is that already"


def test_what_cannot_be_converted_is_told(cli: Cli) -> None:
    result = cli("procedures", "convert", write(cli, "a.yaml", "steps: [1]"))
    assert result.code == 2
    assert "/steps/0: an item has either" in result.err
    result = cli("procedures", "convert", write(cli, "b.yaml", "steps: [{step: {a: {call: fomr}}}]"))
    assert result.code == 2
    assert "fomr" in result.err
    error = cli.json("procedures", "convert", cli.file("c", "do: [{a: {set: {x: 1}}}]"), code=2)["error"]
    assert error["type"] == "not_linear"
