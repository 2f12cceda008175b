"""`stepwell inbox | step | audit` and `procedures` on runs, as people give them."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from stepwell.client.blocking import BlockingStepwell
from stepwell.client.verbs.people import PeopleVerbs
from tests.cli.helpers import Cli, Result

LEAK = """
  title: Leak check
  metadata:
    procedure:
      fields: [{id: stand, kind: choice, label: Test stand, options: [A1, A2], required: true}]
      sections: [{id: prep, title: Preparation}, {id: test, title: Test}]
do:
  - check:
      call: form
      with:
        title: Read the gauge
        fields:
          - {id: pressure, kind: number, label: Pressure, unit: bar, exclusiveMinimum: 0, maximum: 6, required: true}
          - {id: valve, kind: choice, options: [open, {value: shut, label: Shut tight}], default: shut}
          - {id: photo, kind: file, suffixes: [.png]}
          - {id: tools, kind: choices, options: [wrench, gauge]}
        actions: [{event: {type: checked, title: seen}}]
      metadata: {section: prep, required: true, assign: {people: [ada]}}
  - look:
      call: form
      with: {title: Look for bubbles, fields: [{id: dry, kind: checkbox}]}
      metadata: {section: test, after: [check], autoStart: false, assign: {groups: [crew]}}
  - note:
      set: {seen: "${ $steps.check.pressure }"}
      metadata: {after: [look]}
