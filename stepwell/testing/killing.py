"""The process dies at every commit of a scenario, before it is durable and after; the outcome must be the same."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from stepwell.client.client import Client
from stepwell.client.views import View, error_view
from stepwell.model.base import Json
from stepwell.model.errors import StepwellError
from stepwell.model.records import State
from stepwell.testing.fate import Crashed, CrashPoint
from stepwell.testing.kit import Kit

Scenario = Callable[[Kit], Awaitable[Any]]
"""What a client does. After a crash it is done again, as a client would: it must find what is there already."""

MOST: Final = 10_000
"""commits of one scenario"""


@dataclass(frozen=True, slots=True)
class Survey:
    """What was done: how many commits the scenario has, and how often the process died."""

    commits: int
    crashes: int


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What came of one play: what the scenario gave (or raised), and every run with its steps."""

    value: Json
    runs: list[View]
    commits: int
    crashed: bool


async def kill_everywhere(scenario: Scenario, *, folder: str | Path | None = None, **settings: Any) -> Survey:
    """Play the scenario undisturbed; then once for every commit k and for both sides of it: kill the process there,
    open the file anew, play the scenario again, let all time pass. Each play must end like the undisturbed one, and
    `Kit.check` must hold. `settings` as for `Kit`. Raises `AssertionError` naming the commit.

        await kill_everywhere(lambda kit: kit.run(ORDER, {"id": 7}), functions=[charge])

    Starts get an idempotency key where they have none. Functions are performed at least once, so what they return
    must not depend on how often they were called (`stepwell.current().attempt` and `.key` do not).
    """
    with tempfile.TemporaryDirectory(prefix="stepwell-kill-", dir=folder) as made:
        place = Path(made)
        calm = await _play(scenario, place / "calm.db", None, settings)
        crashes = 0
        for before in (True, False):
            for commit in range(1, MOST):
                point = CrashPoint(commit, before)
                played = await _judge(scenario, place, point, calm, settings)
                if not played.crashed:
                    break
                crashes += 1
        return Survey(calm.commits, crashes)


async def _judge(
    scenario: Scenario, place: Path, point: CrashPoint, calm: _Outcome, settings: dict[str, Any]
) -> _Outcome:
    """One play with a crash, compared with the calm one."""
    side = "before" if point.before else "after"
    try:
        played = await _play(scenario, place / f"{side}-{point.commit}.db", point, settings)
        assert played.value == calm.value, f"the scenario gave {played.value!r}, not {calm.value!r}"
        assert played.runs == calm.runs, _parted(calm.runs, played.runs)
    except (AssertionError, StepwellError) as error:
        raise AssertionError(f"killed {side} commit {point.commit} of {calm.commits}: {error}") from error
    return played


async def _play(
    scenario: Scenario, path: Path, point: CrashPoint | None, settings: dict[str, Any]
) -> _Outcome:
    async with Kit(path, **settings) as kit:
        if point is not None:
            kit.crash_at(point.commit, before=point.before)
        try:
            value = await _played(scenario, kit)
            await kit.drain(advance=True)
        except Crashed:
            await kit.reopen()
            await kit.drain(advance=True)
            value = await _played(scenario, kit)
            await kit.drain(advance=True)
            crashed = True
        else:
            crashed = False
        commits = kit.commits
        await kit.check()
        return _Outcome(value, await summary(kit.engine), commits, crashed)


async def _played(scenario: Scenario, kit: Kit) -> Json:
    """What the scenario gives. How a run ended is an outcome like any other."""
    try:
        return await kit.play(scenario)
    except Crashed:
        raise
    except StepwellError as error:
        return f"{type(error).__name__}"


async def summary(client: Client) -> list[View]:
    """Every run with its steps: what must be the same however it came about. Without ids, times and order."""
    runs = [await client.state(run_id) async for run_id in client.engine.store.all_runs()]
    names = [state.run.id for state in runs]
    return sorted((_masked(_run(state), names) for state in runs), key=_text)


def _run(state: State) -> View:
    run = state.run
    return {
        "name": f"{run.namespace}/{run.name}:{run.version}",
        "key": run.key,
        "parent_step": run.parent_step,
        "status": run.status.value,
        "input": run.input,
        "output": run.output,
        "variables": run.variables,
        "error": error_view(run.error),
        "steps": sorted(
            (
                {
                    "id": step.id,
                    "status": step.status.value,
                    "output": step.output,
                    "error": error_view(step.error),
                    "attempt": step.attempt,
                }
                for step in state.steps.values()
            ),
            key=_text,
        ),
    }


def _masked(view: View, names: list[str]) -> View:
    text = _text(view)
    for name in names:
        text = text.replace(name, "<run>")
    masked: View = json.loads(text)
    return masked


def _text(view: View) -> str:
    return json.dumps(view, sort_keys=True, default=str)


def _parted(calm: list[View], played: list[View]) -> str:
    """The first thing in which the runs differ."""
    if len(calm) != len(played):
        return f"there are {len(played)} runs, not {len(calm)}: {[view['name'] for view in played]}"
    for mine, other in zip(calm, played, strict=True):
        for member in mine:
            if mine[member] != other[member]:
                return f"{mine['name']}: {member}: {other[member]!r}, not {mine[member]!r}"
    return "they are the same"
