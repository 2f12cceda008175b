"""The program that is killed: it starts runs, says which starts were acknowledged, and marks every step it performs.

python -m tests.crash.crash_child DB MARKS ACKS COUNT     (COUNT 0: only goes on with what is open)
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from stepwell import Stepwell

STEPS = 20


def definition() -> str:
    tasks = "\n".join(
        f"  - s{k}: {{call: python, with: {{function: mark, arguments: {{run: '${{ $workflow.input.n }}', step: {k}}}}}}}"
        for k in range(STEPS)
    )
    return f"document: {{dsl: '1.0.3', namespace: crash, name: marks, version: '1.0.0'}}\ndo:\n{tasks}\n"


async def main(db: Path, marks: int, acks: int, count: int) -> None:
    async def mark(run: int, step: int) -> dict[str, int]:
        os.write(marks, b"%d %d\n" % (run, step))
        await asyncio.sleep(0)
        return {"run": run, "step": step}

    async with Stepwell.open(db, functions=[mark]) as engine:
        flow = definition()

        async def one(n: int) -> None:
            handle = await engine.start(flow, {"n": n}, key=f"run-{n}")
            os.write(acks, f"{n} {handle.run_id}\n".encode())
            await handle.wait()

        await asyncio.gather(*(one(n) for n in range(count)))
        for run_id in list(engine.engine.actors):
            await engine.engine.wait(run_id)


if __name__ == "__main__":
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    opened = [os.open(name, flags) for name in sys.argv[2:4]]
    asyncio.run(main(Path(sys.argv[1]), opened[0], opened[1], int(sys.argv[4])))
