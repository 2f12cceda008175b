"""`stepwell step …`: looking at one step that people do, and doing it."""

from __future__ import annotations

import click

from stepwell.cli.lazy import LazyGroup

_SHOW, _FORM, _STEER, _DECIDE = (
    f"stepwell.cli.people.{name}" for name in ("showing", "forms", "steering", "deciding")
)


@click.group(
    cls=LazyGroup,
    commands_in={
        "show": (f"{_SHOW}:show", "Show a step: its form, who did what, and what can be done."),
        "start": (f"{_STEER}:start", "Begin a step that waits for it."),
        "set": (f"{_FORM}:set_", "Change what stands in its form."),
        "submit": (f"{_FORM}:submit", "Hand its form in."),
        "skip": (f"{_STEER}:skip", "Leave it out, with a reason."),
        "fail": (f"{_STEER}:fail", "Say that it failed, with a reason."),
        "repeat": (f"{_FORM}:repeat", "Do a finished step again."),
        "assign": (f"{_STEER}:assign", "Say whose it is from now on."),
        "approve": (f"{_DECIDE}:approve", "Approve what it asks for."),
        "reject": (f"{_DECIDE}:reject", "Reject it."),
        "delegate": (f"{_DECIDE}:delegate", "Let somebody else decide."),
    },
)
def command() -> None:
    """Look at a step that people do, and do it; whatever engine carries the run on, or none.

    RUN is the id of a run, or as much of its beginning as makes it the only one; STEP the name of a task, or the id of
    a step. Who you are goes on record: --as, or STEPWELL_USER, or the login name.

    Exit code 1: it was refused, and nothing is changed; or the step failed by what was handed in (not where that was
    asked for: fail, reject). 2: what was filled in is not valid, and nothing is changed.

    Example: stepwell step submit 01936c2e check --value pressure=4.5
    """
