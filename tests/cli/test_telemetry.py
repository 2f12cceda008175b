"""What the commands that carry runs on log and count."""

from __future__ import annotations

import json
import re
import urllib.request
from typing import Any

import pytest

from tests.cli.helpers import Cli

SECRET = "canary-4711"
WORK = """
use: {secrets: [token]}
do:
  - one: {set: {word: '${ .word }', token: '${ $secrets.token }'}}
  - two: {set: {n: 2}}
"""


def events(err: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in err.splitlines() if line.startswith("{")]
    return [line for line in lines if "event" in line]


@pytest.mark.spec("S4")
@pytest.mark.parametrize("level", [None, "debug"])
def test_a_run_logs_its_events_as_json_and_no_data(cli: Cli, level: str | None) -> None:
    secrets = cli.folder / "secrets.json"
    secrets.write_text(json.dumps({"token": SECRET}))
    words = ["run", cli.file("work", WORK), "--input", json.dumps({"word": SECRET}), "--secrets", secrets]
    result = cli(*words, "--log-format", "json", "--json", *(["--log-level", level] if level else []))
    assert result.code == 0, result
    names = [event["event"] for event in events(result.err)]
    assert names[0] == "run.created"
    assert names[-1] == "run.completed"
    assert ("step.completed" in names) == (level == "debug")
    assert {event["run_id"] for event in events(result.err)} == {result.json["run_id"]}
    assert SECRET not in result.err


def test_text_stays_as_it_was_unless_more_is_asked_for(cli: Cli) -> None:
    path = cli.file("work", "do: [{one: {set: {n: 1}}}]")
    assert "step.completed" not in cli("run", path).err
    assert "step.completed run" in cli("run", path, "--log-level", "debug").err


def test_a_server_answers_prometheus_on_loopback(cli: Cli) -> None:
    serving = cli.start("serve", "--metrics-port", "0")
    assert serving.process.stderr is not None
    line = next(line for line in serving.process.stderr if "metrics on http://" in line)
    found = re.search(r"http://127\.0\.0\.1:\d+/metrics", line)
    assert found is not None, line
    with urllib.request.urlopen(found[0]) as answer:
        assert b"stepwell_open_runs 0.0" in answer.read()
    serving.signal(15)
    assert serving.end().code == 0


def test_a_server_makes_spans_with_whatever_provider_there_is(cli: Cli) -> None:
    assert cli("serve", "--until-idle", "--otel").code == 0


def test_a_level_that_is_none_is_refused(cli: Cli) -> None:
    assert cli("serve", "--log-level", "loud").code == 2
