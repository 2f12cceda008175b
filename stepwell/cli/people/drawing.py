"""A step that people do, drawn for a terminal: its form, where it stands, who did what, and what can be done now."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import Any, Final

from stepwell.cli.outcome import error_lines
from stepwell.cli.people.conditions import condition_lines, mark, moment
from stepwell.cli.people.fields import name_of, options_of, rules_of, shown
from stepwell.cli.runs.showing import instant
from stepwell.cli.screen import clean, line, table, tint
from stepwell.client.open_steps import span
from stepwell.definition.forms.field import Field
from stepwell.model.base import Instant

STYLES: Final = {"completed": "green", "failed": "red", "timed_out": "red", "skipped": "bright_black"}
_WIDTH: Final = 11


def step_lines(view: dict[str, Any], fields: Sequence[Field], now: Instant) -> list[str]:
    """The whole step, as `show_step` tells it."""
    status = view["status"]
    lines = [
        tint(line(view["title"]), bold=True) + f"  {line(view['task'])}  {line(view['kind'])}",
        _row("run", f"{view['run_id']}, {view['run_status']}"),
        _row("step", view["step"]),
        _row("state", "") + tint(status, STYLES.get(status, "yellow")) + line(_state(view), 200),
        *_facts(view, now),
    ]
    lines += [f"  {clean(text)}" for text in (view.get("content") or "").splitlines()]
    lines += ["form", *form_lines(fields, view)] if fields else []
    lines += _output(view, fields)
    lines += (
        ["condition", *(f"  {text}" for text in condition_lines(view["condition"], now))]
        if view.get("condition")
        else []
    )
    lines += ["measured", *_captures(view)] if view.get("captures") else []
    lines += ["actions", *_actions(view)] if view.get("actions") else []
    lines += ["approval", *approval_lines(view["approval"], now)] if view.get("approval") else []
    lines += ["error", *error_lines(view["error"])] if view["error"] else []
    return [text.rstrip() for text in [*lines, *stamp_lines(view.get("stamps") or {}, now)]]


def _row(name: str, value: str) -> str:
    return f"  {name:<{_WIDTH}}{line(value)}"


def _state(view: dict[str, Any]) -> str:
    """What there is to say beside its status."""
    parts = [f"version {view['version']}"] if "version" in view else []
    parts += ["required"] if view.get("required") else []
    parts += ["outdated: a step before it is done again"] if view.get("outdated") else []
    parts += ["submits itself once it is complete"] if view.get("auto_proceed") else []
    parts += [f"skipped: {view['skip_reason']}"] if view.get("skip_reason") else []
    return "".join(f", {part}" for part in parts)


def _facts(view: dict[str, Any], now: Instant) -> Iterator[str]:
    facts = {
        "section": view["section"],
        "for": whose(view),
        "due": due_words(view["due"], now),
        "waits for": ", ".join(view.get("waits_for", ())),
        "repeats": view.get("repeat_of"),
        "replaced by": view.get("replaced_by"),
        "about": view["description"],
    }
    for name, value in facts.items():
        if value:
            yield _row(name, value)


def whose(view: dict[str, Any]) -> str:
    """Who is to do it: `people` and `groups` of an assignment or of a line of an inbox."""
    found = view.get("assign") or view
    named = [*found.get("people", ()), *(f"group {name}" for name in found.get("groups", ()))]
    return line(" or ".join(named)) or "anybody"


def due_words(due: str | None, now: Instant) -> str:
    """How it stands to its soft deadline."""
    if due is None:
        return ""
    left = instant(due) - now
    return f"in {span(left)}" if left >= 0 else f"overdue {span(-left)}"


def form_lines(fields: Sequence[Field], view: dict[str, Any]) -> list[str]:
    """A row for each field: id, label, what stands in it, what it takes."""
    values, missing = (
        view["values"],
        set(view["missing"]) if view["status"] in ("pending", "running") else set(),
    )
    rows = [
        (
            f"  {'!' if field.id in missing else ' '} {field.id}",
            name_of(field),
            shown(values.get(field.id)),
            _takes(field),
        )
        for field in fields
    ]
    return table(rows)


def _takes(field: Field) -> str:
    options = ", ".join(words for _, words in options_of(field))
    return line(rules_of(field) + (f": {options}" if options else ""), 160)


def _output(view: dict[str, Any], fields: Sequence[Field]) -> list[str]:
    """What later steps read, where it is not just what was filled in."""
    output = view["output"]
    if output is None or (fields and output == view.get("values")):
        return []
    if not isinstance(output, dict):
        return [_row("output", shown(output))]
    return ["output", *table([(f"    {line(name)}", shown(value)) for name, value in output.items()])]


def _captures(view: dict[str, Any]) -> Iterator[str]:
    for name, record in view["captures"].items():
        told = (
            shown(record["value"])
            if "value" in record
            else record.get("detail") or record.get("reason") or ""
        )
        yield f"  {mark(record['status'])} {line(name)}  {record['status'].replace('_', ' ')}  {line(str(told), 120)}"


def _actions(view: dict[str, Any]) -> Iterator[str]:
    for action in view["actions"]:
        error = action.get("error") or {}
        why = error.get("detail") or error.get("title") or ""
        yield f"  {mark(action['status'])} {action['action']}  {action['status'].replace('_', ' ')}  {line(why, 120)}"


def approval_lines(approval: dict[str, Any], now: Instant) -> Iterator[str]:
    """What is asked of whom, and who said what."""
    given = f"{approval['given']} of {approval['need']} have approved"
    yield f"  {line(approval['what'], 120)}: {approval['status']}, {given}"
    yield f"  asked of {line(approval['who'])}" + (
        f", not of {line(', '.join(approval['excluded']))}" if approval["excluded"] else ""
    )
    if approval["due"] and approval["status"] == "pending":
        yield f"  rejected {moment(instant(approval['due']), now)} if nobody decides"
    for said in approval["decisions"]:
        why = f": {said['comment']}" if said["comment"] else ""
        yield f"  {line(said['by'])} said {said['verdict']}{line(why)}, {moment(instant(said['at']), now)}"
    for handed in approval["delegations"]:
        yield f"  {line(handed['by'])} handed it on to {line(handed['to'])}"


def stamp_lines(stamps: dict[str, Any], now: Instant) -> list[str]:
    """Who did what, and when."""
    rows = [
        (f"  {what}", stamp["at"], moment(instant(stamp["at"]), now), _by(stamp))
        for what, stamp in stamps.items()
    ]
    return ["who and when", *table(rows)] if rows else []


def _by(stamp: dict[str, Any]) -> str:
    why = f": {stamp['reason']}" if stamp["reason"] else ""
    return line(f"by {stamp['by'] or 'the engine'}{why}", 140)


def place_of(view: dict[str, Any]) -> str:
    """RUN and STEP as commands take them: the task's name where that is this step, else its id."""
    named = not (view.get("replaced_by") or "[" in view["step"])
    return f"{view['run_id']} {shlex.quote(view['task'] if named else view['step'])}"


def can_lines(view: dict[str, Any]) -> list[str]:
    """The commands for what can be asked of the step now."""
    place = place_of(view)
    if not view.get("can"):
        return []
    rows = [
        (f"  stepwell step {COMMANDS[what].format(place)}", WORDS[what])
        for what in view["can"]
        if what in COMMANDS
    ]
    if "decide" in view["can"]:
        rows += [(f"  stepwell step {word} {place}", word + " it") for word in ("approve", "reject")]
    return ["what can be done:", *table(rows)] if rows else []


COMMANDS: Final = {
    "start": "start {}",
    "set_values": "set {}",
    "submit": "submit {}",
    "skip": "skip {} --reason TEXT",
    "fail": "fail {} --reason TEXT",
    "repeat": "repeat {}",
    "assign": "assign {} --to NAME",
}
WORDS: Final = {
    "start": "begin it",
    "set_values": "change what stands in it",
    "submit": "hand it in",
    "skip": "leave it out",
    "fail": "say that it failed",
    "repeat": "do it again",
    "assign": "say whose it is",
}
