"""Reading everything and checking it (`doctor`)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final, NamedTuple

from stepwell.client import undone
from stepwell.client.attached import files_in
from stepwell.client.file_checks import Naming, file_findings
from stepwell.client.open_steps import problem_lines
from stepwell.client.ordered import lost_orders
from stepwell.client.schedule_checks import schedule_findings
from stepwell.client.serving import serve
from stepwell.client.views import View
from stepwell.definition.model import Definition
from stepwell.engine.inbox import items
from stepwell.engine.reading import Reading
from stepwell.engine.requests import fingerprint
from stepwell.engine.rows import entry_of, row_of
from stepwell.kernel.evolve import blank, replay
from stepwell.kernel.invariants import violations
from stepwell.model.base import Report
from stepwell.model.driven import DRIVEN
from stepwell.model.errors import Conflict, StepwellError, StoreError
from stepwell.model.journal import RunFilter, RunRow, StoreFinding
from stepwell.model.ledger import FollowUp
from stepwell.model.people import WorkItem
from stepwell.model.queues import QueueEntry, Standing
from stepwell.model.records import Run, State
from stepwell.ports import Blobs

_REBUILD: Final = "make the index anew from the journal: stepwell doctor --rebuild"
_REPORT: Final = (
    "keep a copy of the file, and report this with the output of: stepwell runs history {run} --json"
)

NOTICES: Final = frozenset({"not_carried_on", "subscription_failing", "schedule_failing"})
"""Findings that say what waits to be done; nothing is wrong with the file."""
WARNINGS: Final = frozenset({"run_stalled", "compensation_failed"})
"""Nor here, but somebody has to do something."""
_EXPLAIN: Final = "see what can be done: stepwell runs explain {run}"


Wrong = Callable[[str, str, str], None]
"""Takes note of a finding: code, message, action."""


class _Examined(NamedTuple):
    """What is wrong with a run, and whether it is open."""

    findings: list[StoreFinding]
    open: bool = False


async def doctor(
    engine: Reading, blobs: Blobs | None = None, *, rebuild: bool, progress: Report | None = None
) -> View:
    """Check the file, then every run by itself, then the files that runs name. One that cannot be read stops no other.

    `{ok, library, runs, open_runs, files, rebuilt, findings: [{code, severity, run_id, message, action}]}`; `ok`: there
    is no finding but notices and warnings. With `rebuild` the index rows and idempotency keys are made anew from the
    journal first; what is found is what is left then. `progress` is told of `indexes`, `journals`, `runs` and `files`.
    Raises `Conflict` where another engine carries runs on, `StoreUnavailable`.
    """
    if rebuild:
        await _rebuild(engine, progress)
    findings = [finding async for finding in engine.store.check(progress)]
    known = {finding.run_id for finding in findings}
    runs = still_open = 0
    total = sum((await engine.store.count_runs(RunFilter())).values())
    named: dict[str, Naming] = {}
    async for run_id in engine.store.all_runs():
        runs += 1
        examined = await _examine(engine, run_id, named)
        still_open += examined.open
        if progress is not None:
            progress("runs", runs, max(runs, total))
        # What the store has said about a run already need not be said again in other words.
        findings += [found for found in examined.findings if run_id not in known]
    findings += await _subscriptions(engine)
    findings += await schedule_findings(engine)
    findings += await file_findings(blobs, named, progress) if blobs is not None else []
    views = [_finding_view(finding) for finding in findings]
    return {
        "ok": all(view["severity"] != "error" for view in views),
        "library": dict(await engine.store.describe()),
        "runs": runs,
        "open_runs": still_open,
        "files": len(named),
        "rebuilt": rebuild,
        "findings": views,
    }


async def _subscriptions(engine: Reading) -> list[StoreFinding]:
    """Those whose handler fails: nothing that comes later reaches it."""
    feed = engine.store.feed
    try:
        newest, cursors = await feed.position(), await feed.cursors()
    except StoreError as error:
        message = f"how far the subscriptions are cannot be read: {error.message}"
        return [StoreFinding("subscriptions_unreadable", None, message, "restore the file from a backup")]
    return [
        StoreFinding(
            "subscription_failing",
            None,
            f"the handler of subscription {cursor.name} failed {cursor.failures} times in a row ({cursor.error}); "
            f"it is {newest - cursor.position} turns behind",
            "see the log of the process that subscribes, and mend the handler: it is called again by itself",
        )
        for cursor in cursors
        if cursor.failures
    ]


def _finding_view(finding: StoreFinding) -> View:
    severity = "notice" if finding.code in NOTICES else "warning" if finding.code in WARNINGS else "error"
    return {**finding._asdict(), "severity": severity}


async def _examine(engine: Reading, run_id: str, named: dict[str, Naming]) -> _Examined:
    findings: list[StoreFinding] = []

    def wrong(code: str, message: str, action: str) -> None:
        findings.append(StoreFinding(code, run_id, message, action.format(run=run_id)))

    try:
        state = await _replayed(engine, run_id, named)
    except StoreError as error:
        wrong("run_damaged", error.message, "restore the run from a backup; others go on")
        return _Examined(findings)
    except Exception as error:  # noqa: BLE001 - whatever a damaged journal makes of the rules
        wrong("replay_failed", f"run {run_id} cannot be replayed: {error!r}", _REPORT)
        return _Examined(findings)
    for broken in violations(state):
        wrong("invariant_broken", f"run {run_id}: {broken}", _REPORT)
    if state.run.stalled is not None and not state.run.status.terminal:
        wrong("run_stalled", f"run {run_id} cannot go on: {problem_lines(state.run.stalled)}", _EXPLAIN)
    if (short := undone.shortfall(state)) is not None and not state.run.archived:
        wrong("compensation_failed", f"run {run_id} {short}", f"{_EXPLAIN}; {undone.SEEN_TO}")
    await _check_row(engine, state, wrong)
    await _check_around(engine, state, wrong)
    return _Examined(findings, not state.run.status.terminal)


async def _check_row(engine: Reading, state: State, wrong: Wrong) -> None:
    """The index says what the journal says."""
    run_id = state.run.id
    try:
        differing = await _differing(engine, state)
        if differing:  # it may have moved meanwhile
            differing = await _differing(engine, await _replayed(engine, run_id))
    except StoreError as error:
        wrong("row_unreadable", error.message, _REBUILD)
        return
    if differing is None:
        wrong("row_missing", f"run {run_id} has a journal but is not listed", _REBUILD)
    elif differing:
        wrong("row_differs", f"run {run_id}: the index differs in {', '.join(differing)}", _REBUILD)


async def _differing(engine: Reading, state: State) -> list[str] | None:
    """The fields in which the row is not what it should be; None: there is no row. The owner is no fact of the run, and
    a row's `updated_at` is that of its last change of status."""
    row, wanted = await engine.store.row(state.run.id), row_of(state.run)
    if row is None:
        return None
    names = [name for name in RunRow._fields if name not in ("owner", "updated_at")]
    return [name for name in names if getattr(row, name) != getattr(wanted, name)]


