"""`stepwell schedules …`, as words and as JSON."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from stepwell import Stepwell
from stepwell.cli import main
from tests.support import processes
from tests.support.clock import FakeClock

FLOW = "document: {dsl: '1.0.3', namespace: test, name: flow, version: '1.0.0'}\ndo:\n  - a: {set: {v: 1}}\n"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STEPWELL_DB", str(tmp_path / "x.db"))
    (tmp_path / "flow.yaml").write_text(FLOW)
    return tmp_path


def call(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> Any:
    assert main(["schedules", *words, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def read(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert main(["schedules", *words]) == code
    captured = capsys.readouterr()
    return captured.out + captured.err


def nightly(capsys: pytest.CaptureFixture[str], *more: str) -> Any:
    return call(
        capsys, "set", "nightly", "flow.yaml", "--cron", "30 2 * * *", "--zone", "Europe/Berlin", *more
    )


@pytest.mark.spec("U14")
def test_from_set_to_delete(capsys: pytest.CaptureFixture[str]) -> None:
    made = nightly(capsys, "--input", '{"n": 1}', "--tag", "team=a", "--note", "a backup")
    assert (made["changed"], made["cron"], made["zone"], made["tags"]) == (
        True, "30 2 * * *", "Europe/Berlin", {"team": "a"},
    )  # fmt: skip
    assert not nightly(capsys, "--input", '{"n": 1}', "--tag", "team=a", "--note", "a backup")["changed"]
    assert [one["name"] for one in call(capsys, "list")["schedules"]] == ["nightly"]
    assert "cron 30 2 * * * in Europe/Berlin" in read(capsys, "list")
    shown = read(capsys, "show", "nightly")
    assert "nightly is active" in shown and "a backup" in shown and "revision 1" in shown
    assert len(call(capsys, "upcoming", "nightly", "-n", "3")["upcoming"]) == 3
    assert len(read(capsys, "upcoming", "nightly").splitlines()) == 10
    assert all("T02:30:00+0" in slot for slot in read(capsys, "upcoming", "nightly").splitlines())
    assert "T02:30:00+0" in read(capsys, "list") and "T02:30:00+0" in read(capsys, "show", "nightly")
    assert call(capsys, "upcoming", "nightly")["upcoming"][0].endswith("Z"), "programs get UTC"
    assert "is paused" in read(capsys, "pause", "nightly", "--reason", "a holiday")
    assert call(capsys, "show", "nightly")["pause_reason"] == "a holiday"
    assert "goes on" in read(capsys, "resume", "nightly")
    run = call(capsys, "trigger", "nightly", "--key", "one")
    assert run["created"] and not call(capsys, "trigger", "nightly", "--key", "one")["created"]
    window = ("--from", "2026-03-28T00:00:00Z", "--to", "2026-03-30T12:00:00Z")
    filled = call(capsys, "backfill", "nightly", *window)["slots"]
    assert [one["slot"][:19] for one in filled] == [
        "2026-03-28T01:30:00", "2026-03-29T01:00:00", "2026-03-30T00:30:00",
    ]  # fmt: skip
    assert "0 runs started, 3 were there already" in read(capsys, "backfill", "nightly", *window)
    page = call(capsys, "firings", "nightly", "--limit", "2")
    rest = call(capsys, "firings", "nightly", "--cursor", page["next"])
    assert {one["run_id"] for one in [*page["firings"], *rest["firings"]]} == {
        run["run_id"], *(one["run_id"] for one in filled),
    }  # fmt: skip
    firings = read(capsys, "firings", "nightly")
    assert "backfill" in firings and "2026-03-29T03:00:00+02:00" in firings
    assert "is deleted" in read(capsys, "delete", "nightly", "--yes")
    assert "there are no schedules" in read(capsys, "list")
    assert "2026-03-29T01:00:00" in read(capsys, "firings", "nightly"), "of one that is gone in UTC"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("set", "s", "flow.yaml"), "one of cron, every and after"),
        (("set", "s", "flow.yaml", "--cron", "61 * * * *"), "Bad minute"),
        (("set", "s", "flow.yaml", "--every", "soon"), "ISO 8601"),
        (("set", "s", "flow.yaml", "--every", "60", "--start", "monday"), "start: "),
        (("set", "s", "gone.yaml", "--every", "60"), "cannot read"),
        (("set", "s", "no/such", "--every", "60"), "no definition no/such"),
        (("set", "a b", "flow.yaml", "--every", "60"), "cannot be a schedule's name"),
        (("set", "s", "flow.yaml", "--every", "60", "--overlap", "x"), "overlap"),
        (("set", "s", "flow.yaml", "--every", "60", "--tag", "fired_by=me"), "the tag fired_by"),
        (("show", "s"), "no schedule s"),
        (("pause", "s"), "no schedule s"),
        (("backfill", "s"), "--from"),
    ],
)
async def test_what_cannot_be_done_says_why(
    capsys: pytest.CaptureFixture[str], place: Path, words: tuple[str, ...], said: str
) -> None:
    async with Stepwell.open(place / "x.db", guest=True):
        pass
    done = processes.ran("-m", "stepwell", "schedules", *words, timeout=30)
    assert done.returncode == 2 and said in done.stderr


def test_hints_name_the_file(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    nightly(capsys)
    assert f"--db {place / 'x.db'}" in read(capsys, "show", "nightly", "--db", str(place / "x.db"))


async def test_what_is_served_is_fired(place: Path) -> None:
    """`serve` with a real clock: an interval of a second comes soon."""
    stepwell = ["-m", "stepwell"]
    words = ["schedules", "set", "often", "flow.yaml", "--every", "1", "--json"]
    processes.ran(*stepwell, *words, timeout=30).check_returncode()
    served = processes.python(*stepwell, "serve", stderr=subprocess.PIPE, text=True)
    assert served.stderr is not None
    seen = 0
    for text in served.stderr:
        seen += "schedule often: slot" in text
        if seen == 2:
            break
    served.terminate()
    served.communicate(timeout=30)
    async with Stepwell.open(place / "x.db", guest=True, clock=FakeClock()) as stepwell:
        lines = (await stepwell.firings("often"))["firings"]
        slots = [line["slot"] for line in lines if line["outcome"] == "started"]
        assert len(slots) >= 2 and len(set(slots)) == len(slots)
