"""The raw limit of the store: bare inserts of step-sized rows through the same library, WAL, synchronous=FULL.

serial_commits_per_s   one row per commit, one after the other
batch_rows_per_s       1,000 rows per commit
"""

from __future__ import annotations

import time

import apsw
from common import emit, fresh_dir

BODY = (
    b'[{"type":"step.completed","step":"/do/0/s0","output":{"ok":true,"i":0}},'
    b'{"type":"step.started","step":"/do/1/s1"}]'
)


def rate(batch: int, seconds: float = 1.0) -> float:
    db = apsw.Connection(str(fresh_dir("limits") / "x.db"))
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        db.execute(f"PRAGMA {pragma}").fetchall()
    db.execute(
        "CREATE TABLE j(run TEXT, seq INT, at INT, body BLOB, hash BLOB, PRIMARY KEY(run, seq)) WITHOUT ROWID"
    )
    done, start = 0, time.perf_counter()
    while (now := time.perf_counter()) - start < seconds:
        rows = [(f"run-{(done + i) % 512:08d}", (done + i) // 512, 1, BODY, b"x" * 32) for i in range(batch)]
        with db:
            db.executemany("INSERT INTO j VALUES(?,?,?,?,?)", rows)
        done += batch
    db.close()
    return done / (now - start)


if __name__ == "__main__":
    emit(bench="limits_sqlite", sqlite=apsw.sqlite_lib_version(), serial_commits_per_s=round(rate(1)),
         batch_rows_per_s=round(rate(1_000)))  # fmt: skip