"""


def leak(cli: Cli) -> Path:
    head = "document:\n  dsl: '1.0.3'\n  namespace: stand\n  name: leak\n  version: '1.0.0'"
    return cli.text("leak.yaml", head + LEAK)


def begun(cli: Cli, *more: str) -> str:
    cli.json("procedures", "commit", leak(cli), "-m", "one")
    return str(cli.json("procedures", "start", "stand/leak", "--field", "stand=A2", *more)["run_id"])


def told(cli: Cli, *words: str | Path) -> Result:
    """What people read, in this process."""
    return cli._inside([*map(str, words)])


@pytest.mark.spec("N2", "N4", "N13", "N15")
def test_a_procedure_from_its_start_to_its_end(cli: Cli) -> None:
    run = begun(cli)
    (item,) = cli.json("inbox", "--as", "ada")["items"]
    assert (item["task"], item["state"], item["run_id"]) == ("check", "running", run)
    done = cli.json(
        "step",
        "submit",
        run[:13],
        "check",
        "--value",
        "pressure=4.5",
        "--as",
        "ada",
        "--value",
        "tools=gauge",
    )
    assert (done["status"], done["values"]["tools"]) == ("completed", ["gauge"])
    assert (done["carried_on"], done["needs_engine"], done["run_status"]) == (False, False, "running")
    cli.json("step", "start", run, "look", "--as", "bob")
    left = cli.json("step", "submit", run, "look", "--value", "dry=yes", "--as", "bob")
    assert left["needs_engine"], "the last step is code"
    cli.json("serve", "--until-idle")
    shown = cli.json("runs", "show", run)
    assert (shown["status"], shown["output"]["note"]) == ("completed", {"seen": 4.5})
    audit = cli.json("audit", run)["audit"]
    assert [
        (line["by"], line["task"], line["what"]) for line in audit if line["what"] == "step.submitted"
    ] == [
        ("ada", "check", "step.submitted"),
        ("bob", "look", "step.submitted"),
    ]
    assert {line["by"] for line in cli.json("audit", run, "--by", "bob")["audit"]} == {"bob"}
    assert {line["task"] for line in cli.json("audit", run, "--step", "look")["audit"]} == {"look"}
    text = " ".join(told(cli, "audit", run).out.split())
    assert "bob look set dry = yes" in text
    assert "ada check submitted" in text


@pytest.mark.spec("N5", "N11")
def test_what_is_refused_says_what_is_wrong_and_changes_nothing(cli: Cli) -> None:
    run = begun(cli)
    wrong = cli.json("step", "set", run, "check", "--value", "pressure=9", "--value", "valve=ajar", code=2)[
        "error"
    ]
    assert wrong["type"] == "invalid_form"
    assert wrong["fields"] == {
        "pressure": ["must be at most 6"],
        "valve": ["'ajar' is not one of: open, shut"],
    }
    text = told(cli, "step", "set", run, "check", "--value", "pressure=lots")
    assert (text.code, text.out) == (2, "")
    assert "Pressure (bar), pressure: must be a number, not text" in text.err
    assert f"stepwell step show {run} check" in text.err
    bare = told(cli, "step", "submit", run, "check")
    assert bare.code == 2
    assert "pressure: Pressure (bar), number, more than 0, at most 6, needed" in bare.err
    assert "--value ID=VALUE" in bare.err
    both = cli.json("step", "submit", run, "check", "--value", "valve=ajar", code=2)["error"]["fields"]
    assert sorted(both) == ["pressure", "valve"], "what is missing is told with what is wrong"
    assert told(cli, "step", "set", run, "check").code == 2
    assert told(cli, "step", "set", run, "check", "--value", "pressure").code == 2
    assert (
        "given 2 times"
        in told(cli, "step", "set", run, "check", "--value", "valve=open", "--value", "valve=shut").err
    )
    several = told(
        cli, "step", "submit", run, "check", "--value", "valve=open", "--value", "valve=shut", "--value",
        "photo=gauge.png", "--value", "x=1", "--value", "tools=saw",
    )  # fmt: skip
    for wanted in (
        "pressure: a value is needed",
        "valve: is given 2 times",
        "a file of this machine is given with @ before its path: photo=@gauge.png",
        "x: there is no field",
        "tools: 'saw' is not one of",
    ):
        assert wanted in several.err, (wanted, several)
    assert "photo: cannot read gone.png" in told(
        cli, "step", "set", run, "check", "--value", "photo=@gone.png", "--value", "pressure=9"
    ).err.replace("\n", " ")
    malformed = told(cli, "step", "set", run, "check", "--value", "pressure", "--value", "=1")
    assert "'pressure', '=1' are no values of fields" in malformed.err
    assert "there is no field" in told(cli, "step", "set", run, "check", "--value", "x=1").err
    assert (
        cli.json("step", "skip", run, "check", "--reason", "no time", code=1)["error"]["type"]
        == "transition_refused"
    )
    assert "waits for" in cli.json("step", "start", run, "look", code=1)["error"]["message"]
    version = cli.json("step", "show", run, "check")["version"]
    cli.json("step", "set", run, "check", "--value", "pressure=1", "--version", str(version))
    late = cli.json("step", "set", run, "check", "--value", "pressure=2", "--version", str(version), code=1)
    assert "meanwhile" in late["error"]["message"]
    assert cli.json("step", "show", run, "check")["values"] == {"valve": "shut", "pressure": 1}
    assert cli.json("step", "show", run, "nothing", code=2)["error"]["type"] == "not_found"


@pytest.mark.spec("N5")
def test_files_are_kept_once_the_form_takes_them(cli: Cli) -> None:
    run = begun(cli)
    cli.text("gauge.png", "a picture")
    cli.text("gauge.txt", "no picture")
    for path, complaint in (("gauge.txt", "must end in .png"), ("none.png", "cannot read none.png")):
        assert complaint in told(cli, "step", "set", run, "check", "--value", f"photo=@{path}").err
    assert not [path for path in cli.folder.rglob("stepwell.db.blobs/**/*") if path.is_file()]
    done = cli.json("step", "set", run, "check", "--value", "photo=@gauge.png")
    assert (done["values"]["photo"]["name"], done["values"]["photo"]["size"]) == ("gauge.png", 9)
    assert "gauge.png (9 bytes)" in told(cli, "step", "show", run, "check").out
    assert "photo" not in cli.json("step", "set", run, "check", "--value", "photo=")["values"]
    given = cli.text("values.json", json.dumps({"pressure": 2, "tools": ["wrench"]}))
    done = cli.json("step", "set", run, "check", "--values", f"@{given}", "--value", "pressure=3")
    assert (done["values"]["pressure"], done["values"]["tools"]) == (3, ["wrench"])


@pytest.mark.spec("N3", "N12", "N13")
def test_steered_by_people(cli: Cli) -> None:
    run = begun(cli, "--held")
    assert cli.json("runs", "explain", run)["reason"] == "held_at_start"
    assert f"stepwell procedures begin {run}" in told(cli, "procedures", "status", run).out
    assert cli.json("procedures", "begin", run, "--as", "ada")["status"] == "running"
    assert cli.json("procedures", "set-fields", run, "--field", "stand=A1")["fields"] == {"stand": "A1"}
    refused = told(cli, "procedures", "set-fields", run, "--field", "stand=B9")
    assert "Test stand, stand: 'B9' is not one of" in refused.err
    assert cli.json("step", "assign", run, "check", "--to", "kim", "--to-group", "crew")["assign"] == {
        "people": ["kim"],
        "groups": ["crew"],
    }
    assert told(cli, "step", "assign", run, "check").code == 2
    cli.json("step", "fail", run, "check", "--reason", "gauge broken", "--as", "kim")
    why = cli.json("runs", "explain", run)
    assert why["reason"] == "held_by_failure"
    assert why["next_actions"][0]["command"] == f"stepwell step repeat {run} /do/0/check"
    again = cli.json("step", "repeat", run, "check", "--value", "pressure=2", "--downstream", "--yes")
    assert (again["step"], again["repeat_of"], again["values"]["pressure"]) == (
        "/do/0/check[1]",
        "/do/0/check",
        2,
    )
    cli.json("step", "submit", run, "check")
    cli.json("step", "start", run, "look")
    cli.json("step", "skip", run, "look", "--reason", "dark")
    assert (
        cli.json("procedures", "fail", run, "--reason", "dark", "--as", "eve", "--yes")["status"] == "failed"
    )
    text = told(cli, "procedures", "status", run).out
    assert "Preparation" in text and "check*" in text and "skipped by" in text and "failed" in text
    other = begun(cli)
    assert told(cli, "procedures", "abort", other).code == 2
    assert cli.json("procedures", "abort", other, "--reason", "storm", "--yes")["status"] == "cancelled"


@pytest.mark.spec("N2")
def test_whose_is_what(cli: Cli) -> None:
    run = begun(cli)
    assert told(cli, "inbox", "--as", "bob").out.startswith("nothing waits for bob")
    assert [item["task"] for item in cli.json("inbox", "--all")["items"]] == ["check"]
    cli.json("step", "submit", run, "check", "--value", "pressure=1")
    assert cli.json("inbox", "--as", "bob")["items"] == []
    assert [item["task"] for item in cli.json("inbox", "--as", "bob", "--group", "x,crew")["items"]] == [
        "look"
    ]
    assert cli.json("inbox", "--as", "bob", "--group", "crew", "--mine")["items"] == []
    seen = cli("inbox", STEPWELL_USER="bob", STEPWELL_GROUPS="crew")
    head, row, last = seen.out.splitlines()
    assert head.split()[:4] == ["DUE", "PRIORITY", "PROCEDURE", "STEP"]
    assert "Look for bubbles  begin" in row and "group crew" in row
    assert last == f"go on with: stepwell step show {run[:13]} look"
    assert cli.json("inbox", "--all", "--kind", "approval")["items"] == []
    nobody = told(cli, "inbox", "--as", "")
    assert (nobody.code, "STEPWELL_USER" in nobody.err) == (2, True)


@pytest.mark.spec("N2")
def test_a_run_that_waits_for_people_is_left_to_them(cli: Cli) -> None:
    done = cli("run", leak(cli), "--input", '{"stand": "A1"}')
    assert done.code == 5
    run = cli.only_run()
    assert f"run {run} waits for people" in done.out
    assert f"stepwell step show {run} /do/0/check" in done.out
    assert "stepwell serve" in done.out
    assert "is to be filled in by ada" in told(cli, "runs", "show", run).out
    other = cli.json("run", leak(cli), "--input", '{"stand": "A1"}', code=5)
    assert (other["reason"], other["status"]) == ("waiting_for_people", "running")
    cli.json("serve", "--until-idle")


@pytest.mark.spec("N2")
def test_an_engine_elsewhere_hears_of_it(cli: Cli) -> None:
    run = begun(cli)
    serving = cli.start("serve", "--json")
    watching = cli.start("runs", "watch", run)
    watching.line("is to be filled in by ada")
    cli.json("step", "submit", run, "check", "--value", "pressure=1")
    watching.line("waits for a person to begin it")
    cli.json("step", "start", run, "look")
    cli.json("step", "submit", run, "look")
    assert watching.end().code == 0
    serving.signal(2)
    serving.end()
    assert cli.json("runs", "show", run)["status"] == "completed"


def test_programs_without_a_loop_have_all_of_it() -> None:
    verbs = {name for name in vars(PeopleVerbs) if not name.startswith("_")}
    assert {name for name in verbs if not hasattr(BlockingStepwell, name)} == set()


def test_what_a_terminal_would_obey_is_not_shown(cli: Cli) -> None:
    run = begun(cli)
    cli.json("step", "fail", run, "check", "--reason", "bad \x1b[31m\u202e end", "--as", "ada")
    for words in (("procedures", "status", run), ("step", "show", run, "check"), ("audit", run)):
        text = told(cli, *words)
        assert text.code == 0
        assert "\x1b[31m\u202e" not in text.out


@pytest.mark.spec("X8")
def test_decided_on_by_those_who_may(cli: Cli) -> None:
    head = "document:\n  dsl: '1.0.3'\n  namespace: stand\n  name: release\n  version: '1.0.0'\n  metadata: {procedure: {}}\n"
    body = "do: [{release: {call: approval, with: {title: Release, approvers: {people: [ada], groups: [leads]}}}}]"
    left = cli.json("run", cli.text("release.yaml", head + body), code=5)
    run = left["run_id"]
    assert left["reason"] == "waiting_for_approval"
    assert [item["task"] for item in cli.json("inbox", "--as", "ada", "--kind", "approval")["items"]] == [
        "release"
    ]
    shown = told(cli, "step", "show", run, "release").out
    assert f"stepwell step approve {run} release" in shown
    assert "0 of 1 have approved" in shown
    assert cli.json("step", "approve", run, "release", "--as", "bob", code=1)["error"]["type"] == "forbidden"
    cli.json("step", "delegate", run, "release", "--as", "ada", "--to", "eve", "-m", "away")
    done = cli.json("step", "approve", run, "release", "--as", "eve", "-m", "fine")
    assert (done["status"], done["run_status"]) == ("completed", "completed")
    assert "eve said approve: fine" in told(cli, "step", "show", run, "release").out
    other = cli.json("run", "release.yaml", code=5)["run_id"]
    refused = cli.json("step", "reject", other, "release", "--as", "ada", "--group", "leads", "-m", "no")
    assert refused["status"] == "failed"


def attended(cli: Cli, name: str, body: str, procedure: str = "{}") -> Path:
    head = f"document:\n  dsl: '1.0.3'\n  namespace: stand\n  name: {name}\n  version: '1.0.0'\n"
    return cli.text(f"{name}.yaml", f"{head}  metadata: {{procedure: {procedure}}}\ndo:\n{body}")


@pytest.mark.spec("N7", "N9")
def test_what_needs_an_engine_says_so(cli: Cli) -> None:
    body = """
  - settle:
      call: form
      with:
        condition: {all: [{event: {name: go}}, {not: {timer: P1D}}, {any: [{timer: PT0.001S}, {event: {name: now}}]}]}
        actions: [{set: {done: true}}]
  - other: {call: form, with: {}, metadata: {after: []}}
