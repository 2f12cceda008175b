"""The benchmarks still run: they look into rooms whose insides change, and nobody runs them every day."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


def figures(tmp_path: Path, *command: str) -> dict[str, object]:
    found = subprocess.run(
        [sys.executable, *command],
        cwd=BENCHMARKS,
        env={**os.environ, "BENCH_WORK": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    read: dict[str, object] = json.loads(found.stdout)
    return read


def test_every_layer_of_a_step_has_a_time(tmp_path: Path) -> None:
    layers = figures(tmp_path, "layers.py", "--n", "50")["layers"]
    assert isinstance(layers, dict) and len(layers) == 12
    assert min(layers.values()) > 0


@pytest.mark.parametrize("face", ["code", "python", "declarative"])
@pytest.mark.parametrize("workload", ["w1", "w2"])
def test_a_workload_in_small(workload: str, face: str, tmp_path: Path) -> None:
    said = figures(tmp_path, "stepwell_bench.py", workload, "--face", face, "--n", "5")
    assert (said["workload"], said["face"]) == (workload, face)
