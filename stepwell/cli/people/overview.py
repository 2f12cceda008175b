"""A run of a procedure as a whole, drawn for a terminal: fields, steps by section with marks, what comes next."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any, Final

from stepwell.cli.outcome import error_lines
from stepwell.cli.people.conditions import moment
from stepwell.cli.people.drawing import stamp_lines
from stepwell.cli.people.fields import name_of, shown
from stepwell.cli.runs.showing import STATUS_STYLES, instant
from stepwell.cli.screen import can_draw, line, table, tint
from stepwell.cli.tree import MARKS
from stepwell.definition.forms.reading import read_fields
from stepwell.model.base import Instant
from stepwell.model.states import StepStatus

Lines = Mapping[str, list[str]]


def overview(view: dict[str, Any], told: dict[str, Any], now: Instant) -> list[str]:
    """`view` as of `Client.procedure`, `told` as of `Client.explain`."""
    status = view["status"]
    held = ", held: it waits to be begun" if view["held"] else ""
    done = sum(step["status"] in ("completed", "skipped") for step in view["steps"])
    lines = [
        tint(line(view["title"]), bold=True) + f"  {line(view['run_id'])}",
        f"  state    {tint(status, STATUS_STYLES.get(status, 'yellow'))}{held}, "
        f"{done} of {len(view['steps'])} steps done",
        *_fields(view),
        *_sections(view, now),
    ]
    lines += ["error", *error_lines(view["error"])] if view["error"] else []
    lines += stamp_lines(view["stamps"], now)
    lines += [line(told["summary"]), *_actions(view, told)]
    return [text.rstrip() for text in lines]


def _fields(view: dict[str, Any]) -> list[str]:
    fields = read_fields(view["form"])
    rows = [(f"  {name_of(field)}", shown(view["fields"].get(field.id))) for field in fields]
    return ["fields", *table(rows)] if rows else []


def _sections(view: dict[str, Any], now: Instant) -> Iterator[str]:
    """The steps, each below its section; those of no section (or of one that is not there) first."""
    names = {step["step"]: step["task"] for step in view["steps"]}
    rows = table([_step(step, names, now) for step in view["steps"]])
    known = set(_ids(view["sections"]))
    by_section: dict[str, list[str]] = {}
    for step, row in zip(view["steps"], rows, strict=True):
        section = step["section"] if step["section"] in known else ""
        by_section.setdefault(section, []).append(_marked(step) + row)
    yield "steps"
    yield from (f"  {row}" for row in by_section.get("", ()))
    yield from _below(view["sections"], by_section, 1)


def _ids(sections: list[dict[str, Any]]) -> Iterator[str]:
    for section in sections:
        yield section["id"]
        yield from _ids(section["sections"])


def _below(sections: list[dict[str, Any]], steps: Lines, depth: int) -> Iterator[str]:
    for section in sections:
        yield "  " * depth + tint(line(section["title"]), bold=True)
        yield from ("  " * (depth + 1) + row for row in steps.get(section["id"], ()))
        yield from _below(section["sections"], steps, depth + 1)


def _marked(step: dict[str, Any]) -> str:
    mark = MARKS[StepStatus(step["status"])]
    return tint(mark.symbol if can_draw() else mark.plain, mark.style) + " "


def _step(step: dict[str, Any], names: Mapping[str, str], now: Instant) -> tuple[str, ...]:
    return (
        line(step["task"], 30) + ("*" if step["required"] else ""),
        line(step["title"], 40) if step["title"] != step["task"] else "",
        line(step["kind"]),
        _stands(step, names, now),
    )


def _stands(step: dict[str, Any], names: Mapping[str, str], now: Instant) -> str:
    """Its status; who brought it there and when, or what it waits for."""
    status = step["status"]
    if step["waits_for"] and status == "pending":
        return line(f"waits for {', '.join(names.get(each, each) for each in step['waits_for'])}", 80)
    if status == "pending" and "start" in step["can"]:
        return "to be begun"
    if status == "running" and "submit" in step["can"]:
        return "to be filled in"
    stamps = step["stamps"] or {}
    wanted = {"running": "started", "submitted": "submitted"}.get(status, status)
    stamp = stamps.get(wanted)
    if stamp is None:
        return str(status)
    by = stamp["by"]
    if status == "completed":  # that is the engine's: what counts is who handed it in
        by = by or (stamps.get("submitted") or {}).get("by")
    who = f" by {by}" if by else ""
    why = f": {stamp['reason']}" if stamp["reason"] else ""
    return line(f"{status}{who}, {moment(instant(stamp['at']), now)}{why}", 100)


def _actions(view: dict[str, Any], told: dict[str, Any]) -> list[str]:
    """First what people can do with its steps, then what can be done about the run."""
    run, found = view["run_id"], told["next_actions"]
    rows = [
        (f"  stepwell step show {run} {shlex.quote(step['task'])}", WORDS[what])
        for step in view["steps"]
        for what in ("start", "submit", "decide")
        if what in (step["can"] or ())
    ]
    shown = ("procedures status", "step show", "inbox")
    rows += [
        (f"  {action['command']}", action["action"])
        for action in found
        if not action["command"].removeprefix("stepwell ").startswith(shown)
    ]
    return ["what can be done:", *table(rows)] if rows else []


WORDS: Final = {"start": "begin it", "submit": "fill it in", "decide": "decide on it"}