"""
    run = cli.json("run", attended(cli, "settle", body), code=5)["run_id"]
    assert cli("status").code == 0, "people are all that it needs"
    text = told(cli, "step", "submit", run, "settle").out
    assert "no engine carries the run on now, and it needs one: stepwell serve" in text
    why = cli.json("status", code=1)
    assert [found["code"] for found in why["findings"]] == ["not_carried_on"]
    shown = told(cli, "step", "show", run, "settle").out
    tree = shown.partition("condition\n")[2].partition("actions\n")[0].splitlines()
    assert [row.split()[1:4] for row in tree] == [
        ["all", "in", "progress"],
        ["event", "in", "progress"],
        ["not", "in", "progress"],
        ["timer", "in", "progress"],
        ["any", "in", "progress"],
        ["timer", "in", "progress"],
        ["event", "in", "progress"],
    ]
    assert [len(row) - len(row.lstrip()) for row in tree] == [2, 4, 4, 6, 4, 6, 6]
    assert "due in 23 h 59 min" in tree[3] and "name go" in tree[1]
    assert "set  not run" in shown
    assert "settle  submitted" in told(cli, "audit", run).out
    failed = cli.json("step", "fail", run, "settle", "--reason", "late", "--as", "ada")
    assert failed["condition"]["status"] == "cancelled"


@pytest.mark.spec("N13")
def test_a_procedure_that_somebody_has_to_end(cli: Cli) -> None:
    body = "  - a: {call: form, with: {}}\n"
    run = cli.json("run", attended(cli, "ending", body, "{autoClose: false}"), code=5)["run_id"]
    cli.json("step", "submit", run, "a")
    why = cli.json("runs", "explain", run)
    assert why["reason"] == "waiting_to_be_ended"
    assert why["next_actions"][0]["command"] == f"stepwell procedures succeed {run}"
    assert cli.json("procedures", "succeed", run, "--as", "ada")["stamps"]["completed"]["by"] == "ada"


def test_the_inbox_says_what_is_late_and_goes_on_page_by_page(cli: Cli) -> None:
    body = "".join(
        f"  - {name}: {{call: form, with: {{}}, metadata: {{after: [], priority: {priority}, deadline: {due}}}}}\n"
        for name, priority, due in (("a", 1, "PT1H"), ("b", 9, "PT0.001S"))
    )
    run = cli.json("run", attended(cli, "late", body), code=5)["run_id"]
    _, first, second, _ = told(cli, "inbox", "--as", "kim").out.splitlines()
    assert first.startswith("overdue ") and " b " in first
    assert second.startswith("in 59 min") and " a " in second
    page = cli.json("inbox", "--all", "--limit", "1", "--run", run)
    rest = cli.json("inbox", "--all", "--limit", "1", "--run", run, "--cursor", page["cursor"])
    assert [item["task"] for item in (*page["items"], *rest["items"])] == ["b", "a"]
    assert f"1 of 2; more: --cursor {page['cursor']}" in told(cli, "inbox", "--all", "--limit", "1").out
    assert cli.json("inbox", "--run", "nothing", code=2)["error"]["type"] == "not_found"


@pytest.mark.spec("S7")
def test_a_verification_asks_for_its_verdict(cli: Cli) -> None:
    body = """
  - inspect:
      call: form
      with: {fields: [{id: gap, kind: number}], verdict: true, refer: {people: [bob]}}
