"""`stepwell archive`, `retention` and `backup`, as given on a command line."""

from __future__ import annotations

import pytest

from tests.cli.helpers import Cli

SET = "do:\n  - a: {set: {x: 1}}\n"


@pytest.mark.spec("Q18")
def test_runs_are_planned_archived_and_restored(cli: Cli) -> None:
    file = cli.file("order", SET)
    for number in range(3):
        cli.json("run", file, "--attribute", f"n={number}", "--key", f"k{number}")
    assert len(cli.json("runs", "list", "--where", "n >= 1")["runs"]) == 2
    assert "column 3" in cli.json("runs", "list", "--where", "n ~ 1", code=2)["error"]["message"]
    plan = cli.json("archive", "plan", "--older-than", "0")
    assert plan["runs"] == 3
    said = cli("archive", "plan", "--older-than", "0", "--where", "n = 1")
    assert "1 runs (1 turns" in said.out and "stepwell archive apply --to FILE" in said.out
    receipt = cli.json("archive", "apply", plan["token"], "--to", "old.gz")
    assert (receipt["state"], receipt["removed"]) == ("done", 3)
    assert cli.json("runs", "list")["runs"] == []
    run_id = cli.json("run", file, "--key", "k0", code=2)
    assert "archived to" in run_id["error"]["message"] and "archive restore" in run_id["error"]["hint"]
    assert cli.json("archive", "list")["archives"] == [receipt]
    assert cli.json("archive", "show", receipt["archive_id"][:8]) == receipt
    assert cli.json("archive", "verify", "old.gz")["runs"] == 3
    assert cli.json("archive", "finish")["finished"] == []
    assert cli.json("archive", "restore", "old.gz")["restored"] == 3
    assert "3 were there already" in cli("archive", "restore", "old.gz").out
    assert len(cli.json("runs", "list")["runs"]) == 3
    assert cli.json("doctor")["ok"]


@pytest.mark.spec("Q18")
def test_policies_and_backups(cli: Cli) -> None:
    file = cli.file("order", SET)
    for _ in range(3):
        cli.json("run", file)
    assert cli.json("retention", "list")["policies"] == []
    words = ("--keep", "0s", "--keep-last", "1", "--namespace", "test")
    assert cli.json("retention", "set", "order", *words)["keep_last"] == 1
    assert "keep 0 days, and the newest 1; then remove" in cli("retention", "list").out
    backup = cli.json("backup", "copy.db")
    assert backup["runs"] == 3 and backup["files"]["count"] == 0
    assert cli.json("retention", "run", "--dry-run")["policies"][0]["plan"]["runs"] == 2
    assert "2 of 2 runs removed" in cli("retention", "run", "--yes").out
    assert len(cli.json("runs", "list")["runs"]) == 1
    assert len(cli.json("runs", "list", "--db", "copy.db")["runs"]) == 3
    cli.json("backup", "copy.db", code=1)
    assert cli.json("retention", "drop", "order", "--namespace", "test")["dropped"]
    cli.json("retention", "set", "order", "--keep", "soon", code=2)


@pytest.mark.spec("Q18")
def test_attributes_of_a_run_are_printed_and_changed(cli: Cli) -> None:
    run_id = cli.json("run", cli.file("order", SET))["run_id"]
    changed = cli.json(
        "runs", "attributes", run_id, "--set", "amount=12.5", "--set", "region=eu", "--set", "rush=true"
    )
    assert changed["attributes"] == {"amount": 12.5, "region": "eu", "rush": True}
    assert cli("runs", "attributes", run_id, "--remove", "rush").out.splitlines() == [
        "amount = 12.5",
        'region = "eu"',
    ]
    cli.json("runs", "attributes", run_id, "--set", "amount=much", code=2)
    cli.json("runs", "attributes", run_id, "--set", "amount", code=2)


@pytest.mark.spec("Q18")
def test_a_server_enforces_the_policies(cli: Cli) -> None:
    file = cli.file("order", SET)
    for _ in range(3):
        cli.json("run", file)
    cli.json("retention", "set", "order", "--keep", "0s", "--namespace", "test")
    cli.json("serve", "--retention", "--until-idle")
    assert cli.json("runs", "list")["runs"] == []
