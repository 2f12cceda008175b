"""Runs named by the key that they were started with."""

from __future__ import annotations

import asyncio

import pytest

from stepwell import Stepwell
from tests.cli.helpers import Cli

FORM = "do: [{add: {set: {x: 1}}}, {nap: {wait: {hours: 1}}}]"


def started(cli: Cli, key: str) -> str:
    path = cli.file("keyed", "do: [{add: {set: {x: 1}}}]")
    run: str = cli.json("run", path, "--key", key)["run_id"]
    return run


def left_open(cli: Cli, **keys: str | None) -> None:
    """Runs with these ids, each with its key."""

    async def main() -> None:
        async with Stepwell.open(cli.folder / "stepwell.db", warm_up=False) as stepwell:
            for run, key in keys.items():
                await stepwell.start(cli.file("keyed", FORM), id=run, key=key)

    asyncio.run(main())


@pytest.mark.parametrize(
    "words", ["show", "explain", "timeline", "history", "variables", "attributes", "metadata"]
)
def test_a_key_stands_for_its_run(cli: Cli, words: str) -> None:
    run = started(cli, "order 1")
    started(cli, "order 12")
    by_key = cli.json("runs", words, "--key", "order 1")
    assert by_key.get("run_id", run) == run
    by_key, by_id = (str(each).partition("'at'")[0] for each in (by_key, cli.json("runs", words, run)))
    assert by_key == by_id


def test_a_list_by_key_is_exact(cli: Cli) -> None:
    run = started(cli, "order-1")
    started(cli, "order-12")
    assert [row["run_id"] for row in cli.json("runs", "list", "--key", "order-1")["runs"]] == [run]
    assert cli.json("runs", "list", "--key", "order-")["runs"] == []
    assert cli.json("runs", "list", "--key", "order-1", "--open")["runs"] == []


def test_what_comes_after_the_run_comes_after_its_key(cli: Cli) -> None:
    run = started(cli, "one")
    forked = cli.json("runs", "metadata", "--key", "one", "--title", "first")
    assert (forked["run_id"], forked["title"]) == (run, "first")
    assert (
        "has no variable x" in cli.json("runs", "variables", "x", "--key", "one", code=2)["error"]["message"]
    )
    assert cli.json("graph", "key=one")["run_id"] == run


def test_verbs_on_many_runs_take_it_for_a_name(cli: Cli) -> None:
    """What is named need not be confirmed, as what a filter found has to be."""
    path = cli.file("keyed", FORM)
    run = cli.json("run", path, "--key", "k", "--queue", "default")["run_id"]
    assert cli.json("runs", "cancel", "--key", "k")["run_id"] == run
    assert cli.json("runs", "show", "--key", "k")["status"] == "cancelled"


def test_an_id_that_is_a_key_is_told(cli: Cli) -> None:
    run = started(cli, "order 1")
    for words in (("runs", "show"), ("runs", "cancel")):
        error = cli.json(*words, "order 1", code=2)["error"]
        assert error["message"] == f"there is no run order 1, but run {run} was started with this key"
        assert f"stepwell {' '.join(words)} --key 'order 1'" in error["hint"]
    assert "key=order" in cli.json("graph", "order 1", code=2)["error"]["hint"]


def test_a_key_that_is_the_beginning_of_anothers_id_is_nobodys(cli: Cli) -> None:
    """Else `runs cancel` could end a run that was never meant."""
    left_open(cli, meant="order-1", **{"order-12": None, "order-13": None})
    error = cli.json("runs", "cancel", "order-1", code=2)["error"]
    assert "order-1 is the key of run meant, and the beginning of another's id: order-1" in error["message"]
    assert "stepwell runs cancel --key order-1" in error["hint"]
    assert cli.json("runs", "show", "order-12")["status"] == "running"
    assert cli.json("runs", "cancel", "--key", "order-1")["run_id"] == "meant"


def test_a_key_that_begins_its_own_id_names_it(cli: Cli) -> None:
    left_open(cli, **{"order-1-a": "order-1"})
    assert cli.json("runs", "show", "order-1")["run_id"] == "order-1-a"


def test_a_run_beside_a_key_is_not_taken_for_what_comes_after_it(cli: Cli) -> None:
    path = cli.file("keyed", FORM)
    run = cli.json("run", path, "--key", "one", "--queue", "default")["run_id"]
    left_open(cli, **{"approved-7": None})
    for given in (run, run[:8], "approved-7"):
        error = cli.json("runs", "signal", "--key", "one", given, "go", code=2)["error"]
        assert error["message"] == f"{given} names a run, and so does --key"
        assert "key=one" in error["hint"]
    assert f"{run} names a run" in cli("runs", "variables", "--key", "one", run).err
    assert "signal" not in cli("runs", "history", run).out
    assert cli.json("runs", "signal", "--key", "one", "approved", "1")["status"] == "buffered"
    assert cli.json("runs", "signal", "key=one", "approved-7")["name"] == "approved-7", "the way out"


def test_a_key_of_no_run_and_both_names_are_refused(cli: Cli) -> None:
    run = started(cli, "one")
    assert (
        "no run was started with the key 'on'"
        in cli.json("runs", "show", "--key", "on", code=2)["error"]["message"]
    )
    said = cli("runs", "show", run, "--key", "one")
    assert said.code == 2
    assert "by its id or by --key" in said.err
    said = cli("runs", "show")
    assert "Missing argument 'RUN'" in said.err
