"""`stepwell approvals …`: who is asked, and what they say, across processes."""

from __future__ import annotations

import pytest

from tests.cli.helpers import Cli

PAY = """
do:
  - pay:
      run: {shell: {command: echo paid}}
      metadata: {approval: {need: 2, approvers: {people: [ada], groups: [finance]}}}
"""


@pytest.mark.spec("X8", "Q8")
def test_decided_by_processes_of_their_own(cli: Cli) -> None:
    run = cli.json("run", cli.file("flow", PAY), "--queue", "default")["run_id"]
    cli.json("serve", "--until-idle")
    (asked,) = cli.json("approvals", "list", "--by", "bob", "--group", "finance")["approvals"]
    assert (asked["what"], asked["need"], asked["given"]) == ("shell:echo paid", 2, 0)
    assert cli.json("approvals", "list", "--by", "bob")["approvals"] == []
    why = cli.json("runs", "explain", run)
    assert "ada or group finance" in why["details"][0]["summary"]
    assert cli.json("approvals", "approve", run, "pay", "--by", "bob", code=1)["error"]["type"] == "forbidden"
    view = cli.json("approvals", "approve", run, "pay", "--by", "ada", "-m", "fine")
    assert (view["status"], view["given"]) == ("pending", 1)
    again = cli.json("approvals", "approve", run, "--by", "ada", code=1)["error"]
    assert again["type"] == "already_decided"
    cli.json("approvals", "approve", run, "--by", "bob", "--group", "finance")
    closed = cli.json("approvals", "reject", run, "--by", "eve", "--group", "finance", code=1)["error"]
    assert closed["type"] == "approval_closed" and "approved by bob" in closed["message"]
    cli.json("serve", "--until-idle")
    assert cli.json("runs", "show", run)["output"].strip() == "paid"
    text = cli("approvals", "show", run).out
    assert "shell:echo paid: approved, 2 of 2" in text and "ada: approve: fine" in text


@pytest.mark.spec("X8")
def test_asked_from_the_command_line(cli: Cli) -> None:
    view = cli.json(
        "approvals", "request", "Ship 2.0", "--person", "ada", "--person", "bob", "--by", "eve", "--arguments",
        '{"part": 7}',
    )  # fmt: skip
    run = view["run_id"]
    assert cli.json("approvals", "show", run)["arguments"] == {"part": 7}
    handed = cli.json("approvals", "delegate", run, "--by", "ada", "--to", "kim")
    assert handed["delegations"][0]["to"] == "kim"
    lines = cli("approvals", "list", "--by", "kim").out.splitlines()
    assert "Ship 2.0" in lines[1]
    cli.json("approvals", "reject", run, "--by", "kim", "-m", "not yet")
    assert cli.json("runs", "show", run)["output"]["decision"] == "rejected"
    assert cli("approvals", "request", "x", "--arguments", "{", "--by", "eve").code == 2


@pytest.mark.spec("X8", "Q8")
def test_of_processes_that_decide_at_once_one_wins(cli: Cli) -> None:
    run = cli.json("approvals", "request", "Ship 2.0", "--by", "eve")["run_id"]
    names = ["ada", "bob", "kim"]
    going = [cli.start("approvals", "approve", run, "--by", name, "--json") for name in names]
    ended = [each.end() for each in going]
    assert sorted(each.code for each in ended) == [0, 1, 1]
    winner = cli.json("approvals", "show", run)["decisions"][0]["by"]
    assert len(cli.json("approvals", "show", run)["decisions"]) == 1
    for name, each in zip(names, ended, strict=True):
        assert (each.code == 0) is (name == winner)
        if name != winner:
            assert each.json["error"]["type"] == "approval_closed"
            assert f"approved by {winner}" in each.json["error"]["message"]
