"""How a workflow is tested: no waiting, no mocks, every crash. Run it with: pytest examples/testing"""

import asyncio
from datetime import timedelta
from pathlib import Path

from stepwell.testing import kill_everywhere

HERE = Path(__file__).parent

REMINDER = """
document: {dsl: '1.0.3', namespace: examples, name: reminder, version: '1.0.0'}
do:
  - invoice: {call: python, with: {function: send, arguments: {what: invoice, to: '${ .customer }'}}}
  - patience: {wait: {days: 14}}
  - remind: {call: python, with: {function: send, arguments: {what: reminder, to: ada}}}
"""


async def send(what: str, to: str) -> dict[str, str]:
    return {"sent": f"{what} to {to}"}


def test_it_reminds_after_two_weeks(stepwell_blocking_kit):
    kit = stepwell_blocking_kit(functions=[send])
    handle = kit.start(REMINDER, {"customer": "ada"})
    kit.advance(timedelta(days=13))
    assert kit.engine.show(handle.run_id)["status"] == "running"
    kit.advance(timedelta(days=1))
    assert kit.result(handle) == {"sent": "reminder to ada"}


def test_its_history_is_the_golden_one(stepwell_kit):
    async def test():
        async with stepwell_kit(functions=[send]) as kit:
            handle = await kit.start(REMINDER, {"customer": "ada"})
            await kit.drain(advance=True)
            await kit.golden(handle, HERE / "golden" / "reminder.json")

    asyncio.run(test())


def test_it_survives_a_crash_at_every_commit():
    survey = asyncio.run(
        kill_everywhere(lambda kit: kit.run(REMINDER, {"customer": "ada"}), functions=[send])
    )
    assert survey.crashes == 2 * survey.commits == 8
