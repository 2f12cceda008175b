"""What `result` says of a run that somebody ended; what is said to those who use a file that is not open yet."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepwell import RunFailed, Stepwell, flow, step, workflow
from stepwell.testing import Kit

pytestmark = pytest.mark.spec("Q10")


@step
async def told_end_step(n: int) -> int:
    return n


@workflow(name="told-end")
async def told_end(n: int) -> int:
    await told_end_step(n)
    await flow.sleep(3600)
    return n


async def ended(kit: Kit, verb: str, reason: str | None, by: str | None, *, anew: bool = False) -> RunFailed:
    run = await kit.start(told_end, 1)
    await kit.drain()
    await getattr(kit.engine, verb)(run.run_id, reason, by=by)
    await kit.drain()
    if anew:
        await kit.reopen()
    with pytest.raises(RunFailed) as raised:
        await kit.engine.result(run.run_id)
    return raised.value


@pytest.mark.parametrize("anew", [False, True])
@pytest.mark.parametrize(("verb", "status"), [("cancel", "cancelled"), ("terminate", "terminated")])
async def test_the_reason_and_who_gave_it_are_told(verb: str, status: str, anew: bool) -> None:
    async with Kit(workflows=[told_end]) as kit:
        error = await ended(kit, verb, "too dear", "Ann", anew=anew)
        assert error.message.endswith(f" ended as {status} by Ann: too dear")
        assert (error.status, error.reason, error.by) == (status, "too dear", "Ann")
        view = await kit.engine.explain(error.run_id)
        assert view["summary"] == f"The run was {status} by Ann: too dear"
        error = await ended(kit, verb, "too dear", None, anew=anew)
        assert error.message.endswith(f" ended as {status}: too dear") and error.by is None
        error = await ended(kit, verb, None, "Ann", anew=anew)
        assert error.message.endswith(f" ended as {status} by Ann")
        error = await ended(kit, verb, None, None, anew=anew)
        assert error.message.endswith(f" ended as {status}: no reason was given")


async def test_who_cancelled_it_before_a_retry_did_not_do_so_after_it() -> None:
    async with Kit(workflows=[told_end]) as kit:
        run = await kit.start(told_end, 1)
        await kit.drain()
        await kit.engine.cancel(run.run_id, "first", by="Ann")
        await kit.advance(1)
        await kit.engine.retry(run.run_id)
        await kit.drain()
        await kit.engine.cancel(run.run_id, "second")
        await kit.drain()
        with pytest.raises(RunFailed) as raised:
            await kit.engine.result(run.run_id)
        assert (raised.value.reason, raised.value.by) == ("second", None)


async def test_what_is_not_open_yet_says_what_to_write(tmp_path: Path) -> None:
    opening = Stepwell.open(tmp_path / "a.db")
    with pytest.raises(AttributeError, match=r"start: .*async with Stepwell\.open\(…\) as engine"):
        await opening.start(told_end, 1)  # type: ignore[attr-defined]
    with pytest.raises(TypeError, match=r"with connect\(…\) as engine"), opening:  # type: ignore[attr-defined]
        pass
    with pytest.raises(AttributeError, match="has no attribute 'strat'"):
        opening.strat(told_end, 1)  # type: ignore[attr-defined]
    assert not (tmp_path / "a.db").exists()
