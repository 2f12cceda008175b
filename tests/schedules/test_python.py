"""Python workflows by time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stepwell import InvalidInput, workflow
from stepwell.testing import FrozenClock, Kit

START = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)


@workflow
def report(day: str, *, copies: int = 1) -> dict[str, object]:
    return {"day": day, "copies": copies}


@pytest.mark.spec("U14")
async def test_a_python_workflow_is_started_with_its_arguments(tmp_path: Path) -> None:
    async with Kit(tmp_path / "x.db", clock=FrozenClock(START)) as kit:
        await kit.engine.schedule("s", report, "today", kwargs={"copies": 2}, every=60)
        assert not (await kit.engine.schedule("s", report, "today", kwargs={"copies": 2}, every=60))[
            "changed"
        ]
        await kit.advance(timedelta(minutes=2))
        lines = (await kit.engine.firings("s"))["firings"]
        assert [line["outcome"] for line in lines] == ["started", "started"]
        for line in lines:
            assert await kit.engine.result(line["run_id"]) == {"day": "today", "copies": 2}
        await kit.check()


async def test_arguments_that_do_not_fit_change_nothing(tmp_path: Path) -> None:
    async with Kit(tmp_path / "x.db", clock=FrozenClock(START)) as kit:
        with pytest.raises(InvalidInput):
            await kit.engine.schedule("s", report, kwargs={"colour": "red"}, every=60)
        assert await kit.engine.schedules() == []
