"""Runs in words for a terminal: lists, trees, explanations, events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from stepwell.cli.outcome import error_lines
from stepwell.cli.screen import can_draw, line, lines_of, pretty, table, tint
from stepwell.cli.tree import Row, rows_of
from stepwell.client.detail import shape_of
from stepwell.client.open_steps import span
from stepwell.client.views import error_view, when
from stepwell.model.base import EPOCH, Instant
from stepwell.model.deadline import standing
from stepwell.model.records import Run, State

STATUS_STYLES: Final = {
    "completed": "green",
    "failed": "red",
    "timed_out": "red",
    "cancelled": "magenta",
    "terminated": "magenta",
    "running": "blue",
}
WIDEST: Final = 48


def listing(view: dict[str, Any], now: Instant, *, titles: bool = False) -> list[str]:
    """A table; the words of a status say what its colour says. `titles`: runs by their titles, if they have one;
    otherwise a title has a column of its own, where there is any."""
    runs = view["runs"]
    if not runs:
        return ["no runs"]
    rows: list[tuple[str, ...]] = [("RUN", "NAME", "STATUS", "STARTED", "TOOK", "ERROR")]
    rows += [_cells(run, now, run["title"] if titles else None) for run in runs]
    if not titles and any(run["title"] for run in runs):
        column = ["TITLE", *(line(run["title"] or "-", WIDEST) for run in runs)]
        rows = [(*row[:2], title, *row[2:]) for row, title in zip(rows, column, strict=True)]
    lines = table(rows)
    for number, run in enumerate(runs, 1):
        status = run["status"]
        lines[number] = lines[number].replace(
            f" {status} ", f" {tint(status, STATUS_STYLES.get(status, 'yellow'))} ", 1
        )
    if view["next"] is not None:
        lines.append(f"more: --cursor {view['next']}")
    return [text.rstrip() for text in lines]


def _cells(run: dict[str, Any], now: Instant, title: str | None = None) -> tuple[str, ...]:
    created, ended = instant(run["created_at"]), run["ended_at"]
    took = span((instant(ended) if ended is not None else now) - created)
    error = run["error"] or {}
    return (
        run["run_id"],
        line(title or f"{run['name']}:{run['version']}", WIDEST),
        run["status"],
        f"{span(now - created)} ago",
        took,
        line(str(error.get("detail") or error.get("title") or ""), WIDEST),
    )


def instant(text: str) -> Instant:
    """From RFC 3339 back to microseconds."""
    past = datetime.fromisoformat(text) - EPOCH
    return (past.days * 86_400 + past.seconds) * 1_000_000 + past.microseconds


def count_lines(counts: dict[str, int]) -> list[str]:
    """A line for each status that occurs, and the sum."""
    rows = [(status, str(count)) for status, count in counts.items()]
    return table([*rows, ("all", str(sum(counts.values())))])


def overview(state: State, now: Instant, detail: str = "full") -> list[str]:
    """The run, its steps as a tree, its outcome."""
    run = state.run
    status = run.status.value
    lines = [
        tint(f"{run.namespace}/{run.name}:{run.version}", bold=True) + f"  {run.id}",
        f"  status   {tint(status, STATUS_STYLES.get(status, 'yellow'))}",
        *_facts(state, now),
        *_payload("input", run.input, detail),
        "  steps",
        *(f"    {_step_line(row)}" for row in rows_of(state, now)),
    ]
    if run.stalled is not None and not run.status.terminal:
        lines += ["  stalled", *(f"  {text}" for text in error_lines(error_view(run.stalled) or {}))]
    if run.error is not None:
        lines += ["  error", *(f"  {text}" for text in error_lines(error_view(run.error) or {}))]
    elif status == "completed":
        lines += _payload("output", run.output, detail)
    return lines


def _facts(state: State, now: Instant) -> Iterator[str]:
    run = state.run
    yield f"  created  {when(run.created_at)}"
    if run.ended_at is not None:
        yield f"  ended    {when(run.ended_at)}, after {span(run.ended_at - run.created_at)}"
    facts = {
        "title": run.title,
        "labels": ", ".join(run.labels),
        "properties": ", ".join(f"{name}={value}" for name, value in run.properties.items()),
        "author": run.author,
        "archived": "yes" if run.archived else "",
        "key": run.key,
        "tags": ", ".join(f"{name}={value}" for name, value in run.tags.items()),
        "attributes": json.dumps(run.attributes, ensure_ascii=False) if run.attributes else "",
        "parent": run.parent_id,
        "rerun of": run.rerun_of,
        "fork of": run.forked_from,
        "before": run.continued_from,
        "goes on": run.continued_to,
        "reason": run.cancel_reason or run.pause_reason,
        "expected": _expected(run, now),
    }
    for name, value in facts.items():
        if value:
            yield f"  {name:<8} {line(value)}"


def _expected(run: Run, now: Instant) -> str:
    """Its soft deadline, and how it stands to it."""
    if run.expected is None:
        return ""
    stands = standing(run.expected, now, run.ended_at) or ""
    return f"by {when(run.expected['due'])}: {stands.replace('_', ' ')}"


def _step_line(row: Row) -> str:
    if row.mark is None:
        return line(row.name)
    symbol = row.mark.symbol if can_draw() else row.mark.plain
    head = "  " * row.depth + tint(symbol, row.mark.style)
    note = tint(line(row.note), row.mark.style if row.bad else "bright_black")
    which = f"  {tint(line(row.id))}" if row.id else ""
    return f"{head} {tint(row.name)}{which}  {tint(row.kind, 'bright_black')}  {note}".rstrip()


def _payload(name: str, value: Any, detail: str) -> list[str]:
    """What went in on one line, what came out on several; of either only the shape, or nothing."""
    if detail == "summary":
        return []
    if detail == "standard":
        return [f"  {name:<8} {line(json.dumps(shape_of(value)))}"]
    if name == "input":
        return [f"  {name:<8} {line(json.dumps(value, ensure_ascii=False), 100)}"]
    return [f"  {name}", *(f"    {text}" for text in pretty(value).splitlines())]


def explanation(view: dict[str, Any]) -> list[str]:
    lines = [tint(f"run {view['run_id']}: {view['reason']}", bold=True), *lines_of(view["summary"])]
    others = [detail["summary"] for detail in view["details"] if detail["summary"] != view["summary"]]
    lines += [f"  {line(text)}" for text in others[:20]]
    if view["evidence"]["error"] is not None:
        lines += error_lines(view["evidence"]["error"])
    lines.append("what can be done:")
    for action in view["next_actions"]:
        lines.append(f"  {tint(action['command'], bold=True)}")
        lines.append(f"      {line(action['action'])}")
    return lines


def event_line(event: dict[str, Any]) -> str:
    """`seq time type step rest`."""
    rest = {name: value for name, value in event.items() if name not in ("seq", "at", "type", "step")}
    kept = {name: value for name, value in rest.items() if value not in (None, "", {}, [], False)}
    words = [str(event["seq"]).rjust(4), event["at"], event["type"].ljust(15), event.get("step") or ""]
    words += [f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in kept.items()]
    return line(" ".join(words[:2])) + "  " + line(" ".join(words[2:]), 400)
