"""Stepwell's own workloads.   python benchmarks/stepwell_bench.py WORKLOAD [--face code|python|declarative] [--n N]

  w1  one run of 200 no-op steps in sequence, each durable before the next starts
  w2  500 runs of 10 steps, all started at once in this process
  w3  one run that fans out 1,000 steps at once and joins them
  w4  5,000 runs of one step through a queue, put there by this process, done by two others
  w4p the queue unloaded: from start to the step's beginning, in this process and in another one
  idle  CPU of an engine that has nothing to do
  w5  kill -9 in the middle of w2, then open the store and go on: time until all is done, steps executed twice
  w6  w2 on a store that holds 200,000 finished runs, against w2 on an empty one
  w7  import and command-line start

Faces: `code` is a Python workflow (w1 to w3); `python` calls a coroutine function per step of a document
(`call: python`); `declarative` is a `set` per step (which needs no worker: several may share a turn, so w1 says how
many commits it took).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import queued
from common import WORK, Timer, emit, fresh_dir, milliseconds, peak_rss_mb

HEAD = {"dsl": "1.0.3", "namespace": "bench", "version": "1.0.0"}
marks = -1
stamps: list[float] = []


async def noop(i: int, k: int) -> dict[str, Any]:
    """A step that does nothing but say that it was here."""
    if marks >= 0:
        os.write(marks, b"%d %d\n" % (i, k))
    stamps.append(time.perf_counter())
    return {"ok": True, "i": k}


def steps(count: int, face: str) -> list[dict[str, Any]]:
    if face == "declarative":
        return [{f"s{k}": {"set": {"ok": True, "i": k}}} for k in range(count)]
    call = {"call": "python"}
    arguments = "${ $workflow.input.i }"
    return [
        {f"s{k}": {**call, "with": {"function": "noop", "arguments": {"i": arguments, "k": k}}}}
        for k in range(count)
    ]


def document(name: str, do: list[dict[str, Any]]) -> str:
    return json.dumps({"document": {**HEAD, "name": name}, "do": do})


def fan(count: int) -> str:
    work = {"call": "python", "with": {"function": "noop", "arguments": {"i": 0, "k": "${ $k }"}}}
    loop = {
        "for": {"each": "k", "in": f"[range({count})]"},
        "metadata": {"concurrency": count},
        "do": [{"work": work}],
    }
    return document("fan", [{"all": loop}])


def open_store(path: Path) -> Any:
    import stepwell

    return stepwell.Stepwell.open(path, functions=[noop])


async def w1(face: str, count: int) -> dict[str, Any]:
    async with open_store(fresh_dir("w1") / "bench.db") as engine:
        flow = await engine.add_definition(document("one", steps(count, face)))
        await engine.run(flow, {"i": 0})
        stamps.clear()
        with Timer() as t:
            handle = await engine.start(flow, {"i": 1})
            await handle.wait()
        turns = (await engine.show(handle.run_id))["change"]
    gaps = [b - a for a, b in pairwise(stamps)]
    return {"steps": count, "turns": turns, "total_s": round(t.s, 4), "steps_per_s": round(count / t.s, 1),
            "cpu_us_per_step": round(t.cpu / count * 1e6, 1), **milliseconds(gaps, "step")}  # fmt: skip


async def many(engine: Any, flow: Any, count: int) -> list[float]:
    took: list[float] = []
    start = time.perf_counter()

    async def one(i: int) -> None:
        handle = await engine.start(flow, {"i": i})
        await engine.engine.wait(handle.run_id)
        took.append(time.perf_counter() - start)

    await asyncio.gather(*(one(i) for i in range(count)))
    return took


async def w2(face: str, count: int, path: Path | None = None) -> dict[str, Any]:
    async with open_store(path or fresh_dir("w2") / "bench.db") as engine:
        flow = await engine.add_definition(document("ten", steps(10, face)))
        await many(engine, flow, 50)
        with Timer() as t:
            took = await many(engine, flow, count)
    return {"n": count, "steps": 10, "total_s": round(t.s, 3), "cpu_s": round(t.cpu, 3),
            "steps_per_s": round(count * 10 / t.s, 1), "workflows_per_s": round(count / t.s, 1),
            **milliseconds(took, "wf")}  # fmt: skip


async def w3(face: str, count: int) -> dict[str, Any]:
    async with open_store(fresh_dir("w3") / "bench.db") as engine:
        flow = await engine.add_definition(fan(count))
        with Timer() as t:
            output = await engine.run(flow)
        assert len(output) == count
    return {"n": count, "total_s": round(t.s, 4), "children_per_s": round(count / t.s, 1)}


async def w5(face: str, count: int) -> dict[str, Any]:
    folder = fresh_dir("w5")
    command = [sys.executable, __file__, "w5", "--n", str(count), "--child"]
    child = subprocess.Popen([*command, "crash"])
    seen = folder / "marks"
    while not seen.exists() or seen.read_bytes().count(b"\n") < count * 5:
        time.sleep(0.002)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    before = seen.read_bytes().count(b"\n")
    start = time.perf_counter()
    told = json.loads(
        subprocess.run([*command, "recover"], capture_output=True, text=True, check=True).stdout
    )
    took = time.perf_counter() - start
    lines = seen.read_text().splitlines()
    return {"n": count, "executed_before_kill": before, "recovery_s": round(took, 3), **told,
            "steps_more_than_once": len(lines) - len(set(lines))}  # fmt: skip


async def w5_child(role: str, count: int) -> dict[str, Any] | None:
    global marks
    folder = WORK / "w5"
    marks = os.open(folder / "marks", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    async with open_store(folder / "bench.db") as engine:
        if role == "crash":
            flow = await engine.add_definition(document("ten", steps(10, "python")))
            await many(engine, flow, count)
            await asyncio.sleep(60)
        with Timer() as t:
            taken = list(engine.engine.actors)
            await asyncio.gather(*(engine.engine.wait(run) for run in taken))
        left = await engine.list(status=["running", "pending"])
    return {"recovered": len(taken), "in_process_s": round(t.s, 3), "left_open": len(left["runs"])}


async def w6(face: str, count: int, preload: int) -> dict[str, Any]:
    from preload import preload_runs

    rates: dict[str, list[float]] = {"empty": [], "full": []}
    full = fresh_dir("w6-full") / "bench.db"
    await preload_runs(full, preload)
    for _ in range(5):
        rates["empty"].append((await w2(face, count, fresh_dir("w6-empty") / "bench.db"))["steps_per_s"])
        rates["full"].append((await w2(face, count, full))["steps_per_s"])
    empty, loaded = (sorted(rates[name])[2] for name in ("empty", "full"))
    return {
        "preload": preload,
        "empty_steps_per_s": empty,
        "full_steps_per_s": loaded,
        "ratio": round(loaded / empty, 3),
    }


def w7() -> dict[str, Any]:
    bytecode = fresh_dir("w7")  # as an installed package has it: else most of the time would be compilation
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(bytecode), "PYTHONDONTWRITEBYTECODE": ""}

    def cpu(*command: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3

    def best(*command: str) -> float:
        return round(min(cpu(*command) for _ in range(7)), 1)

    bare = best(sys.executable, "-c", "pass")
    return {
        "bare_python_ms": bare,
        "import_stepwell_ms": best(sys.executable, "-c", "import stepwell"),
        "import_engine_ms": best(sys.executable, "-c", "from stepwell import Stepwell"),
        "cli_help_ms": best(sys.executable, "-m", "stepwell", "--help"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("workload", choices=["w1", "w2", "w3", "w4", "w4p", "idle", "w5", "w6", "w7"])
    parser.add_argument("--face", choices=["python", "declarative", "code"], default="python")
    parser.add_argument("--n", type=int, default=0)
    parser.add_argument("--preload", type=int, default=200_000)
    parser.add_argument("--child", choices=["crash", "recover"], help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.child:
        print(json.dumps(asyncio.run(w5_child(a.child, a.n))))
        return
    if a.workload == "w7":
        figures = w7()
    elif a.workload == "w4":
        figures = asyncio.run(queued.w4(a.n or 5_000))
    elif a.workload == "w4p":
        both = {
            name: asyncio.run(queued.w4p(a.n or 100, elsewhere=name == "other")) for name in ("same", "other")
        }
        figures = {f"{name}_{key}": value for name, found in both.items() for key, value in found.items()}
    elif a.workload == "idle":
        figures = asyncio.run(queued.idle())
    elif a.workload == "w6":
        figures = asyncio.run(w6(a.face, a.n or 500, a.preload))
    elif a.face == "code":
        import code_face

        work, default = {"w1": (code_face.w1, 200), "w2": (code_face.w2, 500), "w3": (code_face.w3, 1_000)}[
            a.workload
        ]
        figures = asyncio.run(work(a.n or default))
    else:
        work, default = {"w1": (w1, 200), "w2": (w2, 500), "w3": (w3, 1_000), "w5": (w5, 500)}[a.workload]
        figures = asyncio.run(work(a.face, a.n or default))
    emit(bench="stepwell", workload=a.workload, face=a.face, **figures, peak_rss_mb=peak_rss_mb())


if __name__ == "__main__":
    main()
