"""The live display: a tree of steps that moves while the run does. The only place that needs rich."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from stepwell.cli.screen import line
from stepwell.cli.tree import MARKS, Row, fit, rows_of
from stepwell.client.explain import LEFT_TO_PEOPLE, explain
from stepwell.client.open_steps import span
from stepwell.client.progress import progress_of
from stepwell.definition.model import Definition
from stepwell.model.base import Instant
from stepwell.model.journal import Turn
from stepwell.model.records import State
from stepwell.model.states import RunStatus, StepStatus

SPINNER: Final = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
RUN_STYLES: Final = {
    RunStatus.COMPLETED: MARKS[StepStatus.COMPLETED],
    RunStatus.FAILED: MARKS[StepStatus.FAILED],
    RunStatus.TIMED_OUT: MARKS[StepStatus.TIMED_OUT],
    RunStatus.CANCELLED: MARKS[StepStatus.CANCELLED],
    RunStatus.TERMINATED: MARKS[StepStatus.CANCELLED],
    RunStatus.PAUSED: MARKS[StepStatus.PAUSED],
    RunStatus.RUNNING: MARKS[StepStatus.RUNNING],
}
BAR: Final = 24
HELD: Final = frozenset({"paused", "paused_by_debugger", "pausing", "cancelling"}) | LEFT_TO_PEOPLE
"""Reasons for which the display says what a person can do."""


class LiveTree:
    """A `Screen` that draws on a terminal; it takes as many rows as the terminal has. `commands` makes the commands
    that it shows work as they stand."""

    def __init__(
        self,
        definition: Definition,
        console: Console | None = None,
        *,
        commands: Callable[[str], str] = str,
    ) -> None:
        self._definition = definition
        self._commands = commands
        self._console = console or Console()
        self._live = Live(console=self._console, auto_refresh=False, transient=False)
        self._said = ""
        self._live.start()

    def show(self, state: State, turns: Sequence[Turn], now: Instant) -> None:
        self._live.update(self._picture(state, now), refresh=True)

    def note(self, text: str) -> None:
        self._said = text

    def close(self) -> None:
        self._live.stop()

    def _picture(self, state: State, now: Instant) -> Group:
        frame = SPINNER[now // 100_000 % len(SPINNER)] if not self._console.legacy_windows else "*"
        rows = fit(rows_of(state, now), max(4, self._console.height - 5))
        lines = [_head(state, now), *(self._line(row, frame) for row in rows)]
        if not state.run.status.terminal:
            lines.append(_progress(state, self._definition))
            lines += self._advice(state, now)
        return Group(*lines)

    def _advice(self, state: State, now: Instant) -> list[Text]:
        if self._said:
            return [_text(self._said, "yellow")]
        told = explain(state, now, carried_on=True)
        if told["reason"] not in HELD:
            return []
        command = self._commands(told["next_actions"][0]["command"])
        # A command that is cut cannot be given: it goes on in the next line instead.
        return [_text(told["summary"], "yellow"), Text("  " + line(command), "bold", overflow="fold")]

    def _line(self, row: Row, frame: str) -> Text:
        text = Text("  " * (row.depth + 1), no_wrap=True, overflow="ellipsis")
        if row.mark is None:
            return text.append(row.name, "bright_black")
        if self._console.encoding.startswith("utf"):
            symbol = frame if row.mark.symbol == "●" else row.mark.symbol
        else:
            symbol = row.mark.plain
        text.append(f"{symbol} ", row.mark.style)
        text.append(line(row.name), "bold" if row.live else "")
        text.append(f"  {row.kind}", "bright_black")
        return text.append(f"  {line(row.note)}", row.mark.style if row.bad or row.live else "bright_black")


def _text(text: str, style: str) -> Text:
    return Text(line(text), style, no_wrap=True, overflow="ellipsis")


def _head(state: State, now: Instant) -> Text:
    run = state.run
    mark = RUN_STYLES.get(run.status, MARKS[StepStatus.WAITING])
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(line(f"{run.name} {run.version}"), "bold").append(f"  {run.id}", "bright_black")
    text.append(f"  {run.status.value}", mark.style)
    return text.append(f"  {span((run.ended_at or now) - run.created_at)}", "bright_black")


def _progress(state: State, definition: Definition) -> Text:
    numbers = progress_of(state, definition)
    done = numbers.completed + numbers.skipped + numbers.failed
    filled = BAR * done // max(1, numbers.total)
    text = Text("  ", no_wrap=True, overflow="ellipsis")
    text.append("━" * filled, "green").append("━" * (BAR - filled), "bright_black")
    text.append(f" {done} of {numbers.total} steps")
    words = ((numbers.failed, "failed", "red"), (numbers.skipped, "skipped", "bright_black"))
    for count, word, style in words:
        if count:
            text.append(f", {count} {word}", style)
    return text