"""
    run = cli.json("run", attended(cli, "verify", body), code=5)["run_id"]
    shown = cli.json("step", "show", run, "inspect")
    assert [field["id"] for field in shown["fields"]] == ["gap", "verdict", "reason"]
    assert "one of, needed: pass, fail, refer" in told(cli, "step", "show", run, "inspect").out
    referred = cli.json("step", "submit", run, "inspect", "--value", "verdict=refer", "--value", "gap=2")
    assert (referred["status"], referred["assign"]["people"]) == ("running", ["bob"])
    done = cli.json("step", "submit", run, "inspect", "--value", "verdict=pass", "--as", "bob")
    assert (done["status"], done["output"]["verdict"]) == ("completed", "pass")


@pytest.mark.spec("N15", "X8")
def test_how_many_have_approved_is_said_and_what_failed_has_an_exit_code(cli: Cli) -> None:
    body = """
  - release: {call: approval, with: {need: 2, approvers: {groups: [crew]}}, metadata: {after: [], required: false}}
  - look: {call: form, with: {verdict: true}, metadata: {after: []}}
  - tell: {call: form, metadata: {after: []}}
"""
    run = cli.json("run", attended(cli, "two", body), code=5)["run_id"]
    first = told(cli, "step", "approve", run, "release", "--as", "ada", "--group", "crew")
    assert (first.code, "release is waiting, version 2, 1 of 2 have approved" in first.out) == (0, True), (
        first
    )
    assert "release" not in told(cli, "inbox", "--as", "ada", "--group", "crew").out
    assert "release" in told(cli, "inbox", "--as", "bob", "--group", "crew").out
    failed = [
        "step",
        "submit",
        run,
        "look",
        "--value",
        "verdict=fail",
        "--value",
        "reason=it leaks",
        "--as",
        "ada",
    ]
    said = told(cli, *failed)
    assert said.code == 1, said
    assert "look is failed" in said.out and "it leaks" in said.out
    asked_for = told(cli, "step", "fail", run, "tell", "--reason", "nobody there", "--as", "ada")
    assert (asked_for.code, "tell is failed" in asked_for.out) == (0, True), asked_for
    rejected = told(cli, "step", "reject", run, "release", "--as", "bob", "--group", "crew", "-m", "not yet")
    assert (rejected.code, "release is failed" in rejected.out) == (0, True), rejected


@pytest.mark.spec("N15")
def test_an_inbox_is_watched(cli: Cli) -> None:
    run = begun(cli)
    watching = cli.start("inbox", "--as", "ada", "--group", "crew", "--watch", "--json")
    assert '"task":"check"' in watching.line("check")
    cli.json("step", "submit", run, "check", "--value", "pressure=4.5", "--as", "bob")
    assert '"task":"look"' in watching.line("look")
    watching.signal(signal.SIGINT)
    ended = watching.end()
    assert (ended.code, ended.err) == (0, "")
