"""Filters, detail, `status`, and verbs on many runs at once."""

from __future__ import annotations

import pytest

from tests.cli.helpers import Cli
from tests.support import processes

BAD = "do: [{a: {raise: {error: {type: 'https://x/y', status: 500, title: bad}}}}]"
ADD = "do: [{add: {set: {word: hunter2}}}]"
NAP = "do: [{nap: {wait: {hours: 1}}}]"


@pytest.fixture
def naps(cli: Cli) -> list[str]:
    """Three open runs that no engine carries on."""
    first = cli.json("run", cli.file("bad", BAD), code=1)["run_id"]
    nap = cli.file("nap", NAP)
    cli.text("start.py", START)
    assert first
    done = processes.ran("start.py", nap, cwd=cli.folder, env=cli.env, timeout=30)
    return done.stdout.split()


START = """
import asyncio, pathlib, sys
from stepwell import Stepwell
async def main():
    async with Stepwell.open("stepwell.db") as engine:
        for n in range(3):
            print((await engine.start(pathlib.Path(sys.argv[1]), tags={"n": str(n)})).run_id)
asyncio.run(main())
"""


def listed(cli: Cli, *words: str) -> list[str]:
    return [run["run_id"] for run in cli.json("runs", "list", *words)["runs"]]


def test_lists_are_filtered_sorted_and_counted(cli: Cli, naps: list[str]) -> None:
    (bad,) = listed(cli, "--error", "y")
    assert listed(cli, "--ended", "--since", "1h") == [bad]
    assert listed(cli, "--orphaned", "--sort", "oldest") == naps
    assert listed(cli, "--open", "--tag", "n=1") == [naps[1]]
    assert listed(cli, "--id", naps[2]) == [naps[2]]
    assert listed(cli, "--until", "2020-01-01") == []
    assert cli.json("runs", "list", "--count")["counts"] == {"failed": 1, "running": 3}
    assert cli("runs", "list", "--count", "--name", "nap").out.split() == ["running", "3", "all", "3"]
    refused = cli.json("runs", "list", "--since", "soon", code=2)["error"]
    assert "how long ago" in refused["hint"]
    detailed = cli.json("runs", "list", "--detail", "standard", "--name", "nap")["runs"][0]
    assert detailed["input"] == {"type": "object", "bytes": 2, "members": 0}


@pytest.mark.spec("Q11")
def test_payloads_can_be_left_out(cli: Cli) -> None:
    run_id = cli.json("run", cli.file("add", ADD), "--input", '{"pin": "hunter2"}')["run_id"]
    for command in ("show", "history"):
        assert "hunter2" in str(cli.json("runs", command, run_id))
        assert "hunter2" in cli("runs", command, run_id).out
        for detail in ("summary", "standard"):
            assert "hunter2" not in str(cli.json("runs", command, run_id, "--detail", detail))
            assert "hunter2" not in cli("runs", command, run_id, "--detail", detail).out


@pytest.mark.spec("U13")
def test_filters_need_a_yes_and_ids_do_not(cli: Cli, naps: list[str]) -> None:
    refused = cli.json("runs", "pause", "--name", "nap", code=2)["error"]
    assert "3 runs" in refused["message"]
    assert cli.json("runs", "list", "--count")["counts"] == {"failed": 1, "running": 3}
    view = cli.json("runs", "pause", *naps[:2], "--reason", "tea")
    assert [result["status"] for result in view["results"]] == ["paused", "paused"]
    assert cli.json("runs", "resume", "--status", "paused", "--yes")["total"] == 2
    view = cli.json("runs", "cancel", "--name", "nap", "--yes")
    assert (view["verb"], view["done"], view["refused"]) == ("cancel", 3, 0)
    assert {result["run_id"] for result in view["results"]} == set(naps)
    again = cli("runs", "cancel", *naps[:2])
    assert again.code == 1
    assert "cancel: 0 of 2, 2 refused" in again.out
    assert cli("runs", "cancel", "--name", "nap", "--yes").out == "no run matches\n"
    assert cli.json("runs", "retry", "--name", "nap", "--yes")["done"] == 3
    assert cli.json("runs", "terminate", "--tag", "n=0", "--yes")["results"][0]["status"] == "terminated"
    for words in (["cancel"], ["cancel", naps[0], "--open"], ["resume", *naps, "--step", "x"]):
        assert cli.json("runs", *words, code=2)["error"]["type"] == "invalid_input"


