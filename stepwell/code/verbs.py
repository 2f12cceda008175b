"""What a workflow's code can say besides calling steps. Public as `stepwell.flow`.

In an `async def` workflow these are awaited; in a plain one they wait themselves. Each of them does the same thing
when the code is gone through again after a crash.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from stepwell.code.execution import CURRENT
from stepwell.code.inside import execution_of, reply
from stepwell.code.options import Length, microseconds
from stepwell.code.others import start_child
from stepwell.code.step import Step, step
from stepwell.code.values import form_of
from stepwell.code.workflow import Workflow
from stepwell.model.attributes import merged, normal_all
from stepwell.model.base import EPOCH, Instant
from stepwell.model.calls import (
    AttributesCall,
    Call,
    ListenCall,
    SignalCall,
    StreamCall,
    VariablesCall,
    WaitCall,
)
from stepwell.model.errors import InvalidInput
from stepwell.workers.results import jsonable

T = TypeVar("T")


class RunInfo(NamedTuple):
    """The run that the code is executed for."""

    run_id: str
    name: str
    version: str
    started_at: datetime
    key: str | None


def info() -> RunInfo:
    run = execution_of("info").run
    return RunInfo(run.id, run.name, run.version, _datetime(run.started_at or run.created_at), run.key)


def inside() -> bool:
    """Whether this is a workflow's code (and not a step, or a program)."""
    return CURRENT.get() is not None


# --- time and chance ----------------------------------------------------------------------------


def now() -> datetime:
    """The time, in UTC, of what the code was told last."""
    return _datetime(execution_of("now").now)


def random() -> float:
    """A number in [0, 1)."""
    execution = execution_of("random")
    value: float = execution.record("random", execution.dice.roll)
    return value


def uuid() -> UUID:
    """A new UUID (version 7)."""
    execution = execution_of("uuid")
    return UUID(execution.record("uuid", execution.ids.run_id))


def sleep(length: Length) -> Awaitable[None]:
    """Wait for so many seconds, or a `timedelta`; a year if need be. Nothing is held meanwhile."""
    execution = execution_of("sleep")
    due = execution.now + microseconds(length, "sleep")
    return reply(execution, execution.ask("wait", "sleep", lambda step_id: WaitCall(step_id, due)))


def wait_until(moment: datetime) -> Awaitable[None]:
    """Wait until a moment (with a time zone; without one it is UTC)."""
    execution = execution_of("wait_until")
    due = _instant(moment)
    return reply(execution, execution.ask("wait", "wait-until", lambda step_id: WaitCall(step_id, due)))


# --- the outside --------------------------------------------------------------------------------


def wait_for_signal(
    name: str, *, correlation: str | None = None, timeout: Length | None = None, type: Any = None
) -> Awaitable[Any]:
    """Wait for a signal, and give its value (as `type`, if one is given). One that came before is taken at once, the
    oldest first. `correlation`: only one that carries it. Raises `TimeoutError` after `timeout`."""
    execution = execution_of("wait_for_signal")
    due = None if timeout is None else execution.now + microseconds(timeout, "timeout")
    step_name = _slug(name)

    def make(step_id: str) -> Call:
        return ListenCall(step_id, name, correlation, due)

    return reply(execution, execution.ask("listen", step_name, make, form_of(type).read))


def signal(run_id: str, name: str, value: Any = None, *, correlation: str | None = None) -> Awaitable[Any]:
    """Send a signal to another run, once. Fails where that run has ended, or is not there."""
    execution = execution_of("signal")
    written = jsonable(value)

    def make(step_id: str) -> Call:
        return SignalCall(step_id, run_id, name, written, correlation)

    return reply(execution, execution.ask("signal", _slug(name), make))


def set_attributes(**values: Any) -> None:
    """Set search attributes of the run (see `Stepwell.list`): texts, numbers, booleans, datetimes."""
    execution = execution_of("set_attributes")
    written = normal_all(values)
    merged(execution.run.attributes, written, ())
    execution.at_once("set", "attributes", lambda step_id: AttributesCall(step_id, written))


def set_event(name: str, value: Any) -> None:
    """Publish a value under a name: a variable of the run, which others see with `get_event` and `variables`."""
    written = jsonable(value)
    execution_of("set_event").at_once(
        "set", _slug(name), lambda step_id: VariablesCall(step_id, {name: written})
    )


