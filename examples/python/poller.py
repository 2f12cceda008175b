"""A long run: looks after a job for as long as it takes, and begins a new journal every so often."""

import asyncio
import sys

from stepwell import Stepwell, flow, step, workflow


@step(retry=5)
async def look(job: str, number: int) -> str:
    return "done" if number == 7 else "at work"


@workflow
async def poll(job: str, pause: float = 0.01, looks: int = 0) -> str:
    """`looks` so far. Each run makes three; a real one would make some hundreds."""
    for number in range(looks + 1, looks + 4):
        if await look(job, number) == "done":
            return f"{job} is done after {number} looks"
        await flow.sleep(pause)
    return flow.continue_as_new(job, pause, looks + 3)


async def main(database: str) -> None:
    async with Stepwell.open(database) as engine:
        handle = await engine.start(poll, "transcoding")
        print(await handle.result())
        for run in (await engine.list(name="poll", sort="oldest"))["runs"]:
            print(run["status"], run["version"])


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "poll.db"))
