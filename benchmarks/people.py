"""A procedure of 2,000 steps, of which 500 forms are open at once: how long one update of a step takes, and an inbox.

    python benchmarks/people.py [--steps 2000] [--open 500] [--updates 300]

Prints one JSON line: milliseconds, p50 and p95; every update is durable when it counts (SQLite, synchronous=FULL).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from stepwell import Stepwell


def document(steps: int, beside: int) -> dict[str, Any]:
    """`beside` forms that wait for nobody; every other step comes after the one `beside` places before it."""
    fields = [{"id": "value", "kind": "number", "required": True}, {"id": "note", "kind": "text"}]
    tasks: list[dict[str, Any]] = []
    for number in range(steps):
        after = [f"s{number - beside}"] if number >= beside else []
        task = {"call": "form", "with": {"fields": fields}, "metadata": {"after": after}}
        tasks.append({f"s{number}": task})
    head = {
        "dsl": "1.0.3",
        "namespace": "bench",
        "name": "long",
        "version": "1.0.0",
        "metadata": {"procedure": {}},
    }
    return {"document": head, "do": tasks}


async def measure(steps: int, beside: int, updates: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        async with Stepwell.open(Path(folder) / "people.db") as stepwell:
            began = time.perf_counter()
            run = (await stepwell.start(document(steps, beside))).run_id
            start = time.perf_counter() - began
            values, submits, inboxes = [], [], []
            for number in range(updates):
                step = f"s{number % beside}"
                values.append(await timed(stepwell.set_values(run, step, {"value": number}, by="ada")))
            for number in range(min(updates, steps)):
                submits.append(await timed(stepwell.submit_step(run, f"s{number}", {"value": 1}, by="ada")))
            for _ in range(20):
                inboxes.append(await timed(stepwell.inbox("ada", limit=500)))
            waiting = (await stepwell.inbox("ada"))["total"]
    return {
        "steps": steps,
        "waiting": waiting,
        "start_ms": round(start * 1_000),
        "set_values_ms": spread(values),
        "submit_ms": spread(submits),
        "inbox_ms": spread(inboxes),
    }


async def timed(work: Any) -> float:
    began = time.perf_counter()
    await work
    return (time.perf_counter() - began) * 1_000


def spread(times: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(times, n=20)
    return {"p50": round(statistics.median(times), 1), "p95": round(cuts[-1], 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=2_000)
    parser.add_argument("--open", type=int, default=500)
    parser.add_argument("--updates", type=int, default=300)
    given = parser.parse_args()
    print(json.dumps(asyncio.run(measure(given.steps, given.open, given.updates))))


if __name__ == "__main__":
    main()
