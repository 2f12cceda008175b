"""`stepwell validate` and `stepwell graph`."""

from __future__ import annotations

import pytest

from tests.cli.helpers import Cli

GOOD = "do: [{a: {set: {x: 1}}}]"
BAD = "do:\n  - a: {set: {x: '${ .. | | }'}}\n  - b: {wait: nope}\n"
LATER = "do: [{a: {emit: {event: {with: {type: x, source: 'https://x.y'}}}}}]"


def test_good_files_are_fine(cli: Cli) -> None:
    result = cli("validate", cli.file("one", GOOD), cli.file("two", GOOD))
    assert result.code == 0
    assert result.out.count(": fine") == 2
    view = cli.json("validate", cli.folder / "one.yaml")
    assert view == {
        "valid": True,
        "ok": True,
        "files": [{"file": str(cli.folder / "one.yaml"), "valid": True, "supported": True, "findings": []}],
    }


def test_all_problems_of_all_files_are_reported_at_once_with_their_place(cli: Cli) -> None:
    one, two = cli.file("one", BAD), cli.file("two", BAD)
    result = cli("validate", one, two)
    assert result.code == 2
    for path in (one, two):
        for line in (3, 4):
            assert f"{path}:{line}:" in result.out
    view = cli.json("validate", one, two, code=2)
    assert [file["valid"] for file in view["files"]] == [False, False]
    assert all(finding["line"] > 1 and finding["message"] for finding in view["files"][0]["findings"])


def test_what_is_not_done_yet_is_named_and_told_apart_from_what_is_wrong(cli: Cli) -> None:
    view = cli.json("validate", cli.file("later", LATER), code=2)
    (file,) = view["files"]
    assert (file["valid"], file["supported"]) == (True, False)
    assert "emit" in file["findings"][0]["message"]
    assert view["valid"] and not view["ok"]
    error = cli.json("run", cli.folder / "later.yaml", code=2)["error"]
    assert (error["type"], error["supported"]) == ("invalid_definition", False)


@pytest.mark.parametrize("name", ["nowhere.yaml", "."])
def test_a_file_that_cannot_be_read_is_a_problem_of_its_own(cli: Cli, name: str) -> None:
    good = cli.file("one", GOOD)
    view = cli.json("validate", name, good, code=2)
    assert [file["valid"] for file in view["files"]] == [False, True]
    assert view["files"][0]["findings"][0]["code"] == "unreadable"


def test_hostile_names_do_not_reach_the_terminal(cli: Cli) -> None:
    path = cli.file("evil", 'do: [{"a\\e]0;owned\\a": {sot: {}}}]')
    result = cli("validate", path)
    assert result.code == 2
    assert "\x1b" not in result.out + result.err
    assert "\x07" not in result.out + result.err


def test_a_graph_of_a_file_and_of_a_run(cli: Cli) -> None:
    path = cli.file("one", GOOD)
    drawn = cli("graph", path)
    assert drawn.code == 0
    assert drawn.out.startswith("flowchart TD\n")
    assert cli.json("graph", path)["mermaid"] == drawn.out
    run_id = cli.json("run", path)["run_id"]
    assert "class n0 completed" in cli("graph", run_id).out
    assert cli.json("graph", "nothing-like-that", code=2)["error"]["type"] == "not_found"
    assert cli.json("graph", "nowhere.yaml", code=2)["error"]["type"] == "invalid_input"


CODE = """
from stepwell import step, workflow

@step
async def first() -> int:
    return 1

@workflow
async def counts(n: int) -> int:
    return n + await first()
"""


def test_python_workflows_are_validated_and_drawn_too(cli: Cli) -> None:
    code, broken = cli.text("counts.py", CODE), cli.text("broken.py", "import nothing_like_that")
    assert cli("validate", f"{code}:counts").out == f"{code}:counts: fine\n"
    view = cli.json("validate", f"{code}:other", str(broken), code=2)
    assert not view["valid"] and [one["valid"] for one in view["files"]] == [False, False]
    assert "it has: counts" in view["files"][0]["findings"][0]["hint"]
    assert cli("graph", f"{code}:counts").out.startswith("flowchart TD\n")


@pytest.mark.spec("S7")
def test_of_a_draft_what_is_missing_is_no_mistake(cli: Cli) -> None:
    draft = cli.file("draft", "do: [{a: {call: http, with: {method: get}}}]")
    assert cli("validate", draft).code == 2
    result = cli("validate", "--draft", draft)
    assert (result.code, result.out.count("still missing")) == (0, 1)
    view = cli.json("validate", "--draft", draft)
    assert [finding["code"] for finding in view["files"][0]["findings"]] == ["incomplete"]
    assert cli("validate", "--draft", cli.file("bad", BAD)).code == 2
