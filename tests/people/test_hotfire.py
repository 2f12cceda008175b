"""The hot-fire of `examples/hotfire`: a whole procedure, through both doors, and through the death of the process."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest
import yaml

from stepwell import Stepwell
from stepwell.definition.forms.reading import KINDS
from stepwell.model.base import EPOCH
from stepwell.model.errors import AlreadyDecided
from stepwell.model.people import Actor
from stepwell.testing import Kit
from stepwell.testing.doors import FrozenClock
from stepwell.testing.fate import Crashed
from stepwell.testing.golden import normalised
from tests.cli.helpers import Cli

HOTFIRE = Path(__file__).parent.parent.parent / "examples/hotfire"

DUE = re.compile(r"\+\d+(\.\d+)?s")
MOMENT = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z")
PORT = re.compile(r"127\.0\.0\.1:\d+")


class Example(NamedTuple):
    script: ModuleType
    stand: ModuleType
    drive_python: ModuleType
    drive_cli: ModuleType


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Iterator[Example]:
    """Its modules, which find each other as programs of one folder do."""
    monkeypatch.syspath_prepend(str(HOTFIRE))
    yield Example(*[import_module(name) for name in Example._fields])
    for name in Example._fields:
        sys.modules.pop(name, None)


class Crew:
    """The script played by people in a kit, whose clock goes on when everything waits for it."""

    def __init__(self, example: Example, kit: Kit, stand: Any) -> None:
        self.example, self.kit, self.stand, self.run = example, kit, stand, ""

    async def begin(self) -> None:
        self.run = await self.example.drive_python.start(self.kit.engine, self.stand.url)

    async def play(self, moves: Any) -> None:
        async def wait(looked: int) -> None:
            if looked == 0:
                await self.kit.drain()
            else:
                await self.kit.skip_to_next_timer()

        await self.example.drive_python.drive(self.kit.engine, self.run, wait, moves)

    async def done(self) -> int:
        """How many of the moves that are not refused are on record."""
        signed = {line["seq"] for line in await self.kit.engine.audit(self.run)}
        return len(signed) + len((await self.kit.engine.state(self.run)).signals)


def stand_for(example: Example, folder: Path, clock: FrozenClock) -> Any:
    return example.stand.Stand(folder, lambda: EPOCH + timedelta(microseconds=clock.now()))


async def journal(engine: Any, run: str) -> list[dict[str, Any]]:
    """What happened, in order; without turns, ids, times, ports, and who it was that carried it out."""
    told: list[dict[str, Any]] = []
    for event in await normalised(engine, run):
        masked = _masked({name: value for name, value in event.items() if name not in ("turn", "at")})
        before = told[-1] if told else {}
        handed_over = before.get("type") == "step.scheduled" and before["step"] == masked.get("step")
        if masked["type"] == "step.started":  # in two events where one engine asked and another one performs
            if handed_over:
                told.pop()
            masked = {name: value for name, value in masked.items() if name not in ("kind", "path", "scope")}
        told.append(masked)
    return told


def _masked(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _masked(each, key) for key, each in value.items()}
    if isinstance(value, list):
        return [_masked(each, name) for each in value]
    if name in ("commit", "executor", "delivery", "signal", "key"):
        return f"<{name}>"
    if isinstance(value, int) and not isinstance(value, bool) and value > 1_000_000_000_000_000:
        return "<instant>"
    if isinstance(value, str):
        return PORT.sub("<address>", MOMENT.sub("<moment>", DUE.sub("<after>", value)))
    return value


# --- what it is ---------------------------------------------------------------------------------------


@pytest.mark.spec("N1", "N5", "N7", "N8", "N9", "N14")
def test_it_has_all_that_a_procedure_can_have() -> None:
    document = yaml.safe_load((HOTFIRE / "hotfire.yaml").read_text())
    procedure = document["document"]["metadata"]["procedure"]
    steps = [body for task in document["do"] for body in task.values()]
    forms = [body.get("with", {}) for body in steps]
    assert len(steps) >= 25 and len(procedure["sections"]) == 5
    fields = [field for form in forms for field in form.get("fields", ())]
    assert {field["kind"] for field in fields} == set(KINDS)
    assert {field.get("multiline", False) for field in fields if field["kind"] == "text"} == {True, False}
    actions = {word for form in forms for action in form.get("actions", ()) for word in action}
    assert actions == {"event", "http", "notify", "run", "set", "function"}
    conditions = json.dumps([form.get("condition") for form in forms])
    for kind in ("all", "not", "timer", "expression", "http", "series", "webhook", "job", "event"):
        assert f'"{kind}":' in conditions, kind
    assert sum("captures" in form for form in forms) == 3
    calls = {body.get("call") for body in steps}
    assert {"form", "approval", "condition", "python", "http"} <= calls
    options = {option for body in steps for option in body["metadata"]}
    assert {"required", "autoStart", "optional", "assign", "deadline", "priority", "attachments"} <= options


# --- played -------------------------------------------------------------------------------------------


@pytest.mark.spec("N1", "N3", "N10", "N12", "N13", "N15")
async def test_played_from_python(example: Example, tmp_path: Path) -> None:
    clock = FrozenClock()
    with stand_for(example, tmp_path / "stand", clock) as stand:
        async with Kit(clock=clock, **example.drive_python.settings(stand)) as kit:
            crew = Crew(example, kit, stand)
            await crew.begin()
            await crew.play(example.script.MOVES)
            output = await kit.result(crew.run)
            assert output["close"] == example.script.OUTPUT
            state = await kit.engine.state(crew.run)
            by_task: dict[str, list[str]] = {}
            for node in state.nodes.values():
                frozen = "outdated " if node.outdated else ""
                by_task.setdefault(node.task, []).append(frozen + state.steps[node.id].status)
            assert by_task["cameras"] == ["skipped"] and by_task["drone"] == ["failed"]
            assert by_task["leak_fuel"] == ["failed", "completed"]
            assert by_task["load_fuel"] == ["completed", "completed"]
            assert [end.split()[-1] for end in by_task["pressurize"]] == ["cancelled", "completed"]
            told = [message["message"] for message in stand.told]
            assert told == ["K7-014 is released; clear the stand", "The test is closed"]
            assert (stand.fired, len(stand.closed)) == (1, 1)
            (report,) = [run for run in (await kit.engine.list())["runs"] if run["name"] == "report"]
            assert report["status"] == "completed"
            assert (await kit.engine.inbox())["total"] == 0
            await kit.check()


@pytest.mark.parametrize(("every", "before"), [(3, True), (4, False), (7, True)])
@pytest.mark.spec("N7", "N9", "X8")
async def test_killed_again_and_again_it_comes_to_the_same(
    example: Example, tmp_path: Path, every: int, before: bool
) -> None:
    """The process dies at every so manieth commit, from the first step to the last; the crew goes on where it was."""
    calm, _ = await _played(example, tmp_path / "calm", None, before)
    rough, crashes = await _played(example, tmp_path / "rough", every, before)
    assert crashes > 8
    assert rough == calm


@pytest.mark.spec("N1", "N5", "N11", "N13", "X8")
def test_both_doors_give_the_same_journal(example: Example, tmp_path: Path) -> None:
    """Event by event: an engine in a process of its own and a command for each move, or all of it from Python."""
    by_cli = _through_the_command_line(example, tmp_path)
    by_python = asyncio.run(_through_python(example, tmp_path / "python"))
    for number, (mine, other) in enumerate(zip(by_python, by_cli, strict=False)):
        assert mine == other, f"event {number}"
    assert len(by_python) == len(by_cli) > 250


async def _through_python(example: Example, folder: Path) -> list[dict[str, Any]]:
    clock = FrozenClock()
    with stand_for(example, folder, clock) as stand:
        async with Kit(clock=clock, **example.drive_python.settings(stand)) as kit:
            crew = Crew(example, kit, stand)
            await crew.begin()
            await crew.play(example.script.MOVES)
            await kit.result(crew.run)
            return await journal(kit.engine, crew.run)


def _through_the_command_line(example: Example, folder: Path) -> list[dict[str, Any]]:
    cli, database = Cli(folder), str(folder / "cli.db")

    def command(*words: str) -> tuple[int, dict[str, Any]]:
        result = cli._inside([*words, "--db", database, "--json"])
        return result.code, result.json

    with example.stand.Stand(folder / "stand") as stand, example.drive_cli.serving(database, stand):
        run = example.drive_cli.start(command, stand.url)
        example.drive_cli.drive(command, run)

    async def read() -> list[dict[str, Any]]:
        async with Stepwell.open(database, guest=True) as stepwell:
            assert (await stepwell.show(run))["status"] == "completed"
            return await journal(stepwell, run)

    return asyncio.run(read())


async def _played(
    example: Example, folder: Path, every: int | None, before: bool
) -> tuple[dict[str, Any], int]:
    clock, crashes = FrozenClock(), 0
    moves = [move for move in example.script.MOVES if move.error is None]
    with stand_for(example, folder, clock) as stand:
        async with Kit(clock=clock, **example.drive_python.settings(stand)) as kit:
            crew = Crew(example, kit, stand)

            async def on_with_it(kit: Kit) -> None:
                await crew.begin()
                at = await crew.done()
                await crew.play([moves[at - 1]._replace(verb="look")] if at else [])
                await crew.play(moves[at:])
                await kit.drain(advance=True)

            while True:
                if every is not None:
                    kit.crash_at(every, before=before)
                try:
                    await kit.play(on_with_it)
                    break
                except Crashed:
                    crashes += 1
                    await kit.reopen()
            kit.spare()
            await kit.check()
            state = await kit.engine.state(crew.run)
            asked = [line for line in await kit.engine.audit(crew.run) if line["kind"] == "person"]
            end = {
                "status": state.run.status,
                "output": state.run.output,
                "variables": state.run.variables,
                "steps": {id: (step.status, step.output, step.attempt) for id, step in state.steps.items()},
                "nodes": {id: (node.values, node.notices, node.captures) for id, node in state.nodes.items()},
                "asked": [(line["by"], line["what"]) for line in asked],
                "fired": stand.fired,
                "closed": len(stand.closed),
                "told": sorted({message["message"] for message in stand.told}),
            }
            masked: dict[str, Any] = _masked(json.loads(json.dumps(end)))
            return masked, crashes


@pytest.mark.spec("X8", "Q8")
async def test_killed_with_an_approval_open(example: Example, tmp_path: Path) -> None:
    """Who has decided has decided; who has not is still asked; and nobody waits who was not."""
    moves = [move for move in example.script.MOVES if move.error is None]
    at = next(number for number, move in enumerate(moves) if move.verb == "approve")
    clock = FrozenClock()
    with stand_for(example, tmp_path / "stand", clock) as stand:
        async with Kit(clock=clock, **example.drive_python.settings(stand)) as kit:
            crew = Crew(example, kit, stand)
            await crew.begin()
            await crew.play(moves[: at + 1])
            kit.crash()
            await kit.reopen()
            await kit.drain()
            approval = await kit.engine.approval(crew.run, "release")
            assert [each["by"] for each in approval["decisions"]] == ["bob"]
            (item,) = (await kit.engine.inbox(run=crew.run))["items"]
            assert (item["task"], item["kind"]) == ("release", "approval")
            shown = (await kit.engine.show_step(crew.run, "release"))["title"]
            assert shown == item["title"] == "Release K7-014 for firing"
            with pytest.raises(AlreadyDecided):
                await kit.engine.decide_approval(crew.run, "approve", by=Actor("bob", groups=("safety",)))
            assert stand.told == []
            await crew.play(moves[at + 1 :])
            assert (await kit.result(crew.run))["close"] == example.script.OUTPUT
            await kit.check()
