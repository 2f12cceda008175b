"""What is put on record where a step's outcome cannot be stored."""

from __future__ import annotations

from stepwell.model.commands import Command, CompleteStep, DeferStep, FailStep
from stepwell.model.errors import InvalidInput
from stepwell.model.problem import runtime


def failure(command: Command, refused: InvalidInput) -> FailStep | None:
    """The failure of the step, which can be stored whatever it says; None where the command is no outcome of one."""
    if isinstance(command, FailStep):
        said = f"{command.problem.detail or command.problem.title} ({refused.message})"
        return FailStep(command.step, command.attempt, runtime(_storable(said)), command.retry, command.after)
    if isinstance(command, CompleteStep | DeferStep):
        return FailStep(command.step, command.attempt, runtime(_storable(refused.message)))
    return None


def _storable(text: str) -> str:
    """Halves of characters are what a text cannot be stored for."""
    return text.encode(errors="backslashreplace").decode()
