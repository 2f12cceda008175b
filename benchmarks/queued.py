"""Workloads through a queue: throughput with two worker processes, and how long an idle queue takes to begin a run."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from common import Timer, fresh_dir, milliseconds, peak_rss_mb

PACE = 0.05
"""Seconds between two starts of the unloaded queue."""

Open = Callable[..., Any]
waited: list[float] = []


async def job(sent: float) -> int:
    """A step that notes how long ago its run was started."""
    waited.append(time.time() - sent)
    return 1


def document() -> str:
    step = {"call": "python", "with": {"function": "job", "arguments": {"sent": "${ .sent }"}}}
    head = {"dsl": "1.0.3", "namespace": "bench", "name": "job", "version": "1.0.0"}
    return json.dumps({"document": head, "do": [{"job": step}]})


def open_store(path: Path, **settings: Any) -> Any:
    import stepwell

    return stepwell.Stepwell.open(path, functions=[job], **settings)


class Workers:
    """Processes that begin what waits, until they are told to stop."""

    def __init__(self, path: Path, count: int) -> None:
        command = [sys.executable, __file__, str(path)]
        self._all = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for _ in range(count)
        ]
        for worker in self._all:
            assert worker.stdout is not None
            worker.stdout.readline()

    def stop(self) -> list[dict[str, Any]]:
        """What each of them has seen."""
        told = [worker.communicate("")[0] for worker in self._all]
        return [json.loads(text.splitlines()[-1]) for text in told]


async def _through(engine: Any) -> None:
    """Return when nothing waits and nothing runs."""
    while any(queue["waiting"] + queue["running"] for queue in await engine.queues()):
        await asyncio.sleep(0.01)


async def w4(count: int, workers: int = 2) -> dict[str, Any]:
    """So many runs of one step, put into a queue by this process and done by others."""
    path = fresh_dir("w4") / "bench.db"
    async with open_store(path, guest=True) as engine:
        flow = await engine.add_definition(document())
        crowd = Workers(path, workers)
        await asyncio.gather(*(engine.start(flow, {"sent": 0}, queue="default") for _ in range(200)))
        await _through(engine)
        with Timer() as t:
            for _ in range(0, count, 500):
                now = time.time()
                await asyncio.gather(
                    *(engine.start(flow, {"sent": now}, queue="default") for _ in range(min(500, count)))
                )
            enqueued = time.perf_counter() - t.start
            await _through(engine)
    told = crowd.stop()
    done = sum(len(each["waited"]) for each in told)
    assert done == count + 200, done
    return {
        "n": count,
        "workers": workers,
        "enqueue_per_s": round(count / enqueued, 1),
        "total_s": round(t.s, 3),
        "runs_per_s": round(count / t.s, 1),
        "by_worker": [len(each["waited"]) for each in told],
        "cpu_s": round(t.cpu, 3),
        "worker_cpu_s": [each["cpu_s"] for each in told],
        "worker_rss_mb": max(each["rss_mb"] for each in told),
    }


async def w4p(count: int, *, elsewhere: bool) -> dict[str, Any]:
    """An idle queue: one start every 50 ms, begun by the same process or by another one."""
    path = fresh_dir("w4p") / "bench.db"
    waited.clear()
    async with open_store(path, guest=elsewhere) as engine:
        flow = await engine.add_definition(document())
        crowd = Workers(path, 1 if elsewhere else 0)
        for _ in range(count + 10):
            await engine.start(flow, {"sent": time.time()}, queue="default")
            await asyncio.sleep(PACE)
        await _through(engine)
    told = crowd.stop()
    latencies = told[0]["waited"] if elsewhere else waited
    return {"n": count, "elsewhere": elsewhere, **milliseconds(latencies[10:], "start")}


async def idle(seconds: float = 10) -> dict[str, Any]:
    """What an engine costs that has nothing to do."""
    path = fresh_dir("idle") / "bench.db"
    async with open_store(path):
        await asyncio.sleep(1)
        before = time.process_time()
        await asyncio.sleep(seconds)
        return {"seconds": seconds, "cpu_percent": round((time.process_time() - before) / seconds * 100, 3)}


async def worker(path: str) -> None:
    async with open_store(Path(path)):
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
    times = os.times()
    cpu = round(times.user + times.system, 3)
    print(json.dumps({"waited": waited, "cpu_s": cpu, "rss_mb": peak_rss_mb()}))


if __name__ == "__main__":
    asyncio.run(worker(sys.argv[1]))
