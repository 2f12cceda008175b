"""The same workloads written as Python workflows: `stepwell_bench.py w1|w2|w3 --face code`."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise
from typing import Any

from common import Timer, fresh_dir, milliseconds

from stepwell import Stepwell, flow, step, workflow

stamps: list[float] = []


@step
async def noop(i: int, k: int) -> dict[str, Any]:
    stamps.append(time.perf_counter())
    return {"ok": True, "i": k}


@step
async def piece(k: int) -> dict[str, Any]:
    return {"ok": True, "i": k}


@workflow
async def sequence(i: int, count: int) -> None:
    for k in range(count):
        await noop(i, k)


@workflow
async def fan(count: int) -> int:
    return len(await flow.map(piece, range(count)))


async def w1(count: int) -> dict[str, Any]:
    async with Stepwell.open(fresh_dir("w1") / "bench.db") as engine:
        await engine.run(sequence, 0, count)
        stamps.clear()
        with Timer() as t:
            handle = await engine.start(sequence, 1, count)
            await handle.result()
        turns = (await engine.show(handle.run_id))["change"]
    gaps = [b - a for a, b in pairwise(stamps)]
    return {"steps": count, "turns": turns, "total_s": round(t.s, 4), "steps_per_s": round(count / t.s, 1),
            "cpu_us_per_step": round(t.cpu / count * 1e6, 1), **milliseconds(gaps, "step")}  # fmt: skip


async def w2(count: int) -> dict[str, Any]:
    async with Stepwell.open(fresh_dir("w2") / "bench.db") as engine:

        async def one(i: int) -> None:
            await (await engine.start(sequence, i, 10)).result()

        await asyncio.gather(*map(one, range(50)))
        with Timer() as t:
            await asyncio.gather(*map(one, range(count)))
    return {"n": count, "steps": 10, "total_s": round(t.s, 3), "cpu_s": round(t.cpu, 3),
            "steps_per_s": round(count * 10 / t.s, 1)}  # fmt: skip


async def w3(count: int) -> dict[str, Any]:
    async with Stepwell.open(fresh_dir("w3") / "bench.db") as engine:
        await engine.run(fan, 10)
        with Timer() as t:
            assert await engine.run(fan, count) == count
    return {"n": count, "total_s": round(t.s, 4), "children_per_s": round(count / t.s, 1)}
