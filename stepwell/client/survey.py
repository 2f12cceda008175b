"""How a whole store stands: runs by status, the oldest open ones and why they are, engines, and what needs somebody
(SPEC Q19). Unlike `checkup` it reads no journals but those of the few runs that it explains."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any, Final

from stepwell.client.explain import LEFT_TO_PEOPLE, explain
from stepwell.client.open_steps import problem_text
from stepwell.client.serving import serve
from stepwell.client.undone import SEEN_TO, failed_compensations, shortfall
from stepwell.client.views import View, when
from stepwell.engine.reading import Reading
from stepwell.model.base import SECOND, Duration, Instant
from stepwell.model.driven import DRIVEN
from stepwell.model.errors import StepwellError
from stepwell.model.journal import EngineRow, RunFilter, RunOrder, RunRow
from stepwell.model.records import State
from stepwell.model.states import RunStatus

OLDEST: Final = 20
"""so many open runs are explained"""
ENDED_BADLY: Final = (RunStatus.FAILED.value, RunStatus.CANCELLED.value, RunStatus.TIMED_OUT.value)
LAST: Final = 20
"""so many of the newest runs that ended badly are looked into"""
LOST: Final = 1_000
"""so many runs without an engine are asked for their code"""
OVERDUE: Final[Duration] = 60 * SECOND
"""so long after it was due nothing is about to happen any more"""

NEEDS_SOMEBODY: Final = {
    "paused": ("waits for a person to resume it", "wait for a person to resume them"),
    "paused_by_debugger": ("is held by a debugger's pause", "are held by a debugger's pause"),
    "code_missing": ("waits for its code", "wait for their code"),
    "code_mismatch": (
        "does not agree with its code any more",
        "do not agree with their code any more",
    ),
    "stalled": ("cannot go on", "cannot go on"),
    "out_of_time": ("is out of time, and nobody ends it", "are out of time, and nobody ends them"),
}
"""Reasons for which a run goes on only when somebody does something: of one run, and of several."""
STALLED: Final = frozenset({"code_missing", "code_mismatch", "stalled"})
"""Of these the finding says more: what the first of the runs says."""

COMPENSATION: Final = "compensation_failed"

WARNINGS: Final = frozenset(
    {"not_carried_on", "overdue", "unreadable", "code_missing", "code_mismatch", "stalled", COMPENSATION}
)
"""Findings that make the store not `ok`; the others are what somebody wanted."""


async def survey(engine: Reading) -> View:
    """`{ok, at, store, runs, open, unexplained, engines, findings}`.

    `runs`: `{total, open, by_status}`; `open`: the oldest open runs with the reason that `explain` gives and what to
    do; `unexplained`: how many more are open, which nothing is said of; `findings`: `{code, severity, count, run_ids,
    message, action}`. `ok`: none of them is a warning.
    """
    store, now = engine.store, engine.clock.now()
    counts = await store.count_runs(RunFilter())
    engines = await store.engines()
    page = await store.list_runs(RunFilter(open=True, order=RunOrder.OLDEST), OLDEST)
    alive = {row.id for row in engines if row.alive}
    told = [
        await _told(engine, row, now, carried_on=row.owner in alive or row.code == DRIVEN)
        for row in page.rows
    ]
    spared = sum(view["reason"] in LEFT_TO_PEOPLE and not view["carried_on"] for view in told)
    short = await _taken_back_in_part(engine)
    findings = [*await _of_engines(engine, engines, spared), *_of_runs(told), *_of_undoing(short)]
    still_open = sum(count for status, count in counts.items() if not RunStatus(status).terminal)
    return {
        "ok": all(finding["severity"] != "warning" for finding in findings),
        "at": when(now),
        "store": {**await store.describe(), **await store.size()},
        "runs": {
            "total": sum(counts.values()),
            "open": still_open,
            "by_status": {status.value: counts.get(status.value, 0) for status in RunStatus},
        },
        "open": told,
        "unexplained": max(0, still_open - len(told)),
        "engines": [row._asdict() for row in engines],
        "findings": findings,
    }


async def _told(engine: Reading, row: RunRow, now: Instant, *, carried_on: bool) -> View:
    """A line about an open run. One that cannot be read stops no other."""
    head = {
        "run_id": row.id,
        "name": row.name,
        "namespace": row.namespace,
        "version": row.version,
        "status": row.status,
        "created_at": when(row.created_at),
        "open_seconds": (now - row.created_at) / SECOND,
        "carried_on": carried_on,
    }
    try:
        view = explain(await engine.reload(row.id), now, carried_on)
    except StepwellError as error:
        return {
            **head,
            "reason": "unreadable",
            "summary": error.message,
            "next": "stepwell doctor",
            "overdue": False,
        }
    first = view["next_actions"][0]["command"] if view["next_actions"] else None
    overdue = carried_on and any(_overdue(detail, view) for detail in view["details"])
    return {**head, "reason": view["reason"], "summary": view["summary"], "next": first, "overdue": overdue}


async def _taken_back_in_part(engine: Reading) -> list[State]:
    """The runs that failed to undo what they had done, of the newest that ended badly. What was put out of sight was
    seen to."""
    page = await engine.store.list_runs(RunFilter(status=ENDED_BADLY), LAST)
    found = []
    for row in page.rows:
        if row.code in (None, DRIVEN) or row.archived:
            continue
        with contextlib.suppress(StepwellError):  # what cannot be read is `doctor`'s
            state = await engine.reload(row.id)
            if failed_compensations(state):
                found.append(state)
    return found


def _overdue(detail: View, view: View) -> bool:
    """It was to go on long ago, and nobody holds it back."""
    if detail["due"] is None or view["reason"] in ("paused", "pausing", "cancelling"):
        return False
    return bool(detail["overdue_seconds"] * SECOND > OVERDUE)


async def _of_engines(engine: Reading, engines: Sequence[EngineRow], spared: int) -> list[View]:
    """Runs that no engine carries on; `spared` of them need none, only people."""
    lost = sum(row.open_runs for row in engines if not row.alive) - spared
    if lost <= 0:
        return []
    message = f"{lost} open {_runs(lost)} without an engine that is alive"
    alive = [row.id for row in engines if row.alive and row.id is not None]
    page = await engine.store.list_runs(RunFilter(open=True, not_owners=alive), LOST)
    return [_finding("not_carried_on", lost, [], message, serve(*(row.code for row in page.rows)))]


def _of_runs(told: Sequence[View]) -> list[View]:
    """What the oldest open runs wait for, if that is somebody."""
    found = []
    for reason, words in NEEDS_SOMEBODY.items():
        views = [view for view in told if view["reason"] == reason]
        if views:
            ids = [view["run_id"] for view in views]
            message = f"{len(ids)} open {_runs(len(ids))} {words[len(ids) > 1]}"
            if reason in STALLED:
                message += f". {views[0]['summary']}"
            found.append(_finding(reason, len(ids), ids, message, _explain(ids)))
    theirs = [view["run_id"] for view in told if view["reason"] in LEFT_TO_PEOPLE]
    if theirs:
        message = (
            f"{len(theirs)} open {_runs(len(theirs))} {'waits' if len(theirs) == 1 else 'wait'} for people"
        )
        found.append(_finding("waiting_for_people", len(theirs), theirs, message, "stepwell inbox --all"))
    overdue = [view["run_id"] for view in told if view["overdue"]]
    if overdue:
        message = f"{len(overdue)} open {_runs(len(overdue))} should have gone on by now"
        found.append(_finding("overdue", len(overdue), overdue, message, _explain(overdue)))
    unreadable = [view["run_id"] for view in told if view["reason"] == "unreadable"]
    if unreadable:
        message = f"{len(unreadable)} open {_runs(len(unreadable))} cannot be read"
        found.append(_finding("unreadable", len(unreadable), unreadable, message, "stepwell doctor"))
    return found


def _of_undoing(short: Sequence[State]) -> list[View]:
    """The first one says what it failed of."""
    if not short:
        return []
    first, ids = short[0], [state.run.id for state in short]
    (why,) = failed_compensations(first)[:1]
    others = (
        f"{len(ids)} {_runs(len(ids))} did not take back all that they had done. " if len(ids) > 1 else ""
    )
    message = f"{others}Run {first.run.id} {shortfall(first)}: {problem_text(why.error)}"
    action = f"{_explain(ids)}; {SEEN_TO.format(run=ids[0])}"
    return [_finding(COMPENSATION, len(ids), ids, message, action)]


def _finding(code: str, count: int, run_ids: Sequence[str], message: str, action: str) -> dict[str, Any]:
    return {
        "code": code,
        "severity": "warning" if code in WARNINGS else "notice",
        "count": count,
        "run_ids": list(run_ids),
        "message": message,
        "action": action,
    }


def _explain(run_ids: Sequence[str]) -> str:
    return f"stepwell runs explain {run_ids[0]}"


def _runs(count: int) -> str:
    return "run" if count == 1 else "runs"