async def _check_around(engine: Reading, state: State, wrong: Wrong) -> None:
    """What the run leans on: its definition, its parent, and while it is open somebody who carries it on."""
    run = state.run
    try:
        await _check_key(
            engine, run, await engine.library.get(run.created_with or run.definition_hash), wrong
        )
    except StepwellError as error:
        wrong("definition_missing", f"run {run.id}: {error.message}", "store its definition again")
    if run.tags and run.id not in await _tagged(engine, run):
        wrong("tags_missing", f"run {run.id} is not found by its tags", _REBUILD)
    if run.parent_id is not None and await engine.store.row(run.parent_id) is None:
        wrong("parent_missing", f"run {run.id}: its parent {run.parent_id} is not there", _REPORT)
    await _check_queue(engine, run, wrong)
    await _check_work(engine, state, wrong)
    for order in await lost_orders(engine, run):
        wrong(
            "follow_up_missing", f"run {order.run_id}, ordered by run {run.id}, was never started", _REBUILD
        )
    if not (run.status.terminal or run.waits or run.code == DRIVEN or await engine.store.owner_alive(run.id)):
        wrong("not_carried_on", f"run {run.id} is {run.status}, and no engine carries it on", serve(run.code))


async def _check_key(engine: Reading, run: Run, definition: Definition, wrong: Wrong) -> None:
    """The run's idempotency key stands for this run and its request."""
    if run.key is None or run.continued_from is not None:
        return
    claim = await engine.store.find_key(run.key)
    if claim is None:
        wrong("key_missing", f"run {run.id}: its idempotency key {run.key!r} is not claimed", _REBUILD)
    elif claim != (run.id, fingerprint(definition, run.input)):
        wrong("key_differs", f"run {run.id}: its key {run.key!r} stands for another request", _REBUILD)


async def _check_queue(engine: Reading, run: Run, wrong: Wrong) -> None:
    """A run that waits is in its queue, as it should be; one that has begun counts against its limits."""
    wanted, entry = entry_of(run), await engine.store.queues.entry(run.id)
    wanted = None if wanted is None else wanted._replace(heir_of=None)
    if run.waits and entry is not None and entry.standing is Standing.BEGUN:  # it was taken a moment ago
        return
    if wanted is not None and entry is not None:
        waiting = (Standing.WAITING, Standing.DELAYED)  # time alone makes one of the other
        alike = wanted.standing in waiting and entry.standing in waiting
        wanted = wanted._replace(standing=entry.standing if alike else wanted.standing)
        wanted = wanted if run.waits else wanted._replace(unique=entry.unique, deadline=entry.deadline)
    if wanted != entry:
        wrong("queue_differs", f"run {run.id} does not stand in its queue as it should", _REBUILD)


