"""What clients do to runs, in a way that can be done again after a crash: for `kill_everywhere`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from stepwell import TransitionRefused, current
from stepwell.testing import Kit
from tests.testing.helpers import CHILD, FLOWS, FUNCTIONS, HEAD, flow

Scenario = Callable[[Kit], Awaitable[Any]]

SCENARIOS: dict[str, Scenario] = {}


def scenario(function: Scenario) -> Scenario:
    SCENARIOS[function.__name__] = function
    return function


# --- functions and definitions ----------------------------------------------------------------------------------------


def threaded(n: int) -> int:
    return n + 1


async def even(n: int) -> int:
    if n % 2:
        raise ValueError(f"{n} is odd")
    return n


class Service:
    """Broken until it is mended."""

    mended = False


async def service() -> str:
    if not Service.mended:
        raise ValueError("not yet")
    return "mended"


async def tell(n: int) -> int:
    """Everything that a step may ask of its run."""
    await current().aset_variables(n=n)
    await current().areport({"at": n})
    return n


ALL_FUNCTIONS = [*FUNCTIONS, threaded, even, service, tell]

NEST = flow(
    "do:\n  - c: {run: {workflow: {namespace: test, name: child, version: '1.0.0', input: {n: '${ .n }'}}}}",
    "nest",
)
EVER = flow("do:\n  - w: {wait: {days: 365}}", "ever")

RUN_EVER = "{run: {workflow: {namespace: test, name: ever, version: '1.0.0'}}}"


async def define(kit: Kit) -> None:
    for definition in (CHILD, NEST, EVER):
        await kit.engine.add_definition(definition)


async def ask(verb: Awaitable[Any]) -> None:
    """Asked for a second time, after a crash, it may be refused: it is done already."""
    try:
        await verb
    except TransitionRefused:
        pass


async def status(kit: Kit, run_id: str) -> str:
    await kit.drain()
    view = await kit.engine.show(run_id)
    return str(view["status"])


def with_policy(policy: str, body: str) -> str:
    head = HEAD.replace("}\n", f", metadata: {{failurePolicy: {policy}}}}}\n")
    return head % "policy" + body


# --- steering ---------------------------------------------------------------------------------------------------------


@scenario
async def cancelled_while_it_waits(kit: Kit) -> Any:
    handle = await kit.start(FLOWS["wait"])
    await kit.drain()
    await ask(kit.engine.cancel(handle.run_id, "stop"))
    return await status(kit, handle.run_id)


@scenario
async def cancelled_with_its_child(kit: Kit) -> Any:
    await define(kit)
    handle = await kit.start(flow(f"do:\n  - a: {RUN_EVER}"))
    await kit.drain()
    await ask(kit.engine.cancel(handle.run_id, "stop"))
    return await status(kit, handle.run_id)


@scenario
async def terminated_with_its_child(kit: Kit) -> Any:
    await define(kit)
    handle = await kit.start(flow(f"do:\n  - a: {RUN_EVER}"))
    await kit.drain()
    await ask(kit.engine.terminate(handle.run_id, "stop"))
    return await status(kit, handle.run_id)


@scenario
async def paused_and_resumed(kit: Kit) -> Any:
    handle = await kit.start(FLOWS["concurrent for"])
    await kit.drain()
    await ask(kit.engine.pause(handle.run_id))
    await kit.advance(1.5)
    await ask(kit.engine.resume(handle.run_id))
    return await kit.result(handle)


@scenario
async def retried_once_it_is_mended(kit: Kit) -> Any:
    if not (await kit.engine.list())["runs"]:
        Service.mended = False
    handle = await kit.start(
        flow(
            "do:\n  - a: {set: {n: 1}}\n  - f: {call: python, with: {function: service}}\n  - b: {set: {x: '${ . }'}}"
        )
    )
    if await status(kit, handle.run_id) == "failed":
        Service.mended = True
        await kit.engine.retry(handle.run_id)
    return await kit.result(handle)


@scenario
async def debugged_step_by_step(kit: Kit) -> Any:
    handle = await kit.start(FLOWS["calls"], mode="debug")
    while await status(kit, handle.run_id) != "completed":
        await ask(kit.engine.resume(handle.run_id))
    return await kit.result(handle)


@scenario
async def two_at_once(kit: Kit) -> Any:
    handles = await asyncio.gather(kit.start(FLOWS["calls"]), kit.start(FLOWS["fork"]))
    return [await kit.result(handle) for handle in handles]


# --- families ---------------------------------------------------------------------------------------------------------


@scenario
async def a_child_of_a_child(kit: Kit) -> Any:
    await define(kit)
    return await kit.run(
        flow("do:\n  - n: {run: {workflow: {namespace: test, name: nest, version: '1.0.0', input: {n: 4}}}}")
    )


@scenario
async def children_that_compete(kit: Kit) -> Any:
    await define(kit)
    body = f"""
    do:
      - race:
          fork:
            compete: true
            branches:
              - a: {RUN_EVER}
              - b: {{run: {{workflow: {{namespace: test, name: child, version: '1.0.0', input: {{n: 2}}}}}}}}
    """
    return await kit.run(flow(body))


@scenario
async def a_child_that_takes_too_long(kit: Kit) -> Any:
    await define(kit)
    body = """
    do:
      - t:
          try: [{a: {run: {workflow: {namespace: test, name: ever, version: '1.0.0'}}, timeout: {after: {hours: 1}}}}]
          catch: {do: [{u: {set: {caught: true}}}]}
    """
    return await kit.run(flow(body))


@scenario
async def a_child_that_nobody_waits_for(kit: Kit) -> Any:
    await define(kit)
    child = "{namespace: test, name: child, version: '1.0.0', input: {n: 5}}"
    return await kit.run(
        flow(f"do:\n  - a: {{run: {{await: false, workflow: {child}}}}}\n  - b: {{set: {{ok: 1}}}}")
    )


# --- failures ---------------------------------------------------------------------------------------------------------


@scenario
async def a_branch_that_fails_beside_one_that_waits(kit: Kit) -> Any:
    body = """
    do:
      - t:
          try:
            - both:
                fork:
                  branches:
                    - l: {wait: {days: 9}}
                    - r: {do: [{w: {wait: {seconds: 3}}}, {f: {call: python, with: {function: broken}}}]}
          catch: {do: [{u: {set: {caught: '${ $error.status }'}}}]}
    """
    return await kit.run(flow(body))


@scenario
async def given_up_after_three_tries(kit: Kit) -> Any:
    body = """
    do:
      - t:
          try: [{f: {call: python, with: {function: flaky, arguments: {times: 9}}}}]
          catch:
            retry: {delay: {seconds: 10}, limit: {attempt: {count: 3}, duration: {minutes: 1}}}
            do: [{u: {set: {gave: up}}}]
          timeout: {after: {hours: 1}}
    """
    return await kit.run(flow(body))


@scenario
async def some_failures_tolerated(kit: Kit) -> Any:
    each = "{t: {call: python, with: {function: even, arguments: {n: '${ $x }'}}}}"
    loop = f"{{for: {{each: x, in: '${{ [1,2,3,4] }}'}}, metadata: {{concurrency: 2}}, do: [{each}]}}"
    return await kit.run(with_policy("{tolerate: 2}", f"do:\n  - f: {loop}\n"))


@scenario
async def failed_at_the_end(kit: Kit) -> Any:
    call = "{call: python, with: {function: even, arguments: {n: %d}}}"
    body = f"do:\n  - a: {call % 1}\n  - b: {{wait: {{seconds: 2}}}}\n  - c: {call % 2}\n"
    return await kit.run(with_policy("finish", body))


@scenario
async def other_engines_are_faster(kit: Kit) -> Any:
    await define(kit)
    kit.inject_conflict(times=3)
    return [await kit.run(FLOWS[kind]) for kind in ("fork", "child", "retry")]


@scenario
async def the_disk_is_full_for_a_while(kit: Kit) -> Any:
    handle = await kit.start(FLOWS["fork"])
    kit.fail_commits(2)
    return await kit.result(handle)


# --- work -------------------------------------------------------------------------------------------------------------


@scenario
async def on_threads(kit: Kit) -> Any:
    each = "{t: {call: python, with: {function: threaded, arguments: {n: '${ $x }'}}}}"
    loop = f"{{for: {{each: x, in: '${{ [1,2,3,4] }}'}}, metadata: {{concurrency: 4}}, do: [{each}]}}"
    return await kit.run(flow(f"do:\n  - f: {loop}"))


@scenario
async def steps_that_tell(kit: Kit) -> Any:
    call = "{call: python, with: {function: tell, arguments: {n: %d}}}"
    return await kit.run(
        flow(f"do:\n  - a: {call % 1}\n  - b: {call % 2}\n  - c: {{set: {{v: '${{ $variables.n }}'}}}}")
    )


@scenario
async def scheduled_for_later(kit: Kit) -> Any:
    later = "metadata: {schedule: {after: {hours: 3}}}"
    return await kit.run(
        flow(
            f"do:\n  - a: {{set: {{n: 1}}, {later}}}\n  - b: {{call: python, with: {{function: double, arguments: {{n: 3}}}}, {later}}}"
        )
    )


@scenario
async def expressions_in_child_processes(kit: Kit) -> Any:
    return await kit.run(
        flow("do:\n  - a: {set: {n: '${ [limit(3; repeat(1))] | length }'}}\n  - b: {wait: {seconds: 1}}")
    )
