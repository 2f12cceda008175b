"""Every example runs by its one command, as the README gives it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support import processes

ROOT = Path(__file__).parent.parent
STEPWELL = ["-m", "stepwell"]


def run(tmp_path: Path, *arguments: str, program: list[str] | None = None) -> dict[str, Any]:
    environment = {**os.environ, "STEPWELL_DB": str(tmp_path / "examples.db")}
    done = processes.ran(
        *(STEPWELL if program is None else program), *arguments, cwd=ROOT, env=environment, timeout=60
    )
    assert done.returncode == 0, done.stderr
    shown: dict[str, Any] = json.loads(done.stdout)
    return shown


def names(view: dict[str, Any], status: str = "completed") -> list[str]:
    return [step["name"] for step in view["steps"] if step["status"] == status]


@pytest.mark.spec("Q13", "X7")
def test_an_order_is_shipped_after_retries(tmp_path: Path) -> None:
    view = run(
        tmp_path, "run", "examples/orders/order.yaml", "--input", '{"order": "1", "amount": 10}', "--json"
    )
    assert view["output"] == {"order": "1", "status": "shipped", "parcel": "S-1"}
    assert names(view, "failed") == ["chargeCard", "chargeCard"]


def test_an_order_that_cannot_be_shipped_is_undone(tmp_path: Path) -> None:
    data = '{"order": "2", "amount": 10, "undeliverable": true}'
    view = run(tmp_path, "run", "examples/orders/order.yaml", "--input", data, "--json")
    assert view["output"] == {"order": "2", "status": "undone", "because": "no carrier takes order 2"}
    assert names(view)[-3:] == ["refund", "release", "undone"]


@pytest.mark.spec("U7")
def test_readings_are_summarised_in_parallel_and_in_order(tmp_path: Path) -> None:
    view = run(
        tmp_path, "run", "examples/readings/readings.yaml", "--input", '{"file": "readings.csv"}', "--json"
    )
    stations = [summary["station"] for summary in view["output"]["summaries"]]
    assert stations == sorted(stations) and len(stations) == 8
    assert view["output"]["hottest"] == "Cadiz"


def test_a_flaky_service_is_asked_again(tmp_path: Path) -> None:
    view = run(tmp_path, "examples/flaky/run.py", str(tmp_path / "flaky.db"), program=[])
    assert (view["status"], view["output"]) == ("completed", {"symbol": "WELL", "price": 42.5})


@pytest.mark.spec("U14")
def test_a_nightly_report_is_scheduled_and_filled_in(tmp_path: Path) -> None:
    view = run(tmp_path, "examples/nightly/run.py", str(tmp_path / "nightly.db"), program=[])
    assert len(view["reports"]) == 3
    assert all(
        one["report"] == f"report of {one['day']}" and one["by"] == "backfill" for one in view["reports"]
    )
    assert view["next"].endswith("T02:30:00.000000Z")


@pytest.mark.spec("Q1", "Q2", "Q5")
def test_a_runner_of_ones_own_performs_each_step_once(tmp_path: Path) -> None:
    view = run(tmp_path, "examples/runner/run.py", str(tmp_path / "runner.db"), program=[])
    assert view == {
        "status": "completed",
        "output": {"sent": "P-lamp", "paid": 42.5},
        "performed": {"reserve": 1, "charge": 1, "pack": 1, "ship": 1},
    }


@pytest.mark.spec("S8")
def test_a_workflow_runs_others(tmp_path: Path) -> None:
    view = run(
        tmp_path, "run", "examples/nested/parent.yaml", "--with", "examples/nested/child.yaml",
        "--input", '{"people": ["Ada", "Grace", "Edsger"]}', "--json",
    )  # fmt: skip
    assert view["output"] == {"greetings": ["Hello, Ada!", "Hello, Grace!", "Hello, Edsger!"]}


def test_the_ten_lines_of_the_readme(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text()
    (tmp_path / "greet.yaml").write_text(text.split("```yaml\n")[1].split("```")[0])
    view = run(
        tmp_path, "run", str(tmp_path / "greet.yaml"), "--input", '{"names": ["Ada", "Grace"]}', "--json"
    )
    assert view["output"] == {"said": ["Hello, Ada!", "Hello, Grace!"]}


def test_the_fifteen_lines_of_the_readme(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text()
    (tmp_path / "shop.py").write_text(text.split("```python\n")[1].split("```")[0])
    data = '{"order": 7, "amount": 9.5}'
    assert f"stepwell run shop.py --input '{data}'" in text
    view = run(tmp_path, "run", str(tmp_path / "shop.py"), "--input", data, "--json")
    assert view["output"] == "order 7 is paid: P-7"


def test_the_python_of_the_readme(tmp_path: Path) -> None:
    program = (ROOT / "README.md").read_text().split("```python\n")[2].split("```")[0]
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.stdout, done.returncode) == ("{'payment': 'P-1001'}\n", 0), done.stderr


def test_the_demo_ends_with_what_to_try_next(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "STEPWELL_DB": str(tmp_path / "demo.db"),
        "BIN": str(Path(sys.executable).parent),
    }
    done = subprocess.run(
        ["sh", "examples/demo.sh"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "shipped" in done.stdout and "undone" in done.stdout and "What to try next" in done.stdout
