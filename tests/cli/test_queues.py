"""`stepwell queues …` and `stepwell run --queue`."""

from __future__ import annotations

import pytest

from tests.cli.helpers import Cli

FLOW = "do: [a: {set: {done: true}}]"


@pytest.mark.spec("U3")
def test_from_a_queue_to_its_end(cli: Cli) -> None:
    made = cli.json("queues", "set", "mail", "--concurrency", "2", "--rate", "10/60")
    assert (made["name"], made["concurrency"], made["rate"], made["paused"]) == ("mail", 2, [10, 60.0], False)
    cli.json("queues", "pause", "mail")
    told = cli.json("run", cli.file("flow", FLOW), "--queue", "mail", "--priority", "3")
    assert (told["status"], told["reason"]) == ("pending", "queued")
    why = cli.json("runs", "explain", told["run_id"])
    assert "position 1" in why["summary"] and "paused" in why["summary"] and "no engine" in why["summary"]
    assert [action["command"] for action in why["next_actions"]][:3] == [
        "stepwell queues show mail",
        "stepwell queues resume mail",
        "stepwell serve",
    ]
    assert why["evidence"]["queue"]["ahead"] == 0
    assert (cli.json("queues", "show", "mail"))["waiting"] == 1
    assert cli.json("serve", "--until-idle")["open"] == []
    cli.json("queues", "resume", "mail")
    changed = cli.json("queues", "set", "mail", "--rate", "none")
    assert (changed["rate"], changed["concurrency"]) == (None, 2)
    cli.json("serve", "--until-idle", "--queue", "default")
    assert cli.json("runs", "show", told["run_id"])["status"] == "pending"
    cli.json("serve", "--until-idle")
    assert cli.json("runs", "show", told["run_id"])["status"] == "completed"


def test_what_is_told_in_words(cli: Cli) -> None:
    cli.json(
        "queues",
        "set",
        "mail",
        "--concurrency",
        "2",
        "--worker-concurrency",
        "1",
        "--partition-concurrency",
        "1",
    )
    cli.json("run", cli.file("flow", FLOW), "--delay", "3600")
    lines = cli("queues", "list").out.splitlines()
    column = lines[0].index("limits")
    assert all(text[column - 2 : column].isspace() and not text[column].isspace() for text in lines)
    assert lines[0].split()[:5] == ["queue", "waiting", "delayed", "held", "running"]
    assert lines[1].split()[:5] == ["default", "0", "1", "0", "0"]
    assert "2 at once, 1 a process, 1 a partition" in lines[2]
    assert "no limits" in cli("queues", "show", "default").out


def test_a_run_that_waits_leaves_others_alone(cli: Cli) -> None:
    """`stepwell run` begins what it was given, and nothing that waits in queues."""
    waiting = cli.json("run", cli.file("flow", FLOW), "--queue", "default")["run_id"]
    cli.json("run", cli.file("flow", FLOW))
    assert cli.json("runs", "show", waiting)["status"] == "pending"


@pytest.mark.parametrize(
    "words",
    [
        ("queues", "set", "mail", "--rate", "fast"),
        ("queues", "set", "mail", "--rate", "0/60"),
        ("queues", "set", "mail", "--concurrency", "0"),
    ],
)
def test_wrong_limits_are_refused(cli: Cli, words: tuple[str, ...]) -> None:
    assert cli(*words).code == 2


def test_unknown_queues_are_named(cli: Cli) -> None:
    cli.json("queues", "set", "mail")
    for words in (("queues", "show", "post"), ("run", cli.file("flow", FLOW), "--queue", "post")):
        told = cli(*words)
        assert told.code == 2
        assert "default, mail" in told.err
