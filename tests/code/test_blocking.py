"""Python workflows from programs without an event loop."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepwell import connect, flow, step, workflow


@step
def added(a: int, b: int) -> int:
    return a + b


@workflow
def told(a: int, b: int = 0) -> int:
    flow.set_event("sum", added(a, b))
    more: int = flow.wait_for_signal("more")  # type: ignore[assignment]
    return added(a + b, more)


@workflow
def nothing() -> str:
    return "nothing"


@pytest.mark.spec("Q17", "B3")
def test_starting_talking_and_forking(tmp_path: Path) -> None:
    with connect(tmp_path / "a.db", workflows=[told, nothing]) as engine:
        assert engine.run(nothing) == "nothing"
        run = engine.start(told, 2, kwargs={"b": 3})
        assert engine.get_event(run, "sum") == 5
        assert engine.signal(run, "more", 4)["status"] in ("delivered", "buffered")
        assert engine.result(run) == 9
        assert engine.result(engine.fork(run, "/do/3/added")) == 9
