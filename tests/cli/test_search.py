"""`stepwell runs search`, `search definitions`, `runs metadata`, and what a run is called when it is started."""

from __future__ import annotations

import json

import pytest

from tests.cli.helpers import Cli

SET = "do: [{add: {set: {sum: 1}}}]"
BAD = "do: [{a: {raise: {error: {type: 'https://x/y', status: 500, title: bad}}}}]"


@pytest.mark.spec("N17", "N13")
def test_runs_are_called_something_and_found_by_it(cli: Cli) -> None:
    flow, bad = cli.file("add", SET), cli.file("bad", BAD)
    words = ("--title", "Leak check", "--label", "engine", "--property", "stand=A2", "--author", "ada")
    first = cli.json("run", flow, *words)["run_id"]
    second = cli.json("run", bad, "--label", "engine", code=1)["run_id"]

    def found(*words: str) -> list[str]:
        return [run["run_id"] for run in cli.json("runs", "search", *words)["runs"]]

    assert found() == [second, first]
    assert found("label:engine", "and", "not", "state:failed") == [first]
    assert found('text:"leak check" property:stand=A2') == [first]
    assert found("--tree", '{"or": [{"author": "ada"}, {"state": "failed"}]}', "--sort", "created") == [
        first,
        second,
    ]
    cli.folder.joinpath("tree.json").write_text('{"label": "engine"}')
    assert found("--tree", "@tree.json") == [second, first]
    page = cli.json("runs", "search", "label:engine", "--limit", "1")
    assert found("label:engine", "--limit", "1", "--cursor", page["next"]) == [first]
    shown = cli("runs", "search", "engine")
    assert "Leak check" in shown.out and "bad:1.0.0" in shown.out
    assert "Leak check" in cli("runs", "show", first).out

    view = cli.json(
        "runs", "metadata", first, "--title", "", "--no-labels", "--archive", "--description", "*done*"
    )
    wanted = {
        "title": None,
        "labels": [],
        "properties": {"stand": "A2"},
        "archived": True,
        "description": "*done*",
    }
    assert wanted.items() <= view.items()
    assert found("label:engine") == [second]
    assert found("archived:true") == [first]
    assert "stand=A2" in cli("runs", "metadata", first).out


@pytest.mark.spec("N17")
def test_what_cannot_be_read_is_told_with_its_place(cli: Cli) -> None:
    cli.json("run", cli.file("add", SET))
    told = cli("runs", "search", "label:engine", "and", "(state:failed")
    assert told.code == 2
    assert "column 31: `)` is wanted" in told.err
    for words, wanted in (
        (("state:broken and labels:x",), ("search.and[0].state", "search.and[1].labels")),
        (("x", "--tree", "{}"), ("not both",)),
        (("--sort", "size"), ("sort by created",)),
        (("--cursor", "x"), ("cursor",)),
    ):
        error = json.dumps(cli.json("runs", "search", *words, code=2))
        assert all(text in error for text in wanted), error


@pytest.mark.spec("N17")
def test_definitions_are_found(cli: Cli) -> None:
    cli.json("run", cli.file("add", SET))
    cli.json("run", cli.file("bad", BAD), code=1)
    assert [card["name"] for card in cli.json("search", "definitions", "name:add")["definitions"]] == ["add"]
    assert "test/bad:1.0.0" in cli("search", "definitions", "bad").out
    assert cli("search", "definitions", "nothing").out.strip() == "no definitions"
    assert cli.json("search", "runs", "name:add")["runs"]
