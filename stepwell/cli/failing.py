"""What goes wrong, as a message, a JSON object and an exit code."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from typing import Any, Final

import click

from stepwell.cli.screen import print_json, say
from stepwell.model.errors import (
    Conflict,
    Finding,
    InvalidDefinition,
    InvalidForm,
    InvalidInput,
    KeyConflict,
    Listed,
    NotFound,
    RunFailed,
    StepwellError,
    StoreError,
    VersionConflict,
    WaitTimeout,
)

INTERRUPTED: Final = 130
UNEXPECTED: Final = 70
LEFT_TO_PEOPLE: Final = 5
"""A procedure is open, and goes on when people do something."""

EXIT_CODES: Final[tuple[tuple[type[StepwellError], int], ...]] = (
    (InvalidDefinition, 2),
    (InvalidInput, 2),
    (NotFound, 2),
    (KeyConflict, 2),
    (Conflict, 1),
    (RunFailed, 1),
    (WaitTimeout, 3),
    (StoreError, 4),
)
"""The first that fits."""

RUN_CODES: Final = {
    "completed": 0,
    "continued": 0,
    "failed": 1,
    "cancelled": 3,
    "terminated": 3,
    "timed_out": 3,
}
"""Exit codes by the status in which a run ended."""


class Left(StepwellError):
    """Whoever watched has gone; the run stays open."""


def report(error: BaseException, *, as_json: bool, debug: bool) -> int:
    """Say what went wrong, once, and give the exit code."""
    if _broken_pipe(error):  # whoever read our output has seen enough
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    code, body, text = _told(error)
    if debug and not isinstance(error, click.ClickException | KeyboardInterrupt | click.Abort | SystemExit):
        traceback.print_exception(error)
    try:
        if as_json:
            print_json({"error": body})
        else:
            say(text, err=True)
    except OSError:  # nobody listens any more
        pass
    return code


def _broken_pipe(error: BaseException) -> bool:
    """Also as click passes it on: as an exit (nothing of ours asks for one)."""
    return isinstance(error, BrokenPipeError | SystemExit)


def _told(error: BaseException) -> tuple[int, dict[str, Any], str]:
    """(exit code, JSON, text)."""
    if isinstance(error, StepwellError):
        code = next((code for kind, code in EXIT_CODES if isinstance(error, kind)), 1)
        return INTERRUPTED if isinstance(error, Left) else code, error_json(error), error_text(error)
    if isinstance(error, click.ClickException):
        return 2, {"type": "usage", "message": error.format_message()}, _usage_text(error)
    if isinstance(error, click.Abort):
        return INTERRUPTED, {"type": "interrupted", "message": "nothing was changed"}, "nothing was changed"
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED, {"type": "interrupted", "message": "interrupted"}, "interrupted"
    message = f"{type(error).__name__}: {error}"
    hint = "this should not happen: set STEPWELL_DEBUG=1 to see where, and report it"
    return UNEXPECTED, {"type": "unexpected", "message": message, "hint": hint}, f"error: {message}\n  {hint}"


def error_json(error: StepwellError) -> dict[str, Any]:
    body: dict[str, Any] = {"type": error.kind, "message": error.message}
    if isinstance(error, InvalidDefinition):
        body["type"] = "invalid_definition"
        body["message"] = error.message.partition(":\n")[0]
        body["supported"] = error.kind != "not_supported"
        body["findings"] = [finding_json(finding) for finding in error.findings]
    else:
        body |= {"hint": error.hint or None, "retry": error.retry}
    if isinstance(error, InvalidForm):
        body["fields"] = error.fields
    if isinstance(error, VersionConflict):
        body["head"] = error.head
    if isinstance(error, Listed):
        body["reasons"] = list(error.reasons)
    if isinstance(error, InvalidForm):
        body["fields"] = error.fields
    return body


def finding_json(finding: Finding) -> dict[str, Any]:
    names = ("code", "message", "file", "line", "column", "pointer", "hint")
    return {name: getattr(finding, name) for name in names}


def error_text(error: StepwellError) -> str:
    if isinstance(error, InvalidDefinition):
        return "\n".join(map(str, error.findings))
    return f"error: {error.message}" + (f"\n  what next: {error.hint}" if error.hint else "")


def _usage_text(error: click.ClickException) -> str:
    lines = [f"error: {error.format_message()}"]
    context = getattr(error, "ctx", None)
    if context is not None:
        lines.append(f"  what next: {context.command_path} --help")
    return "\n".join(lines)
