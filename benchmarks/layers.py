"""Where the time of one step goes, layer by layer: `python benchmarks/layers.py [--n 2000]`.

One run of a Python workflow, steps in sequence, each durable before the next begins. Every layer's own functions are
wrapped with a stopwatch that stops while a layer below it runs; the wrappers cost about a microsecond each, and
the same run without them is timed too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import code_face
from common import fresh_dir

from stepwell import Stepwell

Place = tuple[Any, str, str]


def places() -> list[Place]:
    """(object, attribute, layer)"""
    from stepwell.code.execution import Execution
    from stepwell.engine import actor
    from stepwell.engine.dispatch import Dispatch
    from stepwell.engine.engine import Engine
    from stepwell.stores.sqlite import store, writer

    return [
        (actor, "at_once", "the rules: result taken, next step begun"),
        (actor, "decide", "the rules: result taken, next step begun"),
        (Execution, "go_on", "the workflow's own code"),
        (store, "encode_events", "events to bytes"),
        (store, "chain", "hash"),
        (store.SqliteStore, "append", "hand-over to the store"),
        (writer.Writer, "_commit", "SQLite: insert and commit (the disk)"),
        (writer.Writer, "_write_here", "the writer's buffer"),
        (actor.Actor, "_attempt", "the run's actor"),
        (actor.Actor, "landed", "after the commit"),
        (Engine, "carry_out", "effects"),
        (Dispatch, "_start", "a task for the function"),
    ]


class Stopwatch:
    """Own time by layer: a layer stands still while another one inside it runs."""

    def __init__(self) -> None:
        self.own: dict[str, float] = {}
        self._stack: list[str] = []
        self._since = 0.0

    def wrap(self, function: Callable[..., Any], layer: str) -> Callable[..., Any]:
        def timed(*args: Any, **keywords: Any) -> Any:
            self._switch()
            self._stack.append(layer)
            try:
                return function(*args, **keywords)
            finally:
                self._switch()
                self._stack.pop()

        return timed

    def _switch(self) -> None:
        now = time.perf_counter()
        if self._stack:
            self.own[self._stack[-1]] = self.own.get(self._stack[-1], 0.0) + now - self._since
        self._since = now


async def timed_run(count: int) -> float:
    async with Stepwell.open(fresh_dir("layers") / "bench.db") as engine:
        await engine.run(code_face.sequence, 0, 100)
        start = time.perf_counter()
        handle = await engine.start(code_face.sequence, 1, count)
        await engine.engine.wait(handle.run_id)
        return (time.perf_counter() - start) / count * 1e6


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--n", type=int, default=2_000)
    count = parser.parse_args().n
    bare = asyncio.run(timed_run(count))
    watch = Stopwatch()
    for owner, name, layer in places():
        setattr(owner, name, watch.wrap(getattr(owner, name), layer))
    watched = asyncio.run(timed_run(count))
    layers = {name: round(own / (count + 100) * 1e6, 1) for name, own in watch.own.items()}
    layers["event loop, task, the function itself"] = round(watched - sum(layers.values()), 1)
    print(
        json.dumps(
            {"us_per_step": round(bare, 1), "us_per_step_watched": round(watched, 1), "layers": layers},
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
