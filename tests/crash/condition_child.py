"""The program that is killed: it submits a step whose condition is a series, and goes on until the run has ended.

python -m tests.crash.condition_child DB FOLDER
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from stepwell import Stepwell
from stepwell.model import commands as c
from stepwell.model.people import Actor, Target
from stepwell.model.people_commands import UpdateStep

NEEDED = 9
DOCUMENT = f"""
document: {{dsl: '1.0.3', namespace: crash, name: hold, version: '1.0.0', metadata: {{procedure: {{}}}}}}
do:
  - hold:
      call: form
      with:
        condition:
          series:
            source: {{file: stand.csv}}
            channel: p
            comparator: '>'
            threshold: 5
            consecutive: {NEEDED}
            every: PT0.01S
"""


async def main(db: Path, folder: Path) -> None:
    async with Stepwell.open(db, series_folder=folder) as engine:
        handle = await engine.start(DOCUMENT, {}, key="the-run")
        state = await engine.state(handle.run_id)
        if state.steps["/do/0/hold"].status == "running":
            submit = UpdateStep("hold", target=Target.SUBMITTED)
            await engine.engine.command(handle.run_id, c.Signed(Actor("ada"), submit))
        await handle.wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
