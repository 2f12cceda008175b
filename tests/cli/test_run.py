"""`stepwell run`: what it prints, and its exit codes."""

from __future__ import annotations

import json
import signal

import pytest

from tests.cli.helpers import Cli

ADD = "do: [{add: {set: {sum: '${ .a + .b }'}}}]"
FAIL = """
do:
  - fine: {set: {x: 1}}
  - bad:
      raise: {error: {type: 'https://example.com/out-of-stock', status: 409, title: Out of stock, detail: "no \\e[31mred\\e[0m shoes"}}
"""
SLEEP = "do: [{nap: {run: {shell: {command: 'sleep 30'}}}}]"
ERROR = ("type", "status", "title", "detail", "instance")


def test_a_completed_run_is_one_json_object(cli: Cli) -> None:
    result = cli("run", cli.file("add", ADD), "--input", '{"a": 1, "b": 2}', "--json")
    assert (result.code, result.err) == (0, "")
    view = result.json
    assert (view["status"], view["output"], view["error"]) == ("completed", {"sum": 3}, None)
    (step,) = view["steps"]
    assert (step["path"], step["name"], step["status"]) == ("/do/0/add", "add", "completed")
    assert step["started_at"].endswith("Z")
    assert step["ended_at"].endswith("Z")
    assert cli.json("runs", "show", view["run_id"])["input"] == {"a": 1, "b": 2}


def test_a_failed_run_exits_with_1_and_names_the_error(cli: Cli) -> None:
    view = cli.json("run", cli.file("fail", FAIL), code=1)
    assert (view["status"], view["output"]) == ("failed", None)
    assert set(view["error"]) == set(ERROR)
    assert view["error"]["status"] == 409
    assert view["error"]["instance"] == "/do/1/bad"
    assert [step["status"] for step in view["steps"]] == ["completed", "failed"]


def test_without_a_terminal_there_is_a_line_for_each_change(cli: Cli) -> None:
    result = cli("run", cli.file("fail", FAIL), "--db", "other.db")
    assert result.code == 1
    lines = result.out.splitlines()
    for wanted in (
        "step /do/0/fine started",
        "step /do/0/fine completed",
        "step /do/1/bad failed: Out of stock (409): no �[31mred�[0m shoes",
        "what:  Out of stock (409, out-of-stock)",
        "where: /do/1/bad",
    ):
        assert any(line.endswith(wanted) for line in lines), (wanted, result)
    assert "\x1b" not in result.out
    (retry,) = [line.strip() for line in lines if "runs retry" in line]
    assert retry.startswith("stepwell runs retry --db other.db ")
    assert cli(*retry.split()[1:]).code == 0, "what it says to do next can be done"


def test_a_run_whose_input_was_refused_is_not_to_be_retried(cli: Cli) -> None:
    strict = "input: {schema: {document: {type: object, required: [a]}}}\n"
    result = cli("run", cli.file("strict", strict + ADD))
    assert result.code == 1, result
    assert "runs explain" in result.out
    assert "runs retry" not in result.out


def test_a_completed_run_ends_with_its_output(cli: Cli) -> None:
    result = cli("run", cli.file("add", ADD), "--input", '{"a": 1, "b": 2}')
    assert json.loads(result.out[result.out.index("{\n") :]) == {"sum": 3}


def test_input_comes_from_words_files_and_standard_input(cli: Cli) -> None:
    add = cli.file("add", ADD)
    given = cli.text("in.json", '{"a": 3, "b": 4}')
    assert cli.json("run", add, "--input", f"@{given}")["output"] == {"sum": 7}
    assert cli("run", add, "--input", "-", "--json", stdin='{"a": 5, "b": 6}').json["output"] == {"sum": 11}
    big = cli("run", add, "--input", '{"a": 0, "b": 123456789012345678901234567890}', "--json")
    assert "123456789012345678901234567890" in big.out or big.json["status"] == "failed", (
        "never changed silently"
    )


def test_a_cancelled_run_exits_with_3(cli: Cli) -> None:
    running = cli.start("run", cli.file("sleep", SLEEP))
    running.line("/do/0/nap started")
    running.signal(signal.SIGINT)
    result = running.end()
    assert result.code == 3, result
    assert "cancelled in" in result.out
    assert cli.json("runs", "show", cli.only_run())["cancel_reason"] == "interrupted by Ctrl-C"


