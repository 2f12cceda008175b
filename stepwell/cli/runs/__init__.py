"""`stepwell runs …`: looking at runs and steering them, whoever carries them on."""

from __future__ import annotations

import click

from stepwell.cli.lazy import LazyGroup

_LOOK, _INSPECT, _STEER, _AGAIN = (
    f"stepwell.cli.runs.{name}" for name in ("look", "inspect", "steer", "again")
)


@click.group(
    cls=LazyGroup,
    commands_in={
        "list": (f"{_LOOK}:list_", "List runs, newest first."),
        "show": (f"{_LOOK}:show", "Show a run with its steps, times, attempts and errors."),
        "watch": (f"{_AGAIN}:watch", "Follow a run until it ends."),
        "explain": (f"{_LOOK}:explain", "Say why a run stands where it stands, and what can be done."),
        "timeline": (f"{_INSPECT}:timeline", "Show where a run's time went, as bars."),
        "history": (f"{_LOOK}:history", "Print a run's journal, event by event."),
        "variables": (f"{_LOOK}:variables", "Print a run's variables."),
        "attributes": ("stepwell.cli.runs.attributes:attributes", "Print or set what a run is searched by."),
        "metadata": (
            "stepwell.cli.runs.metadata:metadata",
            "Print or set title, labels, properties and more.",
        ),
        "search": ("stepwell.cli.search:runs", "Find runs by what they are called and what became of them."),
        "pause": (f"{_STEER}:pause", "Start nothing new in a run."),
        "resume": (f"{_STEER}:resume", "Let a paused run, or a held step, go on."),
        "cancel": (f"{_STEER}:cancel", "Stop a run gently."),
        "terminate": (f"{_STEER}:terminate", "Stop a run at once."),
        "retry": (f"{_AGAIN}:retry", "Go on with a failed run from what failed."),
        "rerun": (f"{_AGAIN}:rerun", "Start a run's definition anew."),
        "fork": ("stepwell.cli.runs.talk:fork", "Go another way from one step of a run, as a new run."),
        "migrate": ("stepwell.cli.runs.migrate:migrate", "Let a paused run go on with another version."),
        "signal": ("stepwell.cli.runs.talk:signal", "Send a signal to a run."),
    },
)
def command() -> None:
    """Look at runs and steer them, also while another process carries them on.

    RUN is the id of a run, or as much of its beginning as makes it the only one; --key K stands for the run that was
    started with that key.

    Example: stepwell runs list --status failed
    """
