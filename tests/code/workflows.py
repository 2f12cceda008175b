"""A workflow of each kind, and the steps that they call. What a step returns does not depend on how often it ran."""

from __future__ import annotations

import asyncio
from typing import Any

from stepwell import CallAgain, Retry, StepFailed, current, flow, step, workflow


@step
async def double(n: int) -> int:
    return n * 2


@step
def triple(n: int) -> int:
    return n * 3


@step
async def broken(why: str = "broken for good") -> int:
    raise ValueError(why)


@step(retry=Retry(attempts=4, delay=5, backoff="exponential"))
async def flaky(times: int) -> str:
    """Fails its first attempts: on record, whatever happens to the process."""
    if current().attempt <= times:
        raise ValueError(f"attempt {current().attempt}")
    return f"attempt {current().attempt}"


@step
async def polled() -> str:
    """Wants to be called again once, ten seconds later."""
    if current().attempt == 1:
        raise CallAgain(10, {"at": 1})
    return "there"


# --- one after the other ----------------------------------------------------------------------------------------------


@workflow
async def sequential(n: int) -> list[int]:
    first = await double(n)
    second = triple(first)
    await flow.sleep(60)
    return [first, second, await double(second)]


@workflow
def plain(n: int) -> list[Any]:
    first = triple(n)
    begun = [double.submit(i) for i in range(2)]
    flow.sleep(60)
    return [first, flow.gather(*begun), triple(first)]


@workflow
async def looped(n: int) -> int:
    total = 0
    for number in range(n):
        if await double(number) % 4 == 0:
            total += await double(total + 1)
    return total


@workflow
async def caught(n: int) -> str:
    try:
        await broken("as it says")
    except ValueError as error:
        return f"{type(error).__name__} {error} {await double(n)}"
    return "never"


@workflow
async def recorded(n: int) -> list[Any]:
    drawn = flow.random()
    await double(n)
    flow.set_event("progress", n)
    flow.write_stream("log", {"at": n})
    await flow.sleep(1)
    flow.close_stream("log")
    return [drawn, flow.info().name]


# --- side by side -----------------------------------------------------------------------------------------------------


@workflow
async def gathered(n: int) -> list[Any]:
    mine = await flow.gather(double(n), flow.sleep(5), double(n + 1))
    theirs = await asyncio.gather(double(1), asyncio.sleep(3), double(2))
    return [mine, theirs]


@workflow
async def grouped(n: int) -> list[int]:
    async def branch(number: int) -> int:
        await flow.sleep(number + 1)
        return await double(await double(number))

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(branch(number)) for number in range(n)]
    return [task.result() for task in tasks]


@workflow
async def group_broken(n: int) -> str:
    failures = 0
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(flow.sleep(3600))  # type: ignore[arg-type]
            group.create_task(broken())  # type: ignore[arg-type]
    except* ValueError as errors:
        failures = len(errors.exceptions)
    return f"{failures} and {await double(n)}"


@workflow
async def mapped(n: int) -> list[int]:
    async def both(number: int) -> int:
        return await double(number) + await double(number + 1)

    steps = await flow.map(double, range(n), concurrency=2)
    functions = await flow.map(both, range(n), concurrency=2)
    return [*steps, *functions, *await flow.map(sequential_child, range(2))]


@workflow
async def queue_between(n: int) -> list[int]:
    """Producer and consumer, with the standard library's own queue, lock and event."""
    queue: asyncio.Queue[int | None] = asyncio.Queue(1)
    got: list[int] = []

    async def consume() -> None:
        while (item := await queue.get()) is not None:
            got.append(await double(item))

    consumer = asyncio.create_task(consume())
    for number in range(n):
        await queue.put(await double(number))
    await queue.put(None)
    await consumer
    return got


# --- against the clock ------------------------------------------------------------------------------------------------


@workflow
async def raced(n: int) -> list[Any]:
    winner = await flow.race(flow.sleep(3600), double(n))
    try:
        async with asyncio.timeout(10):
            await flow.wait_for_signal("never")
    except TimeoutError:
        late = "late"
    try:
        await asyncio.wait_for(flow.sleep(100), 5)
    except TimeoutError:
        late += " again"
    return [winner, late, await asyncio.wait_for(double(n), 5)]


@workflow
async def retried(n: int) -> list[str]:
    return list(await asyncio.gather(flaky(n), flaky(1), flaky(0)))


@workflow
async def asked_again() -> str:
    return await polled()


@workflow
async def spent() -> str:
    """Retries are spent: the failure is caught."""
    try:
        return await flaky(9)
    except ValueError as error:
        return f"spent at {error}"


# --- others -----------------------------------------------------------------------------------------------------------


@workflow
async def sequential_child(n: int) -> int:
    await flow.sleep(7)
    return await double(n)


@workflow
async def broken_child() -> int:
    return await broken("in the child")


@workflow
async def parent(n: int) -> list[Any]:
    begun = flow.start_child(sequential_child, n)
    first = await sequential_child(n)
    try:
        await broken_child()
    except (ValueError, StepFailed) as error:
        failure = type(error).__name__
    return [first, await begun.result(), failure]


@workflow
async def signalled(n: int) -> list[Any]:
    first = await flow.wait_for_signal("go", type=int)
    second = await flow.wait_for_signal("go", correlation="b")
    try:
        await flow.wait_for_signal("go", timeout=30)
    except TimeoutError:
        return [first, second, await double(n)]
    return ["never"]


@workflow
async def counted(n: int, sum: int = 0) -> int:
    """Goes on as a new run for each number."""
    if n > 0:
        flow.continue_as_new(n - 1, sum + await double(n))
    return sum


# --- undoing ----------------------------------------------------------------------------------------------------------


@step
async def give_back(n: int, result: int) -> str:
    return f"gave back {n} of {result}"


@step(compensate=give_back)
async def take(n: int) -> int:
    return n * 10


@step
async def cannot_undo(n: int) -> None:
    raise RuntimeError(f"{n} stays")


@step(compensate=cannot_undo)
async def keep(n: int) -> int:
    return n


@workflow
async def undone(n: int) -> int:
    flow.on_failure(double, 99)
    await take(n)
    await keep(n)
    await asyncio.gather(take(n + 1), take(n + 2))
    await flow.sleep(5)
    return await broken()
