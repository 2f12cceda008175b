"""The same workloads for DBOS Transact on SQLite: plain functions, its fastest form on two cores.

    python benchmarks/peers/dbos_bench.py w1|w2|w3|w4|w4p [--wal] [--n N] [--poll SECONDS]

Needs a virtual environment of its own: `pip install dbos pysqlite3-binary` (see benchmarks/README.md).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sqlite3
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

if sqlite3.sqlite_version_info < (3, 42):  # DBOS needs a function that older ones lack
    import pysqlite3

    sys.modules["sqlite3"] = sqlite3 = pysqlite3
    sys.modules["sqlite3.dbapi2"] = pysqlite3.dbapi2

sys.path.insert(0, str(Path(__file__).parent.parent))

from common import Timer, emit, fresh_dir, milliseconds, peak_rss_mb
from dbos import DBOS, DBOSClient, DBOSConfig


@DBOS.step()
def noop(i: int, k: int) -> dict[str, object]:
    return {"ok": True, "i": k}


@DBOS.workflow()
def sequence(i: int, count: int) -> list[float]:
    stamps = []
    for k in range(count):
        noop(i, k)
        stamps.append(time.perf_counter())
    return stamps if count > 50 else []


def launch(path: Path, *, wal: bool, threads: int, fresh: bool = True) -> None:
    if wal and fresh:
        db = sqlite3.connect(path)
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("CREATE TABLE made(x)")
        db.close()
    config: DBOSConfig = {"name": "bench", "system_database_url": f"sqlite:///{path}", "log_level": "ERROR"}
    config["application_version"] = "1"
    if threads:
        config["max_executor_threads"] = threads
    DBOS(config=config)
    DBOS.launch()
    logging.getLogger("dbos").setLevel(logging.ERROR)


def w1(count: int) -> dict[str, object]:
    sequence(0, count)
    with Timer() as t:
        stamps = sequence(1, count)
    gaps = [b - a for a, b in pairwise(stamps)]
    return {
        "steps": count,
        "total_s": round(t.s, 4),
        "steps_per_s": round(count / t.s, 1),
        **milliseconds(gaps, "step"),
    }


def w2(count: int) -> dict[str, object]:
    for handle in [DBOS.start_workflow(sequence, i, 10) for i in range(50)]:
        handle.get_result()
    with Timer() as t:
        for handle in [DBOS.start_workflow(sequence, i, 10) for i in range(count)]:
            handle.get_result()
    return {"n": count, "steps": 10, "total_s": round(t.s, 3), "cpu_s": round(t.cpu, 3),
            "steps_per_s": round(count * 10 / t.s, 1)}  # fmt: skip


@DBOS.step()
async def piece(k: int) -> dict[str, object]:
    return {"ok": True, "i": k}


@DBOS.workflow()
async def fan(count: int) -> int:
    return len(await asyncio.gather(*[piece(k) for k in range(count)]))


def w3(count: int) -> dict[str, object]:
    """Steps of one workflow side by side: its fastest way to fan out."""
    asyncio.run(fan(10))
    with Timer() as t:
        assert asyncio.run(fan(count)) == count
    return {"n": count, "total_s": round(t.s, 4), "children_per_s": round(count / t.s, 1)}


waited: list[float] = []


@DBOS.workflow()
def job(sent: float) -> int:
    waited.append(time.time() - sent)
    noop(0, 0)
    return 1


def worker(path: Path, *, wal: bool, poll: float) -> None:
    """A process that begins what waits, until its standard input ends."""
    del wal  # the file was made by the parent
    launch(path, wal=False, threads=0, fresh=False)
    DBOS.register_queue("jobs", polling_interval_sec=poll)
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps({"waited": waited}), flush=True)
    os._exit(0)


class Crowd:
    """Worker processes, and a client that puts runs into their queue."""

    def __init__(self, path: Path, count: int, *, wal: bool, poll: float) -> None:
        launch(path, wal=wal, threads=0)
        DBOS.register_queue("jobs", polling_interval_sec=poll)
        DBOS.destroy()  # this process must not begin them
        self.client = DBOSClient(system_database_url=f"sqlite:///{path}")
        self.path = path
        command = [sys.executable, __file__, "worker", "--path", str(path), "--poll", str(poll)]
        self._all = [
            subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                env={**os.environ, "DBOS__VMID": f"worker-{number}"},
            )
            for number in range(count)
        ]  # fmt: skip
        for child in self._all:
            assert child.stdout is not None
            child.stdout.readline()
        time.sleep(3)  # their queue threads are started by a scan once a second

    def put(self) -> None:
        options = {
            "queue_name": "jobs",
            "workflow_name": "job",
            "app_version": "1",
            "application_name": "bench",
        }
        self.client.enqueue(options, time.time())

    def through(self, count: int) -> None:
        db = sqlite3.connect(self.path, timeout=30)
        while True:
            (done,) = db.execute("SELECT count(*) FROM workflow_status WHERE status = 'SUCCESS'").fetchone()
            if done >= count:
                return
            time.sleep(0.05)

    def stop(self) -> list[float]:
        told = [child.communicate("\n")[0] for child in self._all]
        return [one for text in told for one in json.loads(text.splitlines()[-1])["waited"]]


def w4(path: Path, count: int, *, wal: bool, poll: float) -> dict[str, object]:
    crowd = Crowd(path, 2, wal=wal, poll=poll)
    with Timer() as t:
        for _ in range(count):
            crowd.put()
        enqueued = time.perf_counter() - t.start
        crowd.through(count)
    crowd.stop()
    return {"n": count, "workers": 2, "poll_s": poll, "enqueue_per_s": round(count / enqueued, 1),
            "total_s": round(t.s, 3), "runs_per_s": round(count / t.s, 1)}  # fmt: skip


def w4p(path: Path, count: int, *, wal: bool, poll: float) -> dict[str, object]:
    crowd = Crowd(path, 1, wal=wal, poll=poll)
    for _ in range(count):
        crowd.put()
        time.sleep(0.05)
    crowd.through(count)
    return {"n": count, "poll_s": poll, **milliseconds(crowd.stop(), "start")}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("workload", choices=["w1", "w2", "w3", "w4", "w4p", "worker"])
    parser.add_argument(
        "--poll", type=float, default=1.0, help="DBOS's polling interval of a queue, in seconds"
    )
    parser.add_argument("--path", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--wal", action="store_true", help="WAL instead of DBOS's default rollback journal")
    parser.add_argument("--n", type=int, default=0)
    a = parser.parse_args()
    if a.workload == "worker":
        worker(a.path, wal=a.wal, poll=a.poll)
    if a.workload in ("w4", "w4p"):
        work, count = (w4, a.n or 300) if a.workload == "w4" else (w4p, a.n or 60)
        figures = work(fresh_dir("dbos") / "dbos.sqlite", count, wal=a.wal, poll=a.poll)
        emit(bench="dbos", workload=a.workload, journal="wal" if a.wal else "default", **figures)
        return
    launch(fresh_dir("dbos") / "dbos.sqlite", wal=a.wal, threads=2 if a.workload == "w2" else 0)
    work, default = {"w1": (w1, 200), "w2": (w2, 500), "w3": (w3, 1_000)}[a.workload]
    figures = work(a.n or default)
    emit(
        bench="dbos",
        workload=a.workload,
        journal="wal" if a.wal else "default",
        **figures,
        peak_rss_mb=peak_rss_mb(),
    )
    DBOS.destroy()


if __name__ == "__main__":
    main()
