"""Calling the function of a step that a workflow's code asked for: with its own arguments, results made JSON."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from functools import partial
from typing import Any

from stepwell.model.actions import CodeAction, Failed, Interrupted, Outcome, Postponed, Succeeded, leaving
from stepwell.model.base import new
from stepwell.model.problem import Problem, runtime
from stepwell.ports import WorkContext
from stepwell.workers.calling import described
from stepwell.workers.context import _CURRENT, CallAgain, Current, StepFault, StepInterrupted
from stepwell.workers.copies import own_copy
from stepwell.workers.exceptions import named
from stepwell.workers.places import is_ctrl_c
from stepwell.workers.results import NotJson

log = logging.getLogger("stepwell.workers")


async def run_async(action: CodeAction, context: WorkContext, loop: asyncio.AbstractEventLoop) -> Outcome:
    """On `loop`, which is the running one, in a context of its own: nothing between the function and its task. (Of a
    function that keeps to itself that it was asked to stop, nothing is said here.)"""
    _CURRENT.set(Current(context, loop))
    try:
        return new(Succeeded, (action.write(await _called(action)), None))
    except GeneratorExit as error:  # the function's, or the coroutine is thrown away: who drives it knows
        leaving(error, partial(outcome_of, error, action))
        raise
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        return outcome_of(error, action)
    except BaseException as error:  # whatever a function raises, SystemExit too, is its step's fault
        if is_ctrl_c(error):
            raise
        return outcome_of(error, action)


def run_plain(action: CodeAction, current: Current) -> Outcome:
    """On this thread."""
    token = _CURRENT.set(current)
    try:
        return Succeeded(action.write(_called(action)))
    except BaseException as error:  # noqa: BLE001 - as on the loop
        return outcome_of(error, action)
    finally:
        _CURRENT.reset(token)


def _called(action: CodeAction) -> Any:
    """What the function gives for arguments of its own: another attempt gets the same once more."""
    if action.keywords:
        return action.function(*own_copy(action.arguments), **own_copy(action.keywords))
    return action.function(*own_copy(action.arguments))


def outcome_of(error: BaseException, action: CodeAction) -> Outcome:
    """What is told of an exception, and whether another attempt may help."""
    if isinstance(error, StepInterrupted):
        return Interrupted()
    if isinstance(error, CallAgain):
        return Postponed(error.after, error.progress)
    name = getattr(action.function, "__qualname__", repr(action.function))
    if isinstance(error, NotJson):
        return Failed(runtime(f"{name}: {error}"), retry=False)
    log.debug("%s raised", name, exc_info=error)
    retry = action.retryable is None or action.retryable(error)
    if isinstance(error, StepFault):
        own = None if type(error) is StepFault else named(error)
        return Failed(replace(error.problem, exception=own), retry and error.retry, error.after)
    found = runtime(described(error))
    return Failed(Problem(found.type, found.status, found.title, found.detail, None, named(error)), retry)
