"""Lines for where no terminal is: one for each change of a step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from stepwell.cli.screen import line, write
from stepwell.client.explain import LEFT_TO_PEOPLE, explain
from stepwell.client.open_steps import problem_text, span
from stepwell.model import events as e
from stepwell.model.base import SECOND, Instant
from stepwell.model.journal import Turn
from stepwell.model.records import State


class PlainLines:
    """A `Screen` that prints what has changed. `put` gets each line. `commands` makes the commands in it work as they
    stand."""

    def __init__(self, put: Callable[[str], None] = write, *, commands: Callable[[str], str] = str) -> None:
        self._put, self._commands = put, commands
        self._advised = ""

    def show(self, state: State, turns: Sequence[Turn], now: Instant) -> None:
        for turn in turns:
            for event in turn.events:
                tell = LINES.get(type(event))
                if tell is not None:
                    took = (turn.at - state.run.created_at) / SECOND
                    self._put(f"{took:9.3f} s  {line(tell(state, event, turn.at))}")
        self._advise(state, now)

    def _advise(self, state: State, now: Instant) -> None:
        """Say it once when people have to go on with it."""
        told = explain(state, now, carried_on=True)
        command = told["next_actions"][0]["command"] if told["reason"] in LEFT_TO_PEOPLE else ""
        if command and command != self._advised:
            self._put(f"{line(told['summary'])}\n  {line(self._commands(command))}")
        self._advised = command

    def note(self, text: str) -> None:
        self._put(line(text))

    def close(self) -> None:
        pass


def _step(words: str) -> Callable[[State, Any, Instant], str]:
    return lambda state, event, at: f"step {event.step} {words}"


def _run(words: str) -> Callable[[State, Any, Instant], str]:
    return lambda state, event, at: f"run {state.run.id} {words}"


def _failed(words: str) -> Callable[[State, Any, Instant], str]:
    def tell(state: State, event: Any, at: Instant) -> str:
        goes_on = event.absorbed and state.run.code is None  # code may catch it, or not: that is seen later
        more = " (the run goes on)" if goes_on else ""
        return f"step {event.step} {words}: {problem_text(event.error)}{more}"

    return tell


def _retrying(state: State, event: e.StepRetrying, at: Instant) -> str:
    return f"step {event.step} failed, tried again in {span(event.due - at)}: {problem_text(event.error)}"


def _waiting(state: State, event: e.StepWaiting, at: Instant) -> str:
    until = f", {span(event.due - at)}" if event.due is not None else ""
    return f"step {event.step} waits for {event.reason}{until}"


def _recovered(state: State, event: e.StepRecovered, at: Instant) -> str:
    """What was in flight when the run was forked is performed in the fork too; else whoever performed it is gone."""
    run, step = state.run, state.steps[event.step]
    begun = step.attempts[-1].started_at if step.attempts else None
    forked = run.forked_from is not None and begun is not None and begun <= run.created_at
    return f"step {event.step} performed again {'in this fork' if forked else 'after a crash'}"


def _created(state: State, event: e.RunCreated, at: Instant) -> str:
    return f"run {event.run_id} of {event.namespace}/{event.name}:{event.version} created"


LINES: Final[dict[type[Any], Callable[[State, Any, Instant], str]]] = {
    e.RunCreated: _created,
    e.RunPausing: _run("is pausing"),
    e.RunPaused: _run("is paused"),
    e.RunResumed: _run("goes on"),
    e.RunCancelling: _run("is being cancelled"),
    e.RunCompensating: _run("undoes what it has done"),
    e.RunRetried: _run("was opened again"),
    e.StepScheduled: _step("scheduled"),
    e.StepPaused: _step("paused by the debugger"),
    e.StepReleased: _step("let go"),
    e.StepStarted: _step("started"),
    e.StepWaiting: _waiting,
    e.StepRetrying: _retrying,
    e.StepRecovered: _recovered,
    e.StepProgressed: lambda state, event, at: f"step {event.step} progress: {event.progress}",
    e.StepCompleted: _step("completed"),
    e.StepFailed: _failed("failed"),
    e.StepTimedOut: _failed("timed out"),
    e.StepSkipped: lambda state, event, at: f"step {event.step} skipped: {event.reason}",
    e.StepCancelled: _step("cancelled"),
    e.StepReopened: _step("begins again"),
    e.StepResumed: _step("goes on"),
    e.StepOffered: _step("waits for a person to begin it"),
    e.StepSubmitted: _step("submitted"),
    e.StepRepeated: _step("is to be done again"),
    e.StepActionFailed: _failed("failed after its end"),
}
"""What is said of an event; of others nothing. The end of the run is told by the summary."""
