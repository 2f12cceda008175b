"""`stepwell runs …`: looking at runs and steering them while another process carries them on."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.cli.helpers import Cli

ADD = "do: [{add: {set: {sum: '${ .a + .b }'}}}]"
BAD = "do: [{a: {raise: {error: {type: 'https://x/y', status: 500, title: bad}}}}]"
SLEEP = "do: [{first: {set: {n: 1}}}, {nap: {run: {shell: {command: 'sleep 30'}}}}]"
GATE = """
do:
  - gate: {run: {shell: {command: 'echo >started; read line <gate'}}}
  - last: {set: {done: true}}
"""
ONCE = """
do:
  - first: {run: {shell: {command: 'echo first >>done'}}}
  - second: {run: {shell: {command: 'echo >started; test -e go || sleep 30'}}}
  - third: {set: {all: done}}
"""
FLAKY = """
do:
  - first: {run: {shell: {command: 'echo first >>done'}}}
  - second: {call: python, with: {function: 'flaky:second'}}
"""
FLAKY_CODE = """
import pathlib
def second():
    if not pathlib.Path("repaired").exists():
        raise RuntimeError("broken")
    return "fine"
"""


# --- looking --------------------------------------------------------------------------------------


def test_runs_are_listed_newest_first_filtered_and_paged(cli: Cli) -> None:
    add, other = (
        cli.file("add", ADD),
        cli.file("other", BAD),
    )
    ids = [cli.json("run", add, "--input", '{"a":1,"b":2}', "--tag", f"n={n}")["run_id"] for n in range(3)]
    failed = cli.json("run", other, code=1)["run_id"]

    def listed(*words: str) -> list[str]:
        return [run["run_id"] for run in cli.json("runs", "list", *words)["runs"]]

    assert listed() == [failed, *reversed(ids)]
    assert listed("--status", "failed") == [failed]
    assert listed("--status", "failed", "--status", "completed", "--limit", "2") == [failed, ids[2]]
    assert listed("--name", "add", "--tag", "n=1") == [ids[1]]
    first = cli.json("runs", "list", "--limit", "3")
    second = cli.json("runs", "list", "--limit", "3", "--cursor", first["next"])
    assert [run["run_id"] for run in first["runs"] + second["runs"]] == listed()
    assert second["next"] is None
    assert {"run_id", "name", "status", "created_at", "ended_at", "tags"} <= set(first["runs"][0])
    table = cli("runs", "list").out.splitlines()
    assert table[0].split() == ["RUN", "NAME", "STATUS", "STARTED", "TOOK", "ERROR"]
    assert table[1].startswith(failed)
    assert " failed " in table[1]
    cli.json("runs", "metadata", ids[1], "--title", "Hotfire 12")
    table = cli("runs", "list").out.splitlines()
    assert table[0].split()[:4] == ["RUN", "NAME", "TITLE", "STATUS"]
    assert "Hotfire 12" in next(line for line in table if line.startswith(ids[1]))


@pytest.mark.spec("X1")
def test_a_run_is_shown_as_a_tree_or_whole(cli: Cli) -> None:
    run_id = cli.json(
        "run",
        cli.file("tree", "do: [{loop: {for: {each: x, in: .list}, do: [{one: {set: {got: '${ $x }'}}}]}}]"),
        "--input",
        '{"list": ["a", "b\\u001b[31m"]}',
        "--key",
        "k",
    )["run_id"]
    view = cli.json("runs", "show", run_id)
    assert view["input"]["list"][1] == "b\x1b[31m"
    assert view["variables"] == {}
    assert [step["index"] for step in view["steps"]] == [[], [0], [1]]
    assert all("attempts" in step for step in view["steps"])
    text = cli("runs", "show", run_id).out
    assert "\x1b" not in text
    lines = [line.strip() for line in text.splitlines()]
    assert any(line.startswith("✓ loop  for  2 of 2") for line in lines), text
    assert any(line.startswith("✓ one [1]  set") for line in lines), text
    assert any(line.startswith("key      k") for line in lines), text


def test_a_run_is_found_by_the_beginning_of_its_id(cli: Cli) -> None:
    add = cli.file("add", ADD)
    one, two = (cli.json("run", add)["run_id"] for _ in range(2))
    assert cli.json("runs", "show", one[:30])["run_id"] == one
    common = next(n for n in range(36) if one[n] != two[n])
    ambiguous = cli.json("runs", "show", one[:common], code=2)["error"]
    assert ambiguous["type"] == "invalid_input"
    assert one in ambiguous["message"]
    for nothing in ("zz", "ffffffff", "0000000000", one[:-1] + "g"):
        assert cli.json("runs", "show", nothing, code=2)["error"]["type"] == "not_found"


def test_history_and_variables(cli: Cli) -> None:
    cli.text(
        "setter.py",
        "import stepwell\ndef put():\n    stepwell.current().set_variables(colour='red', n=[1])\n",
    )
    run_id = cli.json("run", cli.file("vars", "do: [{a: {call: python, with: {function: 'setter:put'}}}]"))[
        "run_id"
    ]
    view = cli.json("runs", "history", run_id)
    assert view["run_id"] == run_id
    types = [event["type"] for event in view["events"]]
    assert (types[0], types[-1]) == ("run.created", "run.completed")
    assert [event["seq"] for event in view["events"]] == sorted(event["seq"] for event in view["events"])
    later = cli.json("runs", "history", run_id, "--after", str(view["events"][-1]["seq"] - 1))["events"]
    assert [event["type"] for event in later][-1] == "run.completed"
    assert "variables.set" in cli("runs", "history", run_id).out
    assert cli.json("runs", "variables", run_id)["variables"] == {"colour": "red", "n": [1]}
    assert cli.json("runs", "variables", run_id, "colour")["value"] == "red"
    assert cli("runs", "variables", run_id).out == 'colour = "red"\nn = [1]\n'
    assert cli.json("runs", "variables", run_id, "size", code=2)["error"]["type"] == "not_found"


@pytest.mark.spec("Q10")
def test_explain_gives_commands_that_can_be_given(cli: Cli) -> None:
    run_id = cli.json("run", cli.file("bad", BAD), "--db", "x.db", code=1)["run_id"]
    view = cli.json("runs", "explain", run_id, "--db", "x.db")
    assert (view["reason"], view["evidence"]["error"]["status"]) == ("failed", 500)
    text = cli("runs", "explain", run_id, "--db", "x.db").out
    assert f"stepwell runs retry --db x.db {run_id}" in text
    for action in view["next_actions"]:
        words = action["command"].split()
        assert words[0] == "stepwell"
        assert cli(*words[1:]).code in (0, 1), action


@pytest.mark.parametrize("words", [["list"], ["show", "x"], ["pause", "x"], ["watch", "x"]])
def test_without_a_file_there_is_nothing_to_look_at_and_none_is_made(cli: Cli, words: list[str]) -> None:
    result = cli("runs", *words)
    assert result.code == 4
    assert "there is no database stepwell.db" in result.err
    assert cli("doctor").code == 4
    assert not list(cli.folder.iterdir())


# --- steering -------------------------------------------------------------------------------------


@pytest.mark.spec("X2")
def test_a_run_elsewhere_is_paused_drains_and_is_resumed(cli: Cli) -> None:
    started, gate = cli.pipe("started"), cli.pipe("gate")
    running = cli.start("run", cli.file("gated", GATE))
    started.wait()
    run_id = cli.only_run()
    assert cli.json("runs", "pause", run_id, "--reason", "tea")["status"] == "pausing"
    assert cli.json("runs", "explain", run_id)["reason"] == "pausing"
    gate.write("through")
    running.line("is paused")
    view = cli.json("runs", "explain", run_id)
    assert (view["status"], view["reason"]) == ("paused", "paused")
    resumed = cli.json("runs", "resume", run_id)
    assert resumed["status"] in ("running", "completed")  # the other process may be through already
    result = running.end()
    assert result.code == 0, result
    assert '"done": true' in result.out


@pytest.mark.spec("X2", "S6")
def test_a_cancel_from_elsewhere_interrupts_the_work(cli: Cli) -> None:
    running = cli.start("run", cli.file("sleep", SLEEP), "--json")
    watching = None
    while watching is None:
        runs = cli("runs", "list", "--json")
        if runs.code == 0 and runs.json["runs"]:
            watching = cli.start("runs", "watch", runs.json["runs"][0]["run_id"], "--json")
    run_id = cli.only_run()
    assert cli.json("runs", "cancel", run_id, "--reason", "enough")["status"] in ("cancelling", "cancelled")
    for process in (running, watching):
        result = process.end()
        assert result.code == 3, result
        assert (result.json["run_id"], result.json["status"]) == (run_id, "cancelled")
    assert cli.json("runs", "cancel", run_id, code=1)["error"]["type"] == "transition_refused"
    refused = cli("runs", "pause", run_id)
    assert refused.code == 1
    assert refused.err.startswith("error: ")


def test_a_terminated_run_ends_at_once(cli: Cli) -> None:
    running = cli.start("run", cli.file("sleep", SLEEP))
    running.line("/do/1/nap started")
    run_id = cli.only_run()
    assert cli.json("runs", "terminate", run_id, "--yes")["status"] == "terminated"
    result = running.end()
    assert result.code == 3, result
    assert "runs retry" not in result.out, "a terminated run cannot be retried"
    assert cli.json("runs", "retry", run_id, code=1)["error"]["type"] == "transition_refused"


def test_watching_prints_lines_and_ctrl_c_only_stops_watching(cli: Cli) -> None:
    running = cli.start("run", cli.file("sleep", SLEEP))
    running.line("/do/1/nap started")
    run_id = cli.only_run()
    watching = cli.start("runs", "watch", run_id)
    watching.line("/do/1/nap started")
    watching.signal(signal.SIGINT)
    result = watching.end()
    assert result.code == 130
    assert f"stepwell runs watch {run_id}" in result.err
    assert cli.json("runs", "list")["runs"][0]["status"] == "running"


def test_watching_what_nobody_carries_on_or_nobody_can_read(cli: Cli) -> None:
    import apsw

    running = cli.start("run", cli.file("sleep", SLEEP))
    running.line("/do/1/nap started")
    running.kill()
    run_id = cli.only_run()
    watching = cli.start("runs", "watch", run_id)
    watching.line("/do/1/nap started")
    cli.json("runs", "cancel", run_id)
    result = watching.end()
    assert result.code == 3
    assert "no engine carries the run on now; start one with: stepwell serve" in result.err
    db = apsw.Connection(str(cli.folder / "stepwell.db"))
    db.execute("UPDATE journal SET at = at + 1 WHERE seq = 1")
    db.close()
    for words in (["watch", run_id], ["show", run_id], ["explain", run_id]):
        assert cli.json("runs", *words, code=4)["error"]["type"] == "store_damaged"
    assert cli.json("doctor", code=1)["findings"][0]["code"] == "run_damaged"


@pytest.mark.spec("X5")
def test_the_debugger_holds_every_step_until_it_is_let_go(cli: Cli) -> None:
    running = cli.start("run", cli.file("two", "do: [{one: {set: {x: 1}}}, {two: {set: {x: 2}}}]"), "--debug")
    running.line("/do/0/one paused by the debugger")
    run_id = cli.only_run()
    view = cli.json("runs", "explain", run_id)
    assert view["reason"] == "paused_by_debugger"
    assert cli.json("runs", "resume", run_id, "--step", "nope", code=2)["error"]["type"] == "not_found"
    assert cli(*view["next_actions"][0]["command"].split()[1:]).code == 0
    running.line("/do/1/two paused by the debugger")
    assert cli.json("runs", "resume", run_id, "--step", "two")["status"] in ("running", "completed")
    assert running.end().code == 0


@pytest.mark.spec("Q12")
def test_a_failed_run_is_retried_here_from_what_failed(cli: Cli) -> None:
    cli.text("flaky.py", FLAKY_CODE)
    run_id = cli.json("run", cli.file("flaky", FLAKY), code=1)["run_id"]
    again = cli("runs", "retry", run_id, "--here")
    assert again.code == 1, again
    cli.text("repaired", "")
    view = cli.json("runs", "retry", run_id, "--here")
    assert (view["run_id"], view["status"], view["output"]) == (run_id, "completed", "fine")
    assert (cli.folder / "done").read_text() == "first\n", "what was completed is not done again"


def test_a_retry_as_a_guest_waits_for_an_engine(cli: Cli) -> None:
    cli.text("flaky.py", FLAKY_CODE)
    run_id = cli.json("run", cli.file("flaky", FLAKY), code=1)["run_id"]
    cli.text("repaired", "")
    result = cli("runs", "retry", run_id)
    assert result.code == 0
    assert "stepwell serve" in result.out
    assert cli.json("runs", "explain", run_id)["reason"] == "not_carried_on"
    assert cli("serve", "--until-idle").code == 0
    assert cli.json("runs", "show", run_id)["output"] == "fine"


def test_a_server_says_which_step_failed_and_why(cli: Cli) -> None:
    cli.json("run", cli.file("bad", BAD), "--queue", "default")
    said = cli("serve", "--until-idle").err
    assert "step /do/0/a failed: bad" in said


@pytest.mark.spec("Q12")
def test_a_rerun_is_a_new_run_with_the_same_input_or_another(cli: Cli) -> None:
    first = cli.json("run", cli.file("add", ADD), "--input", '{"a":1,"b":2}')["run_id"]
    same = cli.json("runs", "rerun", first)
    other = cli.json("runs", "rerun", first, "--input", '{"a":5,"b":5}')
    assert [same["output"], other["output"]] == [{"sum": 3}, {"sum": 10}]
    assert len({first, same["run_id"], other["run_id"]}) == 3
    assert cli.json("runs", "show", same["run_id"])["rerun_of"] == first


def test_a_detached_rerun_is_left_to_an_engine(cli: Cli) -> None:
    path = cli.file("once", "do: [{one: {run: {shell: {command: 'echo x >>done'}}}}]")
    first = cli.json("run", path)["run_id"]
    second = cli.json("runs", "rerun", first, "--detach")
    assert (second["status"], second["rerun_of"]) == ("running", first)
    assert (cli.folder / "done").read_text() == "x\n"
    assert cli("serve", "--until-idle").code == 0
    assert (cli.folder / "done").read_text() == "x\nx\n"
    assert cli.json("runs", "show", second["run_id"])["status"] == "completed"


# --- serve ----------------------------------------------------------------------------------------


@pytest.mark.spec("B5")
def test_what_a_killed_process_left_is_carried_on(cli: Cli) -> None:
    started = cli.pipe("started")
    running = cli.start("run", cli.file("once", ONCE))
    started.wait()
    running.kill()
    run_id = cli.only_run()
    assert cli.json("runs", "explain", run_id)["reason"] == "not_carried_on"
    cli.text("go", "")
    result = cli("serve", "--until-idle", "--json")
    assert result.code == 0, result
    assert result.json == {"taken_up": [run_id], "open": []}
    assert f"taking up run {run_id}" in result.err
    assert f"run {run_id} completed" in result.err
    view = cli.json("runs", "show", run_id)
    assert view["output"] == {"all": "done"}
    assert [len(step["attempts"]) for step in view["steps"]] == [1, 1, 0]
    assert view["steps"][1]["attempts"][0]["runs"] == 2
    assert (cli.folder / "done").read_text() == "first\n", "what was completed is not done again"
    assert cli.json("doctor")["ok"]


def test_serving_until_idle_leaves_what_waits_for_a_person(cli: Cli) -> None:
    waiting = cli.start("run", cli.file("two", "do: [{one: {set: {x: 1}}}]"), "--debug")
    waiting.line("paused by the debugger")
    waiting.signal(signal.SIGTERM)
    waiting.end()
    view = cli("serve", "--until-idle", "--json").json
    assert view["open"] == [{"run_id": cli.only_run(), "status": "running"}]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_takes_up_runs_and_leaves_cleanly(cli: Cli, number: int) -> None:
    started = cli.pipe("started")
    running = cli.start("run", cli.file("once", ONCE))
    started.wait()
    running.kill()
    serving = cli.start("serve")
    started.wait()  # the step is performed again
    run_id = cli.only_run()
    assert cli.json("runs", "explain", run_id)["reason"] == "step_running"
    serving.signal(number)
    result = serving.end()
    assert result.code == 0, result
    assert "leaving" in result.err
    assert cli.json("runs", "explain", run_id)["reason"] == "not_carried_on"


# --- doctor ---------------------------------------------------------------------------------------


@pytest.mark.spec("Q19")
def test_doctor_has_exit_codes_and_an_action_for_every_finding(cli: Cli) -> None:
    import apsw

    cli.json("run", cli.file("add", ADD), "--input", '{"a":1,"b":2}')
    assert cli.json("doctor")["ok"]
    assert "nothing is wrong" in cli("doctor").out
    db = apsw.Connection(str(cli.folder / "stepwell.db"))
    db.execute("UPDATE runs SET status = 'failed'")
    db.close()
    view = cli.json("doctor", code=1)
    assert [finding["code"] for finding in view["findings"]] == ["row_differs"]
    assert "stepwell doctor --rebuild" in view["findings"][0]["action"]
    result = cli("doctor")
    assert result.code == 1
    assert "what next: " in result.out
    assert cli.json("doctor", "--rebuild")["ok"]
    assert cli.json("runs", "list")["runs"][0]["status"] == "completed"


def test_a_reader_who_has_seen_enough_is_no_error(cli: Cli) -> None:
    flow = cli.file("quick", "do: [{s: {set: {x: 1}}}]\n")
    for _ in range(3):
        cli("run", flow, "--json")
    stepwell = f"{sys.executable} -m stepwell"
    done = subprocess.run(
        ["sh", "-c", f"{stepwell} runs list | true"],
        check=False, cwd=cli.folder, env=cli.env, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stderr == ""
