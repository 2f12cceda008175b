"""Exceptions as data and back: a step's exception is caught in the workflow as what it was."""

from __future__ import annotations

import sys
from typing import Any

from stepwell.model.errors import StepFailed
from stepwell.model.problem import TIMEOUT, Problem, runtime
from stepwell.workers.calling import described, named
from stepwell.workers.context import StepFault


def exception_of(problem: Problem, step_id: str) -> Exception:
    """The exception that a step's problem stands for: of its own class where that is loaded here, `TimeoutError` for
    what took too long, else `StepFailed`. Nothing is imported for it."""
    error = _own(problem)
    if error is None and problem.type == TIMEOUT:
        error = TimeoutError(problem.detail)
    if error is None:
        error = StepFailed(step_id, problem)
    error.__dict__["stepwell_step"] = step_id
    error.__dict__["stepwell_problem"] = problem
    return error


def problem_of(error: BaseException) -> tuple[Problem, str | None]:
    """What the journal says of the exception that ended a workflow, and the step that it came from, if it did."""
    known = error.__dict__.get("stepwell_problem") if hasattr(error, "__dict__") else None
    if isinstance(known, Problem):
        return known, error.__dict__.get("stepwell_step")
    if isinstance(error, StepFault):
        return error.problem, None
    found = runtime(described(error))
    return Problem(found.type, found.status, found.title, found.detail, None, named(error)), None


def _own(problem: Problem) -> Exception | None:
    if problem.exception is None:
        return None
    module, _, name = str(problem.exception.get("type", "")).partition(":")
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    if not (isinstance(found, type) and issubclass(found, Exception)):
        return None
    arguments = problem.exception.get("args")
    try:
        error = found(*(arguments if isinstance(arguments, list) else ()))
    except Exception:  # noqa: BLE001 - a class whose arguments are not its `args`
        return None
    if isinstance(error, StepFault):
        error.problem = problem
    return error if hasattr(error, "__dict__") else None
