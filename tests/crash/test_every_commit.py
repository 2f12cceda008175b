"""The process dies at every commit of workflows of each kind, before it and after it: nothing shows."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from stepwell.testing import Kit, Survey, kill_everywhere
from tests.testing.helpers import CHILD, FLOWS, FUNCTIONS


async def play(kit: Kit, source: str) -> Any:
    await kit.engine.add_definition(CHILD)
    return await kit.run(source, {})


@pytest.mark.spec("Q20", "B5", "Q5")
@pytest.mark.parametrize("kind", FLOWS)
async def test_killed_at_every_commit(kind: str) -> None:
    survey = await kill_everywhere(partial(play, source=FLOWS[kind]), functions=FUNCTIONS)
    assert survey == Survey(survey.commits, 2 * survey.commits) and survey.commits > 1