@pytest.mark.spec("X2")
def test_a_second_ctrl_c_leaves_the_run_open_and_says_how_to_go_on(cli: Cli) -> None:
    body = """do: [{nap: {run: {shell: {command: 'trap "" TERM INT; echo >ready; sleep 1.5'}}}}]"""
    ready = cli.pipe("ready")
    running = cli.start("run", cli.file("stubborn", body))
    ready.wait()
    running.signal(signal.SIGINT)
    running.line("is being cancelled")
    running.signal(signal.SIGINT)
    result = running.end()
    assert result.code == 130, result
    assert "stays open" in result.err
    assert "stepwell serve" in result.err
    assert cli.json("runs", "list")["runs"][0]["status"] == "cancelling"
    assert cli("serve", "--until-idle").code == 0
    assert cli.json("runs", "list")["runs"][0]["status"] == "cancelled"


def test_sigterm_leaves_the_run_open(cli: Cli) -> None:
    running = cli.start("run", cli.file("sleep", SLEEP))
    running.line("/do/0/nap started")
    running.signal(signal.SIGTERM)
    assert running.end().code == 130
    assert cli.json("runs", "list")["runs"][0]["status"] == "running"


def test_a_run_that_takes_too_long_is_cancelled(cli: Cli) -> None:
    view = cli.json("run", cli.file("sleep", SLEEP), "--timeout", "0.05", code=3)
    assert view["status"] == "cancelled"
    assert "--timeout" in cli.json("runs", "show", view["run_id"])["cancel_reason"]


def test_a_timed_out_run_exits_with_3(cli: Cli) -> None:
    view = cli.json("run", cli.file("late", "timeout: {after: {milliseconds: 30}}\n" + SLEEP), code=3)
    assert (view["status"], view["error"]["status"]) == ("timed_out", 408)


@pytest.mark.spec("Q15")
def test_a_key_gives_the_same_run_or_a_conflict(cli: Cli) -> None:
    add = cli.file("add", ADD)
    words = ("run", add, "--key", "k", "--input")
    first = cli.json(*words, '{"a": 1, "b": 2}')
    assert cli.json(*words, '{"b": 2, "a": 1}')["run_id"] == first["run_id"]
    assert cli.json(*words, '{"a": 9, "b": 2}', code=2)["error"]["type"] == "key_conflict"
    assert len(cli.json("runs", "list")["runs"]) == 1


def test_tags_priority_and_mode_are_on_record(cli: Cli) -> None:
    view = cli.json(
        "run",
        cli.file("add", ADD),
        "--input",
        '{"a":1,"b":2}',
        "--tag",
        "c=d=e",
        "--tag",
        "f=g",
        "--priority",
        "7",
    )
    shown = cli.json("runs", "show", view["run_id"])
    assert (shown["tags"], shown["priority"], shown["mode"]) == ({"c": "d=e", "f": "g"}, 7, "normal")


def test_python_functions_are_found_here_and_beside_the_file(cli: Cli) -> None:
    (cli.folder / "sub").mkdir()
    cli.text("here_functions.py", "def one():\n    return 1\n")
    cli.text("sub/there_functions.py", "def two():\n    return 2\n")
    path = cli.file(
        "sub/calls",
        """
        do:
          - one: {call: python, with: {function: 'here_functions:one'}, export: {as: '${ {one: .} }'}}
          - two: {call: python, with: {function: 'there_functions:two'}, output: {as: '${ [$context.one, .] }'}}
    """.replace("        ", ""),
    )
    path.write_text(path.read_text().replace("sub/calls", "calls"))
    assert cli.json("run", path)["output"] == [1, 2]


def test_other_definitions_are_given_by_file(cli: Cli) -> None:
    parent = cli.file(
        "parent", "do: [{sub: {run: {workflow: {namespace: test, name: child, version: '1.0.0'}}}}]"
    )
    missing = cli.json("run", parent, code=2)["error"]
    assert missing["type"] == "invalid_definition"
    (finding,) = missing["findings"]
    assert (finding["file"], finding["line"], finding["code"]) == (str(parent), 2, "unknown-workflow")
    child = cli.file("child", "do: [{a: {set: {from: child}}}]")
    assert cli.json("run", parent, "--with", child)["output"] == {"from": "child"}


