"""`stepwell files …`, and what archive and doctor say of files."""

from __future__ import annotations

import asyncio
import json
from hashlib import sha256

import pytest

from stepwell import Stepwell
from stepwell.cli.progressing import progress, steps
from tests.cli.helpers import HEAD, Cli
from tests.cli.terminal import Terminal

KEEP = "do: [{a: {set: '${ $workflow.input }'}}]"


@pytest.mark.spec("N5")
def test_put_named_by_a_run_listed_and_read(cli: Cli) -> None:
    cli.json("run", cli.file("keep", KEEP), "--input", "{}")
    cli.text("gauge.csv", "a,b\n")
    said = json.loads(cli("files", "put", "gauge.csv").out)
    assert said == {"file": sha256(b"a,b\n").hexdigest(), "name": "gauge.csv", "size": 4, "type": "text/csv"}
    (other,) = cli.json("files", "put", "gauge.csv", "--name", "x.bin", "--type", "a/b")["files"]
    assert (other["name"], other["type"], other["file"]) == ("x.bin", "a/b", said["file"])
    assert "nothing names it" in cli("files", "list").out
    run = cli.json("run", cli.folder / "keep.yaml", "--input", json.dumps({"log": said}))["run_id"]
    assert [(one["size"], one["named"]) for one in cli.json("files", "list")["files"]] == [(4, True)]
    assert cli.json("files", "list", "--run", run)["files"] == [{**said, "here": True}]
    listed = cli("files", "list", "--run", run[:13]).out
    assert said["file"][:16] in listed and "gauge.csv" in listed
    assert cli("files", "get", said["file"][:8]).out == "a,b\n"
    view = cli.json("files", "get", said["file"], "--to", "back.csv")
    assert (view["size"], (cli.folder / "back.csv").read_text()) == (4, "a,b\n")
    assert cli.json("files", "get", said["file"], "--to", "back.csv", code=1)["error"]["type"] == "conflict"
    for words in (
        ("get", "zz", "--to", "y"),
        ("put", "gone.csv"),
        ("get", said["file"]),
        ("get", "", "--to", "y"),
    ):
        assert cli.json("files", *words, code=2)["error"]["message"], words
    kept = cli.folder / "stepwell.db.blobs" / said["file"][:2] / said["file"][2:]
    kept.write_text("x,y\n")
    assert (
        cli.json("files", "get", said["file"], "--to", "bad.csv", code=4)["error"]["type"] == "store_damaged"
    )
    assert not (cli.folder / "bad.csv").exists()
    assert [one["code"] for one in cli.json("doctor", code=1)["findings"]] == ["file_damaged"]
    cli.json("files", "put", "gauge.csv")
    assert "1 files" in cli("doctor").out


@pytest.mark.spec("Q18")
def test_an_archive_says_what_files_it_has(cli: Cli) -> None:
    cli.json("run", cli.file("keep", KEEP), "--input", "{}")
    cli.text("gauge.csv", "a,b\n")
    (said,) = cli.json("files", "put", "gauge.csv")["files"]
    cli.json("run", cli.folder / "keep.yaml", "--input", json.dumps({"log": said}))
    token = cli.json("archive", "plan", "--older-than", "0s")["token"]
    told = cli("archive", "apply", token, "--to", "old.gz", "--yes").out
    assert "1 (4 bytes) are in it too" in told
    assert "1 files; nothing is wrong" in cli("archive", "verify", "old.gz").out
    assert "and 1 files" in cli("archive", "restore", "old.gz").out


class _Watched:
    def __init__(self, terminal: bool) -> None:
        self.text, self.terminal = "", terminal

    def isatty(self) -> bool:
        return self.terminal

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None: ...


def test_how_far_long_work_has_come_is_shown_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {}
    for terminal, quiet in ((True, False), (False, False), (True, True)):
        watched = _Watched(terminal)
        monkeypatch.setattr("sys.stderr", watched)
        with progress("pause runs", quiet=quiet) as told:
            for done in range(1, 1_001):
                told(done, 1_000)
        with progress("few", quiet=quiet) as told:
            told(3, 3)
        with steps(quiet=quiet) as part:
            for done in range(1, 41):
                part("runs", done, 40)
            part("files", 100, 0)
            part("journals", 99, 0)
        seen[terminal, quiet] = watched.text
    assert seen[False, False] == "" and seen[True, True] == ""
    text = seen[True, False]
    parts = [text.strip() for text in text.split("\r") if text.strip()]
    assert (
        parts[0] == "pause runs: 1 of 1,000"
        and parts[1] == "pause runs: 10 of 1,000"
        and "pause runs: 1,000 of 1,000" in parts
    )
    assert sum(text.startswith("pause") for text in parts) == 101
    assert (
        "few" not in text and "journals" not in text and "runs: 40 of 40" in parts and "files: 100" in parts
    )
    assert text.endswith("\r")


def test_a_terminal_sees_it_and_standard_output_does_not(cli: Cli) -> None:
    async def start() -> None:
        async with Stepwell.open(cli.folder / "stepwell.db") as engine:
            for _ in range(20):
                await engine.start(HEAD % "nap" + "do: [{nap: {wait: {hours: 1}}}]")

    asyncio.run(start())
    asked = Terminal(cli, "runs", "pause", "--open", "--yes", "--as", "ada")
    text = asked.until()
    assert "pause runs: 20 of 20" in text and "pause: 20 of 20" in text
    assert asked.end() == 0


def test_reading_archives_backups_and_indexes_are_followed_too_but_not_by_programs(cli: Cli) -> None:
    async def begin() -> None:
        async with Stepwell.open(cli.folder / "stepwell.db", guest=True) as engine:
            for _ in range(100):
                await engine.terminate(
                    (await engine.start(HEAD % "nap" + "do: [{nap: {wait: {hours: 1}}}]")).run_id
                )
            plan = await engine.plan_archive()
            await engine.apply_archive(plan["token"], to=cli.folder / "old.gz", remove=False)

    asyncio.run(begin())
    for words, told in (
        (("archive", "verify", "old.gz"), "checked: 100 of 100"),
        (("backup", "copy.db"), "pages checked: 0 of "),
        (("doctor", "--rebuild"), "indexes: 100 of 100"),
    ):
        asked = Terminal(cli, *words)
        assert told in asked.until() and asked.end() == 0
    for quiet in (("archive", "verify", "old.gz"), ("doctor", "--rebuild")):
        asked = Terminal(cli, *quiet, "--json")
        assert " of 100" not in asked.until() and asked.end() == 0
