"""Exactly one of all who begin the same step executes it: tasks, threads and processes (SPEC Q1, Q3, Q6)."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from stepwell.model.errors import StepwellError
from stepwell.steps import ANY, AsyncStepStore, Begin, Claim, StaleAttempt, StaleStep, StepStore
from tests.steps.helpers import bench
from tests.support import processes

ROOT = Path(__file__).parents[2]
SEED, ROUNDS, THREADS, PROCESSES = 20261121, 200, 8, 4


def one_executes(begun: list[Begin]) -> Claim:
    claims = [each.claim for each in begun if each.execute]
    assert len(claims) == 1, [each.decision for each in begun]
    assert claims[0] is not None
    return claims[0]


@pytest.mark.spec("Q1")
def test_one_of_eight_threads_executes_two_hundred_times(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    print(f"seed {SEED}")
    gate = Barrier(THREADS)
    with StepStore.open(tmp_path / "race.db") as store, ThreadPoolExecutor(THREADS) as pool:
        run = store.start_run("race", ANY)

        def begin(name: str) -> Begin:
            gate.wait()
            return store.begin_step(run, name, name)

        for number in range(ROUNDS):
            name = f"step-{number}"
            shape = chance.choice(["new", "planned", "failed"])
            if shape == "planned":
                store.schedule_step(run, name)
            elif shape == "failed":
                claim = store.begin_step(run, name).claim
                assert claim is not None
                store.fail_step(claim, "first")
            claim = one_executes(list(pool.map(begin, [name] * THREADS)))
            assert claim.attempt == (2 if shape == "failed" else 1)
            store.complete_step(claim, number)
        assert list(store.completed_outputs(run).values()) == list(range(ROUNDS))
        assert not store.do(store.client.doctor())["findings"]


@pytest.mark.spec("Q1", "Q5")
def test_one_of_four_processes_executes_two_hundred_times(tmp_path: Path) -> None:
    path = tmp_path / "race.db"
    print(f"seed {SEED}")
    with StepStore.open(path) as store:
        run = store.start_run("race", ANY)
        names = [f"rival-{number}" for number in range(PROCESSES)]
        command = ["-m", "tests.steps.rival", path, run, str(SEED), str(ROUNDS)]
        rivals = [
            processes.python(
                *command, name, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            for name in names
        ]
        try:
            won = _race(rivals)
        finally:
            for rival in rivals:
                rival.kill()
                rival.communicate()
        outputs = store.completed_outputs(run)
        assert list(outputs) == [f"step-{number}" for number in range(ROUNDS)]
        assert Counter(outputs.values()) == won
        assert not store.do(store.client.doctor())["findings"]


def _race(rivals: list[subprocess.Popen[str]]) -> Counter[str]:
    won: Counter[str] = Counter()
    for rival in rivals:
        assert rival.stdout is not None and rival.stdout.readline() == "ready\n"
    for number in range(ROUNDS):
        for rival in rivals:
            assert rival.stdin is not None
            rival.stdin.write(f"step-{number}\n")
        for rival in rivals:
            assert rival.stdin is not None
            rival.stdin.flush()
        said = [rival.stdout.readline().split() for rival in rivals if rival.stdout is not None]
        executed = [place for place, words in enumerate(said) if words[1] == "execute"]
        assert len(executed) == 1, said
        assert all(words[0] == f"step-{number}" and words[3] == "1" for words in said)
        won[f"rival-{executed[0]}"] += 1
    return won


@pytest.mark.spec("Q1", "Q6")
async def test_one_of_many_takes_an_expired_claim_over_and_the_old_one_is_stale(tmp_path: Path) -> None:
    async with bench(tmp_path) as b, AsyncStepStore.open(tmp_path / "steps.db", clock=b.clock) as other:
        old = await b.claim("a", lease=1)
        for attempt in range(2, 40):
            b.wait(1)
            rivals = [store.begin_step(b.run, "a", lease=1) for store in (b.store, other) for _ in range(4)]
            claim = one_executes(await asyncio.gather(*rivals))
            assert claim.attempt == attempt
            with pytest.raises(StaleAttempt):
                await b.store.complete_step(old, "old")
            old = claim
        await other.complete_step(old, "done")


@pytest.mark.spec("Q3", "Q5")
async def test_of_two_results_of_one_claim_the_first_counts(tmp_path: Path) -> None:
    async with bench(tmp_path) as b, AsyncStepStore.open(tmp_path / "steps.db", clock=b.clock) as other:
        for number in range(50):
            claim = await b.claim(f"s{number}")
            answers = await asyncio.gather(
                b.store.complete_step(claim, "one", schedule=[f"one-{number}"]),
                other.complete_step(claim, "two", schedule=[f"two-{number}"]),
                b.store.fail_step(claim, "three"),
                return_exceptions=True,
            )
            assert sum(isinstance(answer, StaleStep) for answer in answers) == 2, answers
            step = await b.store.get_step_run(b.run, claim.step)
            statuses = await b.store.step_statuses(b.run)
            assert (f"one-{number}" in statuses) is (step.output == "one")
            assert (f"two-{number}" in statuses) is (step.output == "two")


@pytest.mark.spec("Q3", "Q6")
async def test_killed_while_it_performs_a_step_another_takes_it_over(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        command = ["-m", "tests.steps.victim", tmp_path / "steps.db", b.run, "a"]
        pipe = subprocess.PIPE
        victim = processes.python(*command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True)
        assert victim.stdout is not None
        claim = Claim(**json.loads(await asyncio.to_thread(victim.stdout.readline)))
        os.kill(victim.pid, signal.SIGKILL)
        victim.communicate()
        assert (await b.store.begin_step(b.run, "a")).state == "running"
        b.wait(30)
        assert [(step.owner, step.expired) for step in await b.store.expired_claims()] == [("victim", True)]
        again = await b.store.begin_step(b.run, "a", owner="heir", lease=30)
        assert (again.decision, again.attempt, again.input) == ("execute", 2, {"n": 1})
        with pytest.raises(StaleAttempt) as stale:
            await b.store.complete_step(claim, "from the grave")
        assert stale.value.attempt == 2
        assert again.claim is not None
        await b.store.complete_step(again.claim, "by the heir")
        assert await b.store.completed_outputs(b.run) == {"a": "by the heir"}


@pytest.mark.spec("Q1", "Q5", "Q6")
async def test_whatever_callers_do_in_whatever_order_a_step_ends_once(tmp_path: Path) -> None:
    """Random callers on two stores: at most one live claim for a step, and outputs that never change."""
    chance = random.Random(SEED)
    print(f"seed {SEED}")
    async with bench(tmp_path) as b, AsyncStepStore.open(tmp_path / "steps.db", clock=b.clock) as other:
        claims: dict[str, list[Claim]] = {}
        done: dict[str, object] = {}

        async def act(store: AsyncStepStore, number: int) -> None:
            name = chance.choice("abcdefgh")
            mine = claims.setdefault(name, [])
            what = chance.choice(["begin", "begin", "complete", "fail", "beat", "plan", "undo", "defer"])
            try:
                if what == "begin":
                    begun = await store.begin_step(b.run, name, number, lease=chance.choice([2, 5]))
                    mine += [begun.claim] if begun.claim is not None else []
                elif what == "plan":
                    await store.schedule_step(b.run, name, number)
                elif what == "undo":
                    await store.delete_pending(b.run, name)
                elif mine:
                    claim = chance.choice(mine[-2:])
                    if what == "complete":
                        await store.complete_step(claim, number)
                        assert done.setdefault(name, number) == number
                    elif what == "fail":
                        await store.fail_step(claim, "no", retry_after=chance.choice([None, 1]))
                    elif what == "beat":
                        await store.heartbeat(claim, 3)
                    else:
                        await store.defer_step(claim, 1)
            except StepwellError as error:
                assert getattr(error, "code", "") in ("not_found", "stale_step", "stale_attempt"), error

        for number in range(150):
            await asyncio.gather(
                *(act(store, number * 4 + k) for k, store in enumerate((b.store, other) * 2))
            )
            b.wait(chance.choice([0, 0.5, 3]))
        assert await b.store.completed_outputs(b.run) == done
        attempts = [claim.attempt for each in claims.values() for claim in each]
        for each in claims.values():
            assert len({claim.attempt for claim in each}) == len(each), "an attempt was given twice"
        assert attempts
