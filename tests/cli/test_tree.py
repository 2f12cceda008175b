"""Steps as rows of a tree."""

from __future__ import annotations

import pytest

from stepwell.cli.tree import rows_of
from stepwell.model.people_commands import RepeatStep
from tests.people.support import Procedure, procedure

BODY = """
  - check: {call: form}
  - pump: {set: {on: true}}
  - close: {call: form}
"""


@pytest.mark.spec("N12")
async def test_steps_that_others_took_the_place_of_say_so() -> None:
    async with Procedure(procedure(BODY)) as p:
        await p.submit("check")
        await p.ask(RepeatStep("check", downstream=True))
        state = await p.kit.engine.state(p.handle.run_id)
    assert [row.name for row in rows_of(state, state.run.updated_at)] == [
        "check (repeated)", "pump (outdated)", "close (outdated)", "check", "pump", "close",
    ]  # fmt: skip
