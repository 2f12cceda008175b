"""Random procedures in the hands of random people: what is refused is refused with an error of ours, what is on record is
sound and comes back the same, and whoever goes on patiently gets to the end."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from stepwell.model.errors import StepwellError
from stepwell.testing import Kit

PEOPLE = ("ada", "bob", "cy")
SEEDS = range(24)


def document(dice: random.Random, number: int) -> dict[str, Any]:
    """Up to nine tasks of every kind, each after some of those before it."""
    tasks: list[dict[str, Any]] = []
    for place in range(dice.randint(2, 9)):
        after = [f"t{n}" for n in range(place) if dice.random() < 0.35]
        metadata: dict[str, Any] = {"after": after}
        task = kind(dice, after)
        if dice.random() < 0.2 and "raise" not in task:  # nobody could get past that
            metadata["required"] = True
        if dice.random() < 0.2:
            metadata["autoStart"] = False
        if dice.random() < 0.15 and "required" not in metadata:
            metadata["optional"] = True
        tasks.append({f"t{place}": {**task, "metadata": metadata}})
    procedure: dict[str, Any] = {"autoClose": dice.random() < 0.7}
    head = {"dsl": "1.0.3", "namespace": "any", "name": f"p{number}", "version": "1.0.0"}
    return {"document": {**head, "metadata": {"procedure": procedure}}, "do": tasks}


def kind(dice: random.Random, after: list[str]) -> dict[str, Any]:
    word = dice.choice(("form", "form", "form", "condition", "set", "do", "raise"))
    if word == "form":
        given: dict[str, Any] = {
            "fields": [{"id": "n", "kind": "integer", "maximum": 9, "required": dice.random() < 0.5}]
        }
        if dice.random() < 0.3:
            given["autoProceed"] = True
        if dice.random() < 0.3:
            given["condition"] = {"timer": {"seconds": dice.randint(1, 9)}}
        if dice.random() < 0.4:
            seen = dice.choice([*after, "this"])
            given["actions"] = [
                {"set": {"seen": f"${{ $steps.{seen}.status }}"}},
                {"event": {"type": "t", "title": dice.choice(["done", "${ $steps.this.n | tostring }"])}},
            ]
        return {"call": "form", "with": given}
    if word == "condition":
        return {"call": "condition", "with": {"condition": {"timer": {"seconds": dice.randint(1, 9)}}}}
    if word == "do":
        return {"do": [{"a": {"set": {"x": 1}}}, {"b": {"wait": {"seconds": 2}}}]}
    if word == "raise" and dice.random() < 0.5:
        return {"raise": {"error": {"type": "https://example.com/broken", "status": 500}}}
    return {"set": {"seen": f"${{ $steps.{after[0]}.status }}" if after else 1}}


async def disturb(kit: Kit, run: str, dice: random.Random) -> None:
    """One thing that somebody may want, sensible or not."""
    e, by = kit.engine, dice.choice(PEOPLE)
    steps = list((await e.state(run)).nodes)
    step = dice.choice(steps)
    what = dice.randint(0, 12)
    if what == 0:
        await e.set_values(run, step, {"n": dice.choice([1, 5, 10, "x", None])}, by=by)
    elif what <= 3:
        await e.submit_step(run, step, {"n": dice.choice([1, 10])}, by=by)
    elif what == 4:
        await e.start_step(run, step, by=by)
    elif what == 5:
        await e.skip_step(run, step, "because", by=by)
    elif what == 6:
        await e.fail_step(run, step, "because", by=by)
    elif what <= 8:
        await e.repeat_step(run, step, downstream=dice.random() < 0.5, by=by)
    elif what == 9:
        await e.assign_step(run, step, people=[by], by=by)
    elif what == 10:
        await (e.pause(run) if dice.random() < 0.5 else e.resume(run))
    elif what == 11:
        await kit.reopen()
    else:
        await kit.advance(timedelta(seconds=dice.randint(1, 5)))


async def go_on(kit: Kit, run: str) -> None:
    """What a patient person does: begin, fill in, skip what went wrong too often."""
    e = kit.engine
    if (await e.state(run)).run.status == "paused":
        await e.resume(run)
    for line in (await e.procedure(run))["steps"]:
        can = (await e.show_step(run, line["step"]))["can"]
        if "submit" in can:
            await e.submit_step(run, line["step"], {"n": 3}, by="ada")
        elif "start" in can:
            await e.start_step(run, line["step"], by="ada")
        elif "repeat" in can and line["status"] in ("failed", "timed_out"):
            if line["kind"] == "form":
                await e.repeat_step(run, line["step"], {"n": 3}, by="ada")
            else:  # what fails as soon as it begins is left out in the very change that repeats it
                target = None if line["required"] else "skipped"
                await e.repeat_step(run, line["step"], target=target, reason="enough", by="ada")
        if (await e.state(run)).run.status.terminal:
            return


@pytest.mark.parametrize("seed", SEEDS)
async def test_whatever_people_do(seed: int) -> None:
    print("seed", seed)
    dice = random.Random(seed)
    async with Kit() as kit:
        run = (await kit.engine.start(document(dice, seed))).run_id
        for _ in range(dice.randint(5, 40)):
            await kit.drain()
            try:
                await disturb(kit, run, dice)
            except StepwellError:
                pass
        await kit.drain()
        state = await kit.engine.state(run)
        assert (await kit.engine.doctor())["findings"] == []
        for _ in range(60):
            if state.run.status.terminal:
                break
            await go_on(kit, run)
            await kit.advance(timedelta(seconds=10))
            state = await kit.engine.state(run)
            graph = state.graphs["/do"]
            if graph.left == 0 and not state.run.status.terminal:
                await kit.engine.succeed(run, by="ada")
        left = {name: state.steps[step].status.value for name, step in state.graphs["/do"].steps.items()}
        assert state.run.status == "completed", left
        await kit.check()
