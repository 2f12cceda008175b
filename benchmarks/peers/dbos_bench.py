"""The same workloads for DBOS Transact on SQLite: plain functions, its fastest form on two cores.

    python benchmarks/peers/dbos_bench.py w1|w2 [--wal] [--n N]

Needs a virtual environment of its own: `pip install dbos pysqlite3-binary` (see benchmarks/README.md).
"""

from __future__ import annotations

import argparse
import logging
import sqlite3
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
from dbos import DBOS, DBOSConfig


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


def launch(path: Path, *, wal: bool, threads: int) -> None:
    if wal:
        db = sqlite3.connect(path)
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("CREATE TABLE made(x)")
        db.close()
    config: DBOSConfig = {"name": "bench", "system_database_url": f"sqlite:///{path}", "log_level": "ERROR"}
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


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("workload", choices=["w1", "w2"])
    parser.add_argument("--wal", action="store_true", help="WAL instead of DBOS's default rollback journal")
    parser.add_argument("--n", type=int, default=0)
    a = parser.parse_args()
    launch(fresh_dir("dbos") / "dbos.sqlite", wal=a.wal, threads=2 if a.workload == "w2" else 0)
    figures = w1(a.n or 200) if a.workload == "w1" else w2(a.n or 500)
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
