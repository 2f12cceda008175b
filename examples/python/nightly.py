"""A backup each night at half past two in Berlin, and one right now."""

import asyncio
import sys

from stepwell import Retry, Stepwell, current, step, workflow


@step
async def why() -> str:
    """What started this run: its slot is its day, also when it is made up for later."""
    schedule = current().variable("schedule") or {"reason": "by hand"}
    return str(schedule["reason"])


@step(retry=Retry(attempts=4, delay=60), timeout=3600)
def copy(volume: str) -> int:
    return len(volume) * 1024


@workflow
async def backup(volumes: list[str]) -> dict[str, object]:
    started = await why()
    return {"started": started, "copied": {volume: copy(volume) for volume in volumes}}


async def main(database: str) -> None:
    async with Stepwell.open(database) as engine:
        await engine.schedule("backup", backup, ["home", "mail"], cron="30 2 * * *", zone="Europe/Berlin")
        for slot in await engine.upcoming("backup", 3):
            print("next:", slot)
        handle = await engine.trigger_schedule("backup")
        print(await handle.result())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "backup.db"))
