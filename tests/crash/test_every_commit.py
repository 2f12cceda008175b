"""The process dies at every commit of workflows of each kind, before it and after it: nothing shows."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from stepwell.testing import Kit, kill_everywhere
from tests.crash.scenarios import ALL_FUNCTIONS, SCENARIOS
from tests.testing.helpers import CHILD, FLOWS

pytestmark = pytest.mark.spec("Q20", "B5", "Q5")


async def play(kit: Kit, source: str) -> Any:
    await kit.engine.add_definition(CHILD)
    return await kit.run(source, {})


EVERYTHING = {**{kind: partial(play, source=source) for kind, source in FLOWS.items()}, **SCENARIOS}

HARDER: list[dict[str, Any]] = [
    {"snapshot_every": 1},
    {"again": 1},
    {"again": 2},
    {"again": 3, "max_concurrency": 1},
    {"again": 1, "snapshot_every": 1},
]


@pytest.mark.parametrize("name", EVERYTHING)
async def test_killed_at_every_commit(name: str) -> None:
    survey = await kill_everywhere(EVERYTHING[name], functions=ALL_FUNCTIONS)
    assert survey.crashes >= survey.commits > 1


@pytest.mark.soak
@pytest.mark.parametrize("settings", HARDER, ids=str)
@pytest.mark.parametrize("name", EVERYTHING)
async def test_killed_at_every_commit_and_again(name: str, settings: dict[str, Any]) -> None:
    await kill_everywhere(EVERYTHING[name], functions=ALL_FUNCTIONS, **settings)


async def test_snapshots_change_nothing() -> None:
    """One of the harder ones by default: state comes back from a snapshot, and the process dies twice."""
    scenario = EVERYTHING["retried_once_it_is_mended"]
    await kill_everywhere(scenario, functions=ALL_FUNCTIONS, snapshot_every=1, again=1)
