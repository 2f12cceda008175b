"""Lines of inboxes and of audits."""

from __future__ import annotations

from collections.abc import Iterator

from stepwell.client.asked import ASKED_FOR
from stepwell.client.pieces import event_views
from stepwell.client.views import View, when
from stepwell.model.base import Instant
from stepwell.model.events import RunCreated, StepStarted, TurnSigned
from stepwell.model.journal import Turn
from stepwell.model.people import ActorKind, WorkItem


def item_view(item: WorkItem, run_title: str | None, now: Instant) -> View:
    """A line of an inbox."""
    return {
        "run_id": item.run_id,
        "step": item.step,
        "task": item.task,
        "title": item.title,
        "kind": item.kind.removeprefix("call:"),
        "state": item.state,
        "workflow": item.workflow,
        "run_title": run_title,
        "section": item.section,
        "priority": item.priority,
        "since": when(item.since),
        "due": when(item.due),
        "overdue": item.due is not None and item.due < now,
        "people": list(item.people),
        "groups": list(item.groups),
    }


def audit_view(turn: Turn) -> Iterator[View]:
    """What somebody asked for in this turn: a line for each thing. (What came of it is in the history.)"""
    by, kind = _signer(turn)
    if by is None:
        return
    for view, event in zip(event_views(turn), turn.events, strict=True):
        began_by_itself = isinstance(event, StepStarted) and event.by is None
        if type(event) in ASKED_FOR and not began_by_itself:
            told = {
                "seq": view.pop("seq"),
                "at": view.pop("at"),
                "by": by,
                "kind": kind,
                "what": view.pop("type"),
            }
            # an event's own words never stand for whoever signed
            yield told | {name: value for name, value in view.items() if name not in told}


def _signer(turn: Turn) -> tuple[str | None, str]:
    """Who asked for the turn: whoever signed it, or the author of the run in its first."""
    for event in turn.events:
        if isinstance(event, TurnSigned):
            return event.by, event.kind
    first = turn.events[0] if turn.events else None
    return (first.author if isinstance(first, RunCreated) else None), ActorKind.PERSON.value
