"""A step that raises what is no `Exception` fails, on record, and nothing else does: the engine goes on."""

from __future__ import annotations

import asyncio
import gc
import json
from pathlib import Path
from typing import Any

import pytest

from stepwell import RunFailed, StepFailed, step, workflow
from stepwell.testing import Kit
from tests.engine.helpers import flow as document
from tests.support.processes import ran

pytestmark = pytest.mark.spec("Q13")

KINDS: dict[str, type[BaseException]] = {
    "left": GeneratorExit,
    "exit": SystemExit,
    "interrupt": KeyboardInterrupt,
    "cancelled": asyncio.CancelledError,
}
TRIED: list[str] = []


@step(retry=2)
async def base_at_once(kind: str) -> None:
    TRIED.append(kind)
    raise KINDS[kind]("of its own")


@step(retry=2)
async def base_later(kind: str) -> None:
    await asyncio.sleep(0)
    await asyncio.sleep(0.001)
    TRIED.append(kind)
    raise KINDS[kind]("of its own")


@step(retry=2)
def base_on_a_thread(kind: str) -> None:
    TRIED.append(kind)
    raise KINDS[kind]("of its own")


@step
async def base_well(n: int) -> int:
    await asyncio.sleep(0)
    return n


STEPS: dict[str, Any] = {"at once": base_at_once, "later": base_later, "thread": base_on_a_thread}


@workflow(name="base-caught")
async def caught(kind: str, which: str) -> list[Any]:
    try:
        await STEPS[which].submit(kind)
    except StepFailed as error:
        return [error.problem.detail, await base_well(1)]
    return ["none"]


@workflow(name="base-beside")
async def beside(n: int) -> list[int]:
    return [await base_well(each) for each in range(n)]


@pytest.mark.parametrize("which", STEPS)
@pytest.mark.parametrize("kind", KINDS)
async def test_it_is_a_failure_of_the_step_and_of_nothing_else(kind: str, which: str) -> None:
    TRIED.clear()
    async with Kit(workflows=[caught, beside]) as kit:
        others = [await kit.start(beside, 5) for _ in range(3)]
        run = await kit.start(caught, kind, which)
        detail, well = await kit.result(run)
        assert (
            detail.startswith(f"{KINDS[kind].__name__}: of its own (test_base_exceptions.py:") and well == 1
        )
        assert [kind, kind] == TRIED  # as for any failure, its retries apply
        assert [await kit.result(other) for other in others] == [[0, 1, 2, 3, 4]] * 3
        assert kit.engine.engine.dispatch.in_flight == 0
        await kit.check()


async def call_left(later: bool = False) -> None:
    if later:
        await asyncio.sleep(0.001)
    raise GeneratorExit("of its own")


@pytest.mark.parametrize("process", [False, True])
@pytest.mark.parametrize("later", [False, True])
async def test_so_it_is_of_functions_that_definitions_call(later: bool, process: bool) -> None:
    text = (
        "do:\n  - w: {call: python, with: {function: call_left, "
        f"arguments: {{later: {str(later).lower()}}}, process: {str(process).lower()}}}}}"
    )
    async with Kit(functions=[call_left]) as kit:
        with pytest.raises(RunFailed, match=r"GeneratorExit: of its own \(test_base_exceptions\.py:"):
            await kit.run(document(text, "left" + str(later) + str(process)))
        await kit.check()


async def test_a_coroutine_that_is_thrown_away_has_no_outcome() -> None:
    """Closed in the middle, while its step waits: nothing is recorded of it, and it is performed again."""
    begun = asyncio.Event()
    left: list[str] = []

    @step
    async def base_waits() -> str:
        begun.set()
        try:
            await asyncio.Event().wait()
        except GeneratorExit:
            left.append("thrown away")
            raise
        return "never"

    @workflow(name="base-waiting")
    async def waiting() -> str:
        return await base_waits()

    async with Kit(workflows=[waiting]) as kit:
        run = await kit.start(waiting)
        await begun.wait()
        (task,) = kit.engine.engine.dispatch._tasks.values()
        coroutine: Any = task.get_coro()
        coroutine.close()
        gc.collect()
        assert left == ["thrown away"]
        (found,) = (await kit.engine.state(run.run_id)).steps.values()
        assert found.status.value == "running"
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


CTRL_C = """
import asyncio, json, signal, sys
from stepwell import Stepwell, step, workflow

PRESSED = int(sys.argv[2])

@step
async def pressed_step() -> int:
    for _ in range(PRESSED):
        signal.raise_signal(signal.SIGINT)
    return 7

@workflow(name="pressed")
async def pressed() -> int:
    return await pressed_step()

async def main():
    async with Stepwell.open(sys.argv[1]) as engine:
        run = await engine.start(pressed, key="one")
        print(json.dumps(await run.result()))

how = sys.argv[3]
if how == "runner":
    asyncio.run(main())
elif how == "loop":
    loop = asyncio.new_event_loop()
    loop.run_until_complete(main())
"""


@pytest.mark.parametrize(("how", "presses"), [("runner", 2), ("loop", 1)])
def test_ctrl_c_is_no_failure_of_the_step_that_was_at_work(tmp_path: Path, how: str, presses: int) -> None:
    """It stops the program, and nothing is recorded: the step is performed again."""
    program, file = tmp_path / "pressed.py", tmp_path / "a.db"
    program.write_text(CTRL_C)
    stopped = ran(program, file, str(presses), how, timeout=60)
    assert stopped.returncode != 0 and "KeyboardInterrupt" in stopped.stderr and not stopped.stdout
    again = ran(program, file, "0", "runner", timeout=60)
    assert json.loads(again.stdout) == 7, again.stderr
