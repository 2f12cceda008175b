"""The examples of Python workflows: as programs of their own, by `stepwell run`, and through the death of a process."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support import processes

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples" / "python"
STEPWELL = ["-m", "stepwell"]

pytestmark = pytest.mark.spec("Q13", "Q17", "Q18")

SAID = {
    "saga": """\
{'payment': 'P-1', 'parcel': 'ship 1'}
NoCarrier: no ship goes to AQ (saga.py:36, in send)
[('charge', 'completed'), ('pack', 'completed'), ('send', 'failed'), ('send', 'failed'), ('unpack', 'completed'), \
('refund', 'completed')]
""",
    "fetch": "{'pages': 12, 'bytes': 66}\n",
    "agent": """\
… let me see: search
… let me see: weather
to approve: Go: Oslo has a museum and it is sunny in Oslo.
Go: Oslo has a museum and it is sunny in Oslo. (approved by Ann)
""",
    "poller": """\
transcoding is done after 7 looks
continued 1.0.0
continued 1.0.0
completed 1.0.0
""",
}

STARTED: dict[str, tuple[dict[str, Any], Any]] = {
    "saga.py:place_order": ({"order": 7, "amount": 2}, {"payment": "P-7", "parcel": "van 7"}),
    "fetch.py:fetch_all": ({"urls": []}, {"pages": 0, "bytes": 0}),
    "nightly.py:backup": ({"volumes": ["home"]}, {"started": "by hand", "copied": {"home": 4096}}),
    "agent.py:agent": ({"place": "Oslo", "patience": 0.01}, "nobody looked at it"),
    "poller.py": ({"job": "render", "looks": 3}, "render is done after 7 looks"),
}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "STEPWELL_DB": str(tmp_path / "examples.db")}


def program(*arguments: str, environment: dict[str, str]) -> str:
    done = processes.ran(*arguments, cwd=ROOT, env=environment, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", SAID)
def test_each_is_a_program(name: str, tmp_path: Path, environment: dict[str, str]) -> None:
    said = program(str(EXAMPLES / f"{name}.py"), str(tmp_path / "own.db"), environment=environment)
    assert said == SAID[name]


@pytest.mark.spec("U14")
def test_the_nightly_backup_is_scheduled_and_made(tmp_path: Path, environment: dict[str, str]) -> None:
    said = program(str(EXAMPLES / "nightly.py"), str(tmp_path / "own.db"), environment=environment)
    *slots, result = said.splitlines()
    assert len(slots) == 3 and all(slot.startswith("next: ") and ":30:00" in slot for slot in slots)
    assert result == "{'started': 'trigger', 'copied': {'home': 4096, 'mail': 4096}}"


@pytest.mark.parametrize("target", STARTED)
def test_each_is_started_by_its_place(target: str, environment: dict[str, str]) -> None:
    given, result = STARTED[target]
    shown = program(
        *STEPWELL, "run", f"examples/python/{target}", "--input", json.dumps(given), "--json",
        environment=environment,
    )  # fmt: skip
    assert json.loads(shown)["output"] == result


@pytest.mark.spec("Q17")
def test_an_agent_that_was_killed_while_it_waited_goes_on(environment: dict[str, str]) -> None:
    """No model and no tool is asked twice; the signal that comes while nobody is there is kept."""
    command = [*STEPWELL, "run", "examples/python/agent.py", "--input", '{"place": "Oslo"}']
    with processes.python(
        *command, cwd=ROOT, env={**environment, "PYTHONUNBUFFERED": "1"}, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    ) as killed:  # fmt: skip
        assert killed.stdout is not None
        told = []
        for line in killed.stdout:
            told.append(line)
            if "approval waits for" in line:
                break
        killed.kill()
    assert "approval waits for" in told[-1], told
    (run,) = json.loads(program(*STEPWELL, "runs", "list", "--json", environment=environment))["runs"]
    assert run["status"] == "running"
    before = _steps(run["run_id"], environment)
    program(
        *STEPWELL, "runs", "signal", run["run_id"], "approval", '{"by": "Ann"}', environment=environment
    )  # by a process that does not know the code
    program(*STEPWELL, "serve", "--app", "examples/python/agent.py", "--until-idle", environment=environment)
    after = _steps(run["run_id"], environment)
    assert after[: len(before) - 1] == before[:-1]
    assert [(step["name"], step["status"], step["attempts"]) for step in after[-2:]] == [
        ("approval", "completed", []),
        ("publish", "completed", after[-1]["attempts"]),
    ]
    shown = json.loads(program(*STEPWELL, "runs", "show", run["run_id"], "--json", environment=environment))
    assert shown["output"] == "Go: Oslo has a museum and it is sunny in Oslo. (approved by Ann)"
    assert json.loads(program(*STEPWELL, "doctor", "--json", environment=environment))["ok"]


def _steps(run_id: str, environment: dict[str, str]) -> list[dict[str, Any]]:
    shown = json.loads(program(*STEPWELL, "runs", "show", run_id, "--json", environment=environment))
    found: list[dict[str, Any]] = shown["steps"]
    return found


def test_none_is_longer_than_a_screen() -> None:
    assert [file.name for file in EXAMPLES.glob("*.py") if len(file.read_text().splitlines()) > 60] == []
