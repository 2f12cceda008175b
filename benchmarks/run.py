"""Run the workloads in interleaved rounds, so that a drifting machine hits all alike, and print medians and ratios.

    python benchmarks/run.py [--rounds 3] [--only w1,w2]

DBOS is measured beside Stepwell where `.bench/venvs/dbos` exists (see benchmarks/README.md), else left out.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
DBOS = HERE.parent / ".bench/venvs/dbos/bin/python"
OWN = [sys.executable, str(HERE / "stepwell_bench.py")]
PEER = [str(DBOS), str(HERE / "peers/dbos_bench.py")]

RATE = {"w1": "steps_per_s", "w2": "steps_per_s", "w3": "children_per_s", "w4": "runs_per_s"}

COMMANDS: dict[str, list[str]] = {
    "limits": [sys.executable, str(HERE / "limits_sqlite.py")],
    "stepwell w1 code": [*OWN, "w1", "--face", "code"],
    "stepwell w1 python": [*OWN, "w1"],
    "stepwell w1 declarative": [*OWN, "w1", "--face", "declarative"],
    "dbos w1 default": [*PEER, "w1"],
    "dbos w1 wal": [*PEER, "w1", "--wal"],
    "stepwell w2 code": [*OWN, "w2", "--face", "code"],
    "stepwell w2 python": [*OWN, "w2"],
    "stepwell w2 declarative": [*OWN, "w2", "--face", "declarative"],
    "dbos w2 default": [*PEER, "w2"],
    "dbos w2 wal": [*PEER, "w2", "--wal"],
    "stepwell w3 code": [*OWN, "w3", "--face", "code"],
    "stepwell w3": [*OWN, "w3"],
    "dbos w3 default": [*PEER, "w3"],
    "dbos w3 wal": [*PEER, "w3", "--wal"],
    "stepwell w4": [*OWN, "w4"],
    "dbos w4 default": [*PEER, "w4"],
    "dbos w4 wal": [*PEER, "w4", "--wal"],
    "stepwell w4p": [*OWN, "w4p"],
    "dbos w4p default": [*PEER, "w4p"],
    "stepwell idle": [*OWN, "idle"],
    "stepwell w5": [*OWN, "w5"],
    "stepwell w6": [*OWN, "w6"],
    "stepwell w7": [*OWN, "w7"],
}


def once(command: list[str]) -> dict[str, Any]:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    figures: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return figures


def medians(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    numbers = [name for name, value in rounds[0].items() if isinstance(value, int | float)]
    return {name: round(statistics.median(figures[name] for figures in rounds), 3) for name in numbers}


def ratios(found: dict[str, dict[str, Any]]) -> dict[str, float]:
    """Stepwell over DBOS and over the raw store, by workload."""
    made: dict[str, float] = {}
    for name, figures in found.items():
        maker, _, workload = name.partition(" ")
        workload = workload.partition(" ")[0]
        if maker != "stepwell" or workload not in RATE:
            continue
        for other, theirs in found.items():
            if other.startswith(f"dbos {workload} "):
                made[f"{name} / {other}"] = round(figures[RATE[workload]] / theirs[RATE[workload]], 2)
        if workload == "w1" and "limits" in found:
            made[f"{name} / serial commits"] = round(
                figures["steps_per_s"] / found["limits"]["serial_commits_per_s"], 3
            )
    return made


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="")
    a = parser.parse_args()
    chosen = {
        name: command
        for name, command in COMMANDS.items()
        if (DBOS.exists() or not name.startswith("dbos"))
        and (not a.only or any(word in name.split() for word in [*a.only.split(","), "limits"]))
    }
    rounds: dict[str, list[dict[str, Any]]] = {name: [] for name in chosen}
    for number in range(a.rounds):
        for name, command in chosen.items():
            if number and name == "stepwell w6":  # interleaves its own rounds
                continue
            rounds[name].append(once(command))
            print(json.dumps({"round": number + 1, "what": name, **rounds[name][-1]}), flush=True)
    found = {name: medians(figures) for name, figures in rounds.items()}
    print(json.dumps({"medians": found, "ratios": ratios(found)}, indent=2))


if __name__ == "__main__":
    main()
