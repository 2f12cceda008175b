"""Drive the hot-fire to its end from Python.

python examples/hotfire/drive_python.py [DATABASE]
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import script
import stand
from script import File, Move

from stepwell import Stepwell, StepwellError
from stepwell.model.people import Actor

LOOK_EVERY, PATIENCE = 0.02, 120.0


def settings(services: stand.Stand) -> dict[str, Any]:
    """What the engine is given."""
    return {
        "functions": {f"stand:{one.__name__}": one for one in stand.FUNCTIONS},
        "secrets": {"rangeHook": stand.SECRET},
        "series_folder": services.folder,
        "notifiers": {"loop": f"{services.url}/loop"},
    }


async def start(engine: Stepwell, services: str) -> str:
    """The procedure on record, and a run of it that nobody has begun yet."""
    for file in (script.REPORT, script.PROCEDURE):
        await engine.commit_procedure(file, message="First version", by="ada", create=True)
    run = await engine.start_procedure(
        "stand/hotfire", script.fields(services), held=True, title=script.TITLE, author="ada", key="hotfire-3"
    )
    return run.run_id


async def do(engine: Stepwell, run: str, move: Move) -> None:
    """One thing that somebody does."""
    who, step = Actor(move.by.name, groups=move.by.groups), move.step
    match move.verb:
        case "begin":
            await engine.begin(run, by=who)
        case "set_fields":
            await engine.set_fields(run, move.values or {}, by=who)
        case "start":
            await engine.start_step(run, step, by=who)
        case "set":
            await engine.set_values(run, step, await filed(engine, move), by=who)
        case "submit":
            await engine.submit_step(run, step, await filed(engine, move), by=who)
        case "skip":
            await engine.skip_step(run, step, move.reason or "", by=who)
        case "fail":
            await engine.fail_step(run, step, move.reason or "", by=who)
        case "repeat":
            await engine.repeat_step(run, step, downstream=move.downstream, by=who)
        case "assign":
            await engine.assign_step(run, step, **(move.values or {}), by=who)
        case "approve":
            await engine.decide_approval(run, "approve", step=step, comment=move.reason, by=who)
        case "signal":
            await engine.signal(run, step, move.values)


async def filed(engine: Stepwell, move: Move) -> dict[str, Any]:
    """The values, with every file put where files are."""

    async def put(value: Any) -> Any:
        if isinstance(value, list):
            return [await put(each) for each in value]
        return await engine.put_file(value.path) if isinstance(value, File) else value

    return {name: await put(value) for name, value in (move.values or {}).items()}


async def drive(
    engine: Stepwell, run: str, wait: Callable[[int], Awaitable[None]], moves: Sequence[Move] = script.MOVES
) -> None:
    """Everything that the crew does. `wait`: until it may be worth looking again; it is told how often that was so."""
    for move in moves:
        try:
            await do(engine, run, move)
        except StepwellError as error:
            assert type(error).__name__ == move.error, f"{move}: {type(error).__name__}: {error}"
            continue
        assert move.error is None, f"{move} was not refused"
        for step, status in move.then.items():
            looked = 0
            while not script.settled(view := await engine.show_step(run, step), status):
                assert view["error"] is None, f"{step}: {view['error']}"
                await wait(looked)
                looked += 1


async def main(database: str) -> None:
    with tempfile.TemporaryDirectory() as folder, stand.Stand(Path(folder)) as services:
        async with Stepwell.open(database, **settings(services)) as engine:
            run = await start(engine, services.url)
            async with asyncio.timeout(PATIENCE):
                await drive(engine, run, lambda looked: asyncio.sleep(LOOK_EVERY))
            output = await engine.result(run)
            audit = len(await engine.audit(run))
            print(json.dumps({"run_id": run, "output": output, "fired": services.fired, "audit": audit}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "hotfire.db"))
