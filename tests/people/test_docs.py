"""What docs/procedures.md shows, as it is shown."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from stepwell.definition.parse import findings
from stepwell.testing import Kit

PAGE = (Path(__file__).parents[2] / "docs" / "procedures.md").read_text()
FIRST = re.findall(r"```yaml\n(.*?)```", PAGE, re.S)[0]
CONDITIONS = re.findall(r"^\| `((?:timer|expression|http|series|job|event): .*?)` \|", PAGE, re.M)


@pytest.mark.spec("N1")
async def test_the_first_procedure_is_gone_through() -> None:
    async with Kit() as kit:
        e = kit.engine
        run = (await e.start(FIRST, {"operator": "Ada"})).run_id
        await e.submit_step(run, "valves", {"closed": True}, by="ada")
        titles = [item["title"] for item in (await e.inbox("bob"))["items"]]
        assert titles == ["Pressurize the line", "Photograph the gauge"]
        await e.submit_step(run, "pressurize", {"pressure": 11}, by="bob")
        await e.skip_step(run, "photo", "the camera is empty", by="ada")
        await kit.advance(timedelta(seconds=5))
        assert (await kit.result(run))["verdict"] == {"tight": True, "by": "Ada"}
        sections = [section["title"] for section in (await e.procedure(run))["sections"]]
        assert sections == ["Preparation", "Test"]


@pytest.mark.parametrize("condition", CONDITIONS)
def test_every_condition_of_the_table_is_one(condition: str) -> None:
    shown = condition.replace("endpoint: …", "endpoint: http://localhost/x").replace(
        "run: …", "run: '${ $variables.run }'"
    )
    document = FIRST.replace("condition: {timer: PT5S}", f"condition: {{{shown}}}")
    assert document != FIRST or shown == "timer: PT5S"
    assert findings(document) == []
