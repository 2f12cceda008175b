"""Helpers shared by every benchmark script. Every script prints exactly one JSON line on stdout."""

from __future__ import annotations

import json
import os
import resource
import shutil
import sys
import time
from pathlib import Path
from typing import Any

WORK = Path(os.environ.get("BENCH_WORK", ".bench/work")).resolve()
"""Scratch directory: put it on the disk whose durability is to be measured."""


def percentile(values: list[float], q: float) -> float:
    """q-th percentile (0..100) by linear interpolation."""
    ordered = sorted(values)
    at = (len(ordered) - 1) * q / 100
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (at - low)


def milliseconds(values: list[float], name: str) -> dict[str, float]:
    """p50 and p99 of seconds, in ms."""
    return {f"{name}_p{q}_ms": round(percentile(values, q) * 1e3, 3) for q in (50, 99)} if values else {}


def peak_rss_mb() -> float:
    """Peak resident set of this process so far, MiB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


def fresh_dir(name: str) -> Path:
    path = WORK / name
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def emit(**figures: Any) -> None:
    print(json.dumps(figures), flush=True)


def log(*words: object) -> None:
    print(*words, file=sys.stderr, flush=True)


class Timer:
    """Wall and CPU seconds of a block: `s`, `cpu`."""

    def __enter__(self) -> Timer:
        self._cpu, self.start = time.process_time(), time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.s = time.perf_counter() - self.start
        self.cpu = time.process_time() - self._cpu
