"""A nightly report: set its schedule, fill in the three nights that were missed, and show what comes next.

python examples/nightly/run.py [DATABASE]
"""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from stepwell import Stepwell

HERE = Path(__file__).parent


async def main(database: str) -> None:
    async with Stepwell.open(database) as engine:
        await engine.schedule("nightly", HERE / "nightly.yaml")  # its times stand in the definition
        now = datetime.now(UTC)
        filled = await engine.backfill_schedule("nightly", now - timedelta(days=3), now)
        reports = [await engine.result(one["run_id"]) for one in filled]
        print(json.dumps({"reports": reports, "next": (await engine.upcoming("nightly", 1))[0]}))


asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "nightly.db"))
