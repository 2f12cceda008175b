"""The process dies at every commit of a scenario, before it is durable and after; the outcome must be the same."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from stepwell.client.client import Client
from stepwell.client.views import View, error_view
from stepwell.model.base import Json
from stepwell.model.errors import RunFailed, StepwellError
from stepwell.model.records import State
from stepwell.testing import golden
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
    crashes: int


async def kill_everywhere(
    scenario: Scenario,
    *,
    again: int | None = None,
    same: bool = True,
    folder: str | Path | None = None,
    **settings: Any,
) -> Survey:
    """Play the scenario undisturbed; then once for every commit k and for both sides of it: kill the process there,
    open the file anew, play the scenario again, and let all time pass. Each play must end like the undisturbed one, and
    `Kit.check` must hold. `again`: the process that goes on dies too, at this commit of its own. `same` False: how
    it ends may depend on who is first (branches that compete), only what is on record must be sound. `settings` as for
    `Kit`. Raises `AssertionError` naming the commit.

        await kill_everywhere(lambda kit: kit.run(ORDER, {"id": 7}), functions=[charge])

    Starts get an idempotency key where they have none. Functions are performed at least once, so what they return
    must not depend on how often they were called (`stepwell.current().attempt` and `.key` do not).
    """
    with tempfile.TemporaryDirectory(prefix="stepwell-kill-", dir=folder) as made:
        place = Path(made)
        calm = await _play(scenario, place / "calm.db", (), settings)
        crashes = 0
        for before in (True, False):
            for commit in range(1, MOST):
                points = [CrashPoint(number, before) for number in (commit, again) if number is not None]
                played = await _judge(scenario, place, points, calm if same else None, settings)
                if not played.crashes:
                    break
                crashes += played.crashes
        return Survey(calm.commits, crashes)


async def _judge(
    scenario: Scenario,
    place: Path,
    points: Sequence[CrashPoint],
    calm: _Outcome | None,
    settings: dict[str, Any],
) -> _Outcome:
    """One play with crashes, compared with the calm one."""
    commit, before = points[0]
    side = "before" if before else "after"
    try:
        played = await _play(scenario, place / f"{side}-{commit}.db", points, settings)
        if calm is not None:
            assert played.value == calm.value, f"the scenario gave {played.value!r}, not {calm.value!r}"
            assert played.runs == calm.runs, _parted(calm.runs, played.runs)
    except (AssertionError, StepwellError) as error:
        raise AssertionError(f"killed {side} commit {commit}: {error}") from error
    return played


async def _play(
    scenario: Scenario, path: Path, points: Sequence[CrashPoint], settings: dict[str, Any]
) -> _Outcome:
    """The scenario, begun again after each crash until it comes to its end."""
    crashes = 0
    async with Kit(path, **settings) as kit:
        while True:
            if crashes < len(points):
                kit.crash_at(points[crashes].commit, before=points[crashes].before)
            try:
                if crashes:  # what recovery does by itself, with nobody asking
                    await kit.drain()
                value = await _played(scenario, kit)
                await kit.drain(advance=True)
                break
            except Crashed:
                crashes += 1
                await kit.reopen()
        commits = kit.commits
        kit.spare()
        await kit.check()
        return _Outcome(value, await summary(kit.engine), commits, crashes)


async def _played(scenario: Scenario, kit: Kit) -> Json:
    """What the scenario gives. That a run failed is an outcome like any other."""
    try:
        return await kit.play(scenario)
    except RunFailed as failed:
        return f"a run {failed.status}"


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
    masked: View = json.loads(golden.ID.sub("<id>", text))
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
