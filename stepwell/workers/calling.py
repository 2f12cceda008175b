"""Calling a step's function: arguments in, outcome out, whatever happens in between."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from stepwell.model.actions import Failed, Interrupted, Outcome, Succeeded, leaving
from stepwell.model.base import Json, own
from stepwell.model.problem import Problem, runtime, validation
from stepwell.ports import WorkContext
from stepwell.workers.context import _CURRENT, Current, StepFault, StepInterrupted
from stepwell.workers.exceptions import text_of
from stepwell.workers.places import is_ctrl_c, place_of
from stepwell.workers.results import NotJson, jsonable

log = logging.getLogger("stepwell.workers")

Function = Callable[..., Any]


async def call_on_loop(function: Function, arguments: Json, context: WorkContext) -> Outcome:
    """Call a coroutine function here: no task, no thread, nothing between it and the loop. It is given arguments of its
    own: it may write into them, and the run's must stay as the journal has them."""
    task = asyncio.current_task()
    assert task is not None
    return await call_async(function, arguments, Current(context, task.get_loop()), task)


async def call_async(
    function: Function, arguments: Json, current: Current, task: asyncio.Task[Any]
) -> Outcome:
    """The same, with everything given."""
    cancels = task.cancelling()
    token = _CURRENT.set(current)
    try:
        result = jsonable(await _apply(function, own(arguments)))
    except GeneratorExit as error:  # the function's, or the coroutine is thrown away: who drives it knows
        leaving(error, partial(_outcome_of, error, function, arguments))
        raise
    except asyncio.CancelledError as error:
        if task.cancelling() > cancels:
            raise
        return _outcome_of(error, function, arguments)
    except BaseException as error:  # whatever a function raises, SystemExit too, is its step's fault
        if is_ctrl_c(error):
            raise
        return _outcome_of(error, function, arguments)
    finally:
        _CURRENT.reset(token)
    if task.cancelling() > cancels:
        raise asyncio.CancelledError  # the function kept it to itself; who asked us to stop must still see it
    return Succeeded(result)


def call_plain(function: Function, arguments: Json, current: Current) -> Outcome:
    """Call a plain function on this thread; its arguments are copied and its result is made JSON here too, not on the
    loop."""
    token = _CURRENT.set(current)
    try:
        return Succeeded(jsonable(_apply(function, own(arguments))))
    except BaseException as error:  # noqa: BLE001 - as on the loop
        return _outcome_of(error, function, arguments)
    finally:
        _CURRENT.reset(token)


def is_async(function: Function) -> bool:
    """Whether calling it gives something to await: `async def`, or an object with `async def __call__`."""
    function = inspect.unwrap(function)
    call = getattr(function, "__call__", None)  # noqa: B004 - to look at it, not to test for it
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)


def _apply(function: Function, arguments: Json) -> Any:
    """An object is keywords, a list positions, None nothing, anything else the one argument."""
    if isinstance(arguments, dict):
        return function(**arguments)
    if isinstance(arguments, list):
        return function(*arguments)
    return function() if arguments is None else function(arguments)


def _outcome_of(error: BaseException, function: Function, arguments: Json) -> Outcome:
    if isinstance(error, StepInterrupted):
        return Interrupted()
    return Failed(_problem_of(error, function, arguments))


def _problem_of(error: BaseException, function: Function, arguments: Json) -> Problem:
    """What the workflow is told of an exception: its type and text. The traceback goes to the debug log."""
    if isinstance(error, StepFault):
        return error.problem
    name = getattr(function, "__qualname__", repr(function))
    if isinstance(error, NotJson):
        return runtime(f"{name}: {error}")
    log.debug("%s raised", name, exc_info=error)
    if isinstance(error, TypeError) and not _fits(function, arguments):
        return validation(f"the arguments do not fit {name}: {error}")
    return runtime(described(error))


def described(error: BaseException) -> str:
    """An exception's type and text, and where it was raised."""
    text = text_of(error)
    what = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return what + place_of(error)


def _fits(function: Function, arguments: Json) -> bool:
    try:
        _apply(inspect.signature(function).bind, arguments)
    except TypeError:
        return False
    except ValueError:
        pass  # a function of some C extension, without a signature
    return True