@pytest.mark.spec("Q19")
def test_the_status_of_a_file(cli: Cli, naps: list[str]) -> None:
    view = cli.json("status", code=1)
    assert (view["runs"]["total"], view["runs"]["open"]) == (4, 3)
    assert view["findings"][0]["code"] == "not_carried_on"
    result = cli("status", "--db", "stepwell.db")
    assert result.code == 1
    assert "4 runs, 3 open" in result.out
    assert "what next: stepwell serve --db stepwell.db" in result.out
    assert naps[0] in result.out
    cli.json("runs", "terminate", *naps)
    assert cli.json("status")["ok"]
    assert "nothing needs anybody" in cli("status").out
    assert cli("status", "--db", "nowhere.db").code == 4


def test_a_short_beginning_of_an_id_will_do_where_it_is_the_only_one(cli: Cli) -> None:
    run_id = cli.json("run", cli.file("add", ADD))["run_id"]
    assert cli.json("runs", "show", run_id[:1])["run_id"] == run_id
    assert cli.json("runs", "show", "", code=2)["error"]["type"] == "not_found"


def test_a_rerun_without_input_is_not_a_rerun_with_the_same(cli: Cli) -> None:
    run_id = cli.json("run", cli.file("add", ADD), "--input", '{"a": 1}')["run_id"]
    same = cli.json("runs", "rerun", run_id)["run_id"]
    none = cli.json("runs", "rerun", run_id, "--input", "null")["run_id"]
    assert cli.json("runs", "show", same)["input"] == {"a": 1}
    assert cli.json("runs", "show", none)["input"] == {}


def test_a_run_that_took_too_long_says_so(cli: Cli) -> None:
    result = cli("run", cli.file("nap", NAP), "--timeout", "0.05")
    assert result.code == 3
    assert "--timeout is over: cancelling the run" in result.out
    assert "why:   it took longer than --timeout" in result.out


def test_serving_a_file_that_is_not_there_says_that_it_makes_one(cli: Cli) -> None:
    result = cli("serve", "--until-idle", "--db", "mistyped.db")
    assert result.code == 0
    assert "there was no database mistyped.db: made one" in result.err
    assert "made one" not in cli("serve", "--until-idle", "--create", "--db", "mistyped.db").err


@pytest.mark.parametrize("size", [50, 4_096, 30_000])
def test_a_file_that_was_cut_off_gets_advice_that_can_be_followed(cli: Cli, size: int) -> None:
    cli.json("run", cli.file("add", ADD))
    file = cli.folder / "stepwell.db"
    file.write_bytes(file.read_bytes()[:size])
    error = cli.json("doctor", code=4)["error"]
    assert error["type"] == "store_damaged"
    assert "backup" in error["hint"]
    assert "stepwell doctor" not in error["hint"]


@pytest.mark.spec("U13", "N12")
def test_who_steers_many_runs_is_on_record_of_each(cli: Cli, naps: list[str]) -> None:
    cli.json("runs", "pause", "--name", "nap", "--yes", "--as", "ada", "--reason", "stock is counted")
    cli.json("runs", "resume", *naps, "--by", "bob")
    for run in naps:
        said = [(line["by"], line["what"]) for line in cli.json("audit", run)["audit"]]
        assert said[-2:] == [("ada", "run.pausing"), ("bob", "run.resumed")]