async def _check_work(engine: Reading, state: State, wrong: Wrong) -> None:
    """What waits for people is in their inboxes."""
    if not (state.nodes or state.approvals):
        return
    definition = await engine.library.get(state.run.definition_hash)
    wanted = sorted(items(definition, state), key=lambda item: item.step)
    if wanted != list(await engine.store.work.of_run(state.run.id)):
        wrong(
            "work_differs",
            f"run {state.run.id}: what waits for people is not listed as it should be",
            _REBUILD,
        )


async def _tagged(engine: Reading, run: Run) -> set[str]:
    """The runs of this moment that have the tags of this run."""
    where = RunFilter(tags=run.tags, created_after=run.created_at, created_before=run.created_at + 1)
    return {row.id for row in (await engine.store.list_runs(where, 1_000)).rows}


async def _replayed(
    engine: Reading, run_id: str, named: dict[str, Naming] | None = None, page: int = 1_000
) -> State:
    """The state by the journal alone, whatever snapshots there are; `named` gets the files that are named in it."""
    state = blank(run_id)
    while turns := await engine.store.turns(run_id, state.run.seq, page):
        state = replay(state, turns)
        if named is not None:
            for turn in turns:
                for file in files_in(turn.events):
                    named.setdefault(file.sha256, Naming(file, run_id))
    return state


class _Index(NamedTuple):
    """What is kept of a run beside its journal."""

    row: RunRow
    claim: tuple[str, str] | None
    entry: QueueEntry | None
    orders: Sequence[FollowUp] = ()
    work: Sequence[WorkItem] = ()


async def _rebuild(engine: Reading, progress: Report | None) -> None:
    """Make all index rows and claims anew. A run that cannot be read keeps the row and the claim that it has."""
    await _refuse_others(engine)
    rows: list[RunRow] = []
    claims: dict[str, tuple[str, str]] = {}
    entries: list[QueueEntry] = []
    orders: list[FollowUp] = []
    work: list[WorkItem] = []
    total = sum((await engine.store.count_runs(RunFilter())).values())
    async for row, claim, entry, ordered, waiting in _indexes(engine):
        work += waiting
        if progress is not None:
            progress("indexes", len(rows) + 1, max(total, len(rows) + 1))
        rows.append(row)
        orders += ordered
        entries += [] if entry is None else [entry]
        if row.key is not None and claim is not None:
            claims[row.key] = claim
    created = {row.id: row.created_at for row in rows}
    rows.sort(key=lambda row: row.created_at)  # of those with one key, the last is where its chain stands
    entries.sort(
        key=lambda entry: (created[entry.run_id], entry.heir_of is not None)
    )  # and so with unique keys
    holders = {(entry.queue, entry.unique): entry.run_id for entry in entries}
    entries = [e if holders[e.queue, e.unique] == e.run_id else e._replace(unique=None) for e in entries]
    await engine.store.rebuild(rows, claims, entries, work)
    await engine.store.ledger.put_follow_ups(orders)
    await engine.indexes_made_anew()


async def _refuse_others(engine: Reading) -> None:
    """While another engine carries runs on, the rows would be old before they are written."""
    async for run_id in engine.store.all_runs():
        if engine.carried(run_id) is None and await engine.store.owner_alive(run_id):
            row = await engine.store.row(run_id)
            if row is not None and row.ended_at is None:
                raise Conflict(
                    f"another engine carries run {run_id} on: the index cannot be made anew now",
                    hint="stop the other processes that use this file, then run it again",
                )


async def _indexes(engine: Reading) -> AsyncIterator[_Index]:
    async for run_id in engine.store.all_runs():
        try:
            state = await _replayed(engine, run_id)
            row, claim = row_of(state.run), None
            if state.run.key is not None and state.run.continued_from is None:
                definition = await engine.library.get(state.run.created_with or state.run.definition_hash)
                claim = (run_id, fingerprint(definition, state.run.input))
            lost = await lost_orders(engine, state.run)
            yield _Index(row, claim, entry_of(state.run), lost, await _work(engine, state))
        except Exception:  # noqa: BLE001 - doctor reports it; the others must go on
            kept = await _kept(engine, run_id)
            if kept is not None:
                yield kept


async def _work(engine: Reading, state: State) -> list[WorkItem]:
    if not (state.nodes or state.approvals):
        return []
    return list(items(await engine.library.get(state.run.definition_hash), state))


async def _kept(engine: Reading, run_id: str) -> _Index | None:
    try:
        row = await engine.store.row(run_id)
        claim = await engine.store.find_key(row.key) if row is not None and row.key is not None else None
        entry = await engine.store.queues.entry(run_id)
        work = await engine.store.work.of_run(run_id)
    except StoreError:
        return None
    return None if row is None else _Index(row, claim, entry, (), work)