@pytest.mark.parametrize(
    "content",
    ['{"token": "s3cr3t-value"}', "token: s3cr3t-value\n", "# mine\nexport token='s3cr3t-value'\n"],
    ids=["json", "yaml", "lines"],
)
def test_secrets_are_used_and_never_shown(cli: Cli, content: str) -> None:
    path = cli.file(
        "secretive",
        """
        use: {secrets: [token]}
        do:
          - tell: {run: {shell: {command: 'echo "$T" >seen; echo "$T"', environment: {T: '${ $secrets.token }'}}}}
    """,
    )
    result = cli("run", path, "--secrets", cli.text("secrets", content), "--json")
    assert (result.code, result.json["output"]) == (0, "***"), result
    assert (cli.folder / "seen").read_text() == "s3cr3t-value\n"
    for words in (("runs", "show"), ("runs", "history")):
        assert "s3cr3t" not in cli(*words, cli.only_run(), "--json").out


def test_a_secrets_file_that_is_none_is_refused_without_showing_it(cli: Cli) -> None:
    result = cli("run", cli.file("add", ADD), "--secrets", cli.text("secrets", "ok=1\nhush hush\n"))
    assert result.code == 2
    assert "secrets:2" in result.err
    assert "hush" not in result.err


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["run"], "usage"),
        (["run", "add.yaml", "--nonsense"], "usage"),
        (["run", "nowhere.yaml"], "invalid_input"),
        (["run", "add.yaml", "--input", "{a: 1}"], "invalid_input"),
        (["run", "add.yaml", "--input", "@nowhere.json"], "invalid_input"),
        (["run", "add.yaml", "--tag", "x"], "invalid_input"),
        (["frobnicate"], "usage"),
        (["runs", "list", "--status", "merry"], "usage"),
        (["runs", "list", "--limit", "0"], "usage"),
    ],
)
def test_wrong_words_exit_with_2_and_say_what_is_wrong(cli: Cli, words: list[str], kind: str) -> None:
    cli.file("add", ADD)
    plain = cli(*words)
    assert plain.code == 2
    assert plain.out == ""
    assert plain.err.startswith("error: ")
    error = cli.json(*words, code=2)["error"]
    assert error["type"] == kind
    assert error["message"]


def test_an_invalid_definition_exits_with_2_and_all_its_problems(cli: Cli) -> None:
    path = cli.file(
        "bad", "do:\n  - a: {set: {x: '${ .. | | }'}}\n  - b: {call: htp, with: {}}\n  - a: {wait: nope}\n"
    )
    error = cli.json("run", path, code=2)["error"]
    assert error["type"] == "invalid_definition"
    assert len(error["findings"]) >= 3
    for finding in error["findings"]:
        assert set(finding) == {"code", "message", "file", "line", "column", "pointer", "hint"}
        assert finding["file"] == str(path)
    assert {finding["line"] for finding in error["findings"]} >= {3, 4, 5}
    assert not (cli.folder / "stepwell.db").exists(), "nothing was started"
    plain = cli("run", path)
    assert plain.code == 2
    assert f"{path}:3:" in plain.err


@pytest.mark.parametrize("place", ["", "no/such/folder/a.db", "junk.db"])
def test_a_store_that_cannot_be_opened_exits_with_4(cli: Cli, place: str) -> None:
    cli.text("junk.db", "this is no database" * 100)
    db = cli.folder / place
    result = cli("run", cli.file("add", ADD), "--db", db)
    assert result.code == 4, result
    assert result.err.startswith("error: ")
    assert "what next: " in result.err
    assert cli.json("run", cli.file("add", ADD), "--db", db, code=4)["error"]["type"].startswith("store_")


def test_the_database_can_be_named_in_the_environment(cli: Cli) -> None:
    cli("run", cli.file("add", ADD), "--input", '{"a":1,"b":2}', STEPWELL_DB=str(cli.folder / "env.db"))
    assert (cli.folder / "env.db").exists()
    assert not (cli.folder / "stepwell.db").exists()


def test_whoever_stops_reading_is_no_error(cli: Cli) -> None:
    running = cli.start("run", cli.file("add", ADD), "--input", '{"a":1,"b":2}')
    assert running.process.stdout is not None
    running.process.stdout.close()
    running.process.stdout = None
    assert "Traceback" not in running.end().err


def test_what_functions_print_does_not_break_the_one_json_object(cli: Cli) -> None:
    (cli.folder / "talking.py").write_text(
        'def talk() -> int:\n    print("hello from a step")\n    return 1\n'
    )
    flow = cli.file("talk", "do: [{t: {call: python, with: {function: 'talking:talk'}}}]\n")
    result = cli("run", flow, "--json")
    assert result.json["output"] == 1
    assert "hello from a step" in result.err