def write_stream(stream: str, value: Any) -> None:
    """Append a value to an output stream of the run; others read it while it grows."""
    written = jsonable(value)
    execution_of("write_stream").at_once(
        "stream", _slug(stream), lambda step_id: StreamCall(step_id, stream, written)
    )


def close_stream(stream: str) -> None:
    """Nothing more comes: readers of the stream are through."""
    execution_of("close_stream").at_once(
        "stream", _slug(stream), lambda step_id: StreamCall(step_id, stream, closed=True)
    )


# --- many at once -------------------------------------------------------------------------------


def gather(*awaitables: Awaitable[Any], return_exceptions: bool = False) -> Awaitable[list[Any]]:
    """Wait for all of them; the results are in the order of the arguments, whichever is done first. The first failure
    is raised at once; what was begun goes on."""
    execution = execution_of("gather")
    gathered = asyncio.gather(*awaitables, return_exceptions=return_exceptions)
    return reply(execution, gathered)


def map(
    function: Step[Any, Any] | Workflow[Any, Any] | Callable[[Any], Coroutine[Any, Any, Any]],
    items: Iterable[Any],
    *,
    concurrency: int | None = None,
) -> Awaitable[list[Any]]:
    """Call a step, a workflow or an `async` function for each item, at most `concurrency` at once; the results are in
    the order of the items. After a failure nothing more is begun."""
    execution = execution_of("map")
    listed = list(items)
    if concurrency is not None and concurrency < 1:
        raise InvalidInput(f"concurrency is a number from 1, not {concurrency!r}")
    if concurrency is None or concurrency >= len(listed):
        return gather(*[_begin(function, item) for item in listed])
    return reply(execution, execution.loop.create_task(_mapped(function, listed, concurrency)))


async def _mapped(function: Any, items: list[Any], concurrency: int) -> list[Any]:
    results: list[Any] = [None] * len(items)
    left = iter(range(len(items)))

    async def work() -> None:
        for number in left:
            results[number] = await _begin(function, items[number])

    tasks = [asyncio.ensure_future(work()) for _ in range(concurrency)]
    try:
        await asyncio.gather(*tasks)
    except BaseException:
        left = iter(())
        raise
    return results


def _begin(function: Any, item: Any) -> Awaitable[Any]:
    if isinstance(function, Step):
        return function.submit(item)
    if isinstance(function, Workflow):
        return start_child(function, item).future
    begun: Awaitable[Any] = function(item)
    return begun


def race(*awaitables: Awaitable[Any]) -> Awaitable[Any]:
    """The result of the one that is done first; the others are cancelled."""
    execution = execution_of("race")
    return reply(
        execution, execution.loop.create_task(_raced([asyncio.ensure_future(a) for a in awaitables]))
    )


async def _raced(futures: list[asyncio.Future[Any]]) -> Any:
    done, rest = await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
    for loser in rest:
        loser.cancel()
    return next(future for future in futures if future in done).result()


# --- change and undoing -------------------------------------------------------------------------


def patched(patch: str) -> bool:
    """True in runs that come here for the first time with this code, False in those that were past it already: so that
    the code of running workflows can change.

        if flow.patched("ask-twice"):
            await ask_again(order)
    """
    return execution_of("patched").patched(_slug(patch))


def on_failure(compensation: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """If the workflow fails after this, perform this step too (those said last come first)."""
    execution = execution_of("on_failure")
    undoing = compensation if isinstance(compensation, Step) else step(compensation)
    execution.undo_list.append(lambda: undoing.ask(execution, args, kwargs, undoes="workflow"))


# --- inside -------------------------------------------------------------------------------------


def _slug(name: str) -> str:
    """As part of a step's id."""
    if not name or len(name) > 200 or any(sign in name for sign in "/[]#~\n"):
        raise InvalidInput(f"{name!r} cannot be a name here: up to 200 characters, none of / [ ] # ~")
    return name


def _instant(moment: datetime) -> Instant:
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return (aware - EPOCH) // timedelta(microseconds=1)


def _datetime(instant: Instant) -> datetime:
    return EPOCH + timedelta(microseconds=instant)
