"""Structured logs: one record for each committed event; names and ids, no data."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from stepwell.model import events as e
from stepwell.telemetry import EventLog, JsonFormatter
from stepwell.telemetry.facts import FIELDS, fields_of
from stepwell.telemetry.logs import level_of
from tests.telemetry.helpers import CANARY, be_busy, open_busy


class Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def lines() -> Lines:
    return Lines()


def logger(lines: Lines, level: int) -> logging.Logger:
    made = logging.Logger("stepwell.events", level)
    made.addHandler(lines)
    return made


@pytest.mark.spec("S4")
async def test_every_event_is_one_json_line_with_no_data_in_it(tmp_path: Path, lines: Lines) -> None:
    async with open_busy(tmp_path / "x.db", telemetry=[EventLog(logger(lines, logging.DEBUG))]) as stepwell:
        run_id = await be_busy(stepwell)
        facts = [(each.run_id, each.seq, each.name) async for each in stepwell.events()]
    told = [json.loads(line) for line in lines.lines]
    assert [(each["run_id"], each["seq"], each["event"]) for each in told] == facts
    assert CANARY not in "".join(lines.lines)
    (failed,) = [each for each in told if each["event"] == "run.failed"]
    assert (failed["level"], failed["run_id"]) == ("error", run_id)
    assert (failed["error_type"], failed["error_status"]) == ("https://x.test/no", 418)
    assert {each["level"] for each in told if each["event"] == "step.retrying"} == {"warning"}
    assert all(each["time"].endswith("Z") and each["at"].endswith("Z") for each in told)


async def test_the_level_chooses(tmp_path: Path, lines: Lines) -> None:
    async with open_busy(tmp_path / "x.db", telemetry=[EventLog(logger(lines, logging.INFO))]) as stepwell:
        await be_busy(stepwell)
    names = [json.loads(line)["event"] for line in lines.lines]
    assert "run.created" in names
    assert "step.retrying" in names
    assert "step.completed" not in names


def test_an_exception_is_told_by_its_type_only(lines: Lines) -> None:
    log = logger(lines, logging.INFO)
    try:
        raise ValueError(CANARY)
    except ValueError:
        log.exception("it failed\nin two lines", extra={"run_id": "r-1"})
    (line,) = lines.lines
    assert "\n" not in line
    told = json.loads(line)
    assert (told["exception"], told["run_id"]) == ("ValueError", "r-1")
    assert CANARY not in line


def test_what_is_allowed_is_there_and_never_data() -> None:
    data = {
        "input",
        "output",
        "value",
        "values",
        "variables",
        "context",
        "tags",
        "key",
        "progress",
        "items",
        "options",
    }
    for kind, fields in FIELDS.items():
        assert set(fields) <= set(kind._fields), kind
        assert not set(fields) & data, kind
    for kind in e.NAMES:
        assert level_of(kind) in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR)


def test_long_texts_are_cut() -> None:
    assert len(fields_of(e.StepCompleted("x" * 5_000))["step"]) == 200
