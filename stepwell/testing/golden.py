"""A run's history as a file that a test compares with: what happened and when, without what differs in every test."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from stepwell.client.client import Client
from stepwell.client.views import View, error_view
from stepwell.model.base import SECOND, Instant
from stepwell.model.events import NAMES, SAME
from stepwell.model.journal import Turn
from stepwell.model.problem import Problem

_INSTANTS: Final = frozenset({"due", "deadline", "attempt_deadline"})

_LINE: Final = re.compile(r"(?<=\.py):\d+(?=, in )")
"""Where a function failed: the file and the function matter, the line moves with every edit."""

ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

UPDATE: Final = "--stepwell-update-golden"


async def normalised(client: Client, run_id: str) -> list[View]:
    """The events of a run, each `{"turn", "at", "type", …}`: times in seconds since the run was created, ids of runs as
    `<run 1>` (this one) and so on, the definition's hash left out, and whatever equals the default of
    its field; lines of code without their number."""
    turns = await client.engine.store.turns(run_id)
    text = json.dumps(_events(turns), ensure_ascii=False)
    seen = {run_id: "<run 1>"}
    text = ID.sub(lambda found: seen.setdefault(found[0], f"<run {len(seen) + 1}>"), text)
    events: list[View] = json.loads(_LINE.sub("", text.replace(run_id, "<run 1>")))
    return events


def _events(turns: Sequence[Turn]) -> list[View]:
    began = turns[0].at if turns else 0
    return [
        {
            "turn": turn.seq,
            "at": _since(began, turn.at),
            "type": NAMES[type(event)],
            **_fields(event, began),
        }
        for turn in turns
        for event in turn.events
    ]


def _fields(event: Any, began: Instant) -> View:
    defaults = event._field_defaults
    return {
        name: _value(name, value, began)
        for name, value in event._asdict().items()
        if value is not SAME
        and name != "definition_hash"
        and (name not in defaults or value != defaults[name])
    }


def _value(name: str, value: Any, began: Instant) -> Any:
    if isinstance(value, Problem):
        return {member: said for member, said in (error_view(value) or {}).items() if said is not None}
    if name in _INSTANTS and value is not None:
        return _since(began, value)
    return value


def _since(began: Instant, instant: Instant) -> str:
    seconds, rest = divmod(instant - began, SECOND)
    return f"+{seconds}.{rest:06d}".rstrip("0").rstrip(".") + "s" if rest else f"+{seconds}s"


def compare(events: Sequence[View], file: Path, *, update: bool) -> None:
    """Raises `AssertionError` with a diff where the file tells another history; with `update` it is written anew."""
    lines = ["[", *(f"  {json.dumps(event, ensure_ascii=False)}," for event in events)]
    lines[-1] = lines[-1].removesuffix(",")
    text = "\n".join([*lines, "]", ""])
    if update:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        return
    assert file.exists(), f"there is no golden history {file}: write it with pytest {UPDATE}"
    golden = file.read_text("utf-8")
    if golden != text:
        diff = difflib.unified_diff(
            golden.splitlines(), text.splitlines(), str(file), "this run", lineterm="", n=1
        )
        raise AssertionError(
            "\n".join(["the history is another one:", *diff, f"if that is meant: pytest {UPDATE}"])
        )
