"""`stepwell procedures …`, as it is given."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.helpers import Cli

NAME = "test/hotfire"
ONE = "do: [{a: {set: {x: 1}}}]"
TWO = "do:\n  - a: {set: {x: 1}}\n  - b: {set: {y: 2}}"


@pytest.mark.spec("N16")
def test_versions_from_the_command_line(cli: Cli) -> None:
    first = cli.json("procedures", "commit", cli.file("hotfire", ONE), "-m", "one", "--by", "ada")
    assert (first["procedure"], first["created"], first["author"]) == (NAME, True, "ada")
    assert not cli.json("procedures", "commit", cli.file("hotfire", ONE), "-m", "one")["created"]
    cli.json("procedures", "branch", NAME, "dev")
    second = cli.json("procedures", "commit", cli.file("hotfire", TWO), "-m", "two", "--branch", "dev")
    late = cli.json(
        "procedures",
        "save",
        NAME,
        cli.file("hotfire", ONE),
        "--branch",
        "dev",
        "--expect",
        first["commit"],
        code=1,
    )
    assert late["error"]["type"] == "version_conflict"
    assert late["error"]["head"]["commit"] == second["commit"]
    assert cli.json("procedures", "diff", NAME, "main", "dev")["lines"] == ["+ task b"]
    assert cli.json("procedures", "merge", NAME, "dev", "-m", "in")["merge"] == "forward"
    assert cli.json("procedures", "tag", NAME, "v2")["commit"] == second["commit"]
    back = cli.json("procedures", "rollback", NAME, first["commit"][:12], "--by", "bob")
    history = cli.json("procedures", "history", NAME, "--limit", "2")
    assert [one["commit"] for one in history["commits"]] == [back["commit"], second["commit"]]
    rest = cli.json("procedures", "history", NAME, "--cursor", history["next"])
    assert [one["message"] for one in rest["commits"]] == ["one"]
    draft = cli.json("procedures", "save", NAME, cli.text("draft.yaml", "do: []\n"))
    assert draft["problems"][0]["file"].endswith("draft.yaml")
    assert cli.json("procedures", "discard", NAME)["discarded"]
    assert cli.json("procedures", "compact", "--older-than", "0", "--keep", "0") == {"removed": 1}
    assert cli.json("procedures", "edit", NAME, "--label", "b", "--label", "a")["labels"] == ["b", "a"]
    assert cli.json("procedures", "show", NAME, "v2", "--document")["document"]["do"][1] == {
        "b": {"set": {"y": 2}}
    }
    assert [one["procedure"] for one in cli.json("procedures", "list")["procedures"]] == [NAME]


@pytest.mark.spec("N16", "S8")
def test_a_procedure_is_carried_elsewhere_started_and_ended(cli: Cli) -> None:
    cli.json("procedures", "commit", cli.file("hotfire", ONE), "-m", "one")
    cli.json("procedures", "tag", NAME, "v1")
    cli.json("procedures", "commit", cli.file("hotfire", TWO), "-m", "two")
    for file in ("out.json", "out.yaml"):
        assert cli.json("procedures", "export", NAME, "--to", file)["commits"] == 2
        assert (
            "there already"
            in cli.json("procedures", "export", NAME, "--to", file, code=2)["error"]["message"]
        )
        assert cli.json("procedures", "import", file, "--db", f"{file}.db")["created"]
        there = cli.json("procedures", "history", NAME, "--db", f"{file}.db")
        assert there == cli.json("procedures", "history", NAME)
    assert cli.json("procedures", "import", cli.text("odd.json", "{"), code=2)["error"]["findings"]
    cli.json("procedures", "edit", NAME, "--template")
    assert cli.json("procedures", "create-from", NAME, "test/other")["created"]
    started = cli.json("procedures", "start", NAME, "--tag", "v1", "--key", "k")
    assert not cli.json("procedures", "start", NAME, "--tag", "v1", "--key", "k")["created"]
    refused = cli.json("procedures", "delete", NAME, code=1)["error"]
    assert (refused["type"], refused["reasons"]) == ("in_use", [f"run {started['run_id']}"])
    cli.json("runs", "cancel", started["run_id"])
    caller = "do: [{c: {run: {workflow: {namespace: test, name: hotfire, version: latest}}}}]"
    cli.json("procedures", "commit", cli.file("caller", caller), "-m", "calls")
    assert cli.json("procedures", "parents", NAME)["parents"][0]["workflow"] == "test/caller:1.0.0"
    assert cli.json("procedures", "delete", NAME, code=1)["error"]["type"] == "in_use"
    cli.json("procedures", "archive", NAME)
    assert cli.json("procedures", "start", NAME, code=1)["error"]["type"] == "transition_refused"
    assert len(cli.json("procedures", "list")["procedures"]) == 2
    assert len(cli.json("procedures", "list", "--all")["procedures"]) == 3
    cli.json("procedures", "unarchive", NAME)
    cli.json("procedures", "delete", "test/caller", "--yes")
    assert cli.json("procedures", "delete", NAME, "--yes")["deleted"]
    assert cli.json("procedures", "show", NAME, code=2)["error"]["type"] == "not_found"


@pytest.mark.spec("Q16")
def test_a_paused_run_goes_on_with_another_version(cli: Cli) -> None:
    cli.json("procedures", "commit", cli.file("hotfire", "do: [{w: {wait: {hours: 1}}}]"), "-m", "one")
    run = cli.json("procedures", "start", NAME)["run_id"]
    cli.json(
        "procedures",
        "commit",
        cli.file("hotfire", "do: [{w: {wait: {hours: 1}}}, {z: {set: {a: 1}}}]"),
        "-m",
        "two",
    )
    blocked = cli.json("runs", "migrate", run, "--plan", code=1)
    assert blocked["blockers"] == ["document run: it is running; it must be paused"]
    refused = cli.json("runs", "migrate", run, code=1)["error"]
    assert (refused["type"], refused["reasons"]) == ("migration_blocked", blocked["blockers"])
    assert cli.json("runs", "pause", run)["status"] == "paused"
    assert cli.json("runs", "migrate", run, "--plan")["level"] == "migration"
    assert cli.json("runs", "migrate", run)["run_id"] == run
    shown = cli.json("runs", "show", run)
    assert shown["commit"] == cli.json("procedures", "show", NAME)["head"]["commit"]
    assert cli.json("runs", "history", run)["events"][-1]["type"] == "run.migrated"


def test_what_people_read(cli: Cli) -> None:
    done = cli("procedures", "commit", cli.file("hotfire", ONE), "-m", "one\x1b[31m", "--by", "ada")
    assert done.code == 0
    assert done.out.startswith("test/hotfire main: commit ")
    cli("procedures", "commit", cli.file("hotfire", TWO), "-m", "two")
    shown = cli("procedures", "show", NAME)
    assert "main has" in shown.out
    history = cli("procedures", "history", NAME).out
    assert "one" in history
    assert "\x1b" not in history
    assert cli("procedures", "diff", NAME).out == "+ task b\nfor runs: migration\n"
    document = cli("procedures", "show", NAME, "--document")
    assert cli("validate", cli.text("again.yaml", document.out)).code == 0
    missing = cli("procedures", "show", "test/none", "--db", "stepwell.db")
    assert "stepwell procedures list --db stepwell.db" in missing.err
    assert cli("procedures", "edit", NAME).code == 2
    wrong = cli("procedures", "commit", cli.text("wrong.yaml", "do: []\n"), "-m", "x")
    assert (wrong.code, "wrong.yaml:1" in wrong.err) == (2, True)
    listed = cli("procedures", "list")
    assert listed.out.splitlines()[0].split() == ["PROCEDURE", "STATE", "UPDATED", "BY", "TITLE"]
    assert Path(cli.folder / "stepwell.db").exists()
