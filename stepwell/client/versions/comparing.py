"""Looking at versions: their history, and how two of them differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from stepwell.client.versions.names import resolve
from stepwell.client.versions.views import commit_view
from stepwell.client.views import View
from stepwell.definition.versions.classify import Reason, Verdict, classify
from stepwell.definition.versions.diff import change_view, diff, lines
from stepwell.definition.versions.meaning import fingerprint
from stepwell.engine.engine import Engine
from stepwell.model.base import Json
from stepwell.model.errors import InvalidInput
from stepwell.model.versions import Commit, ProcedureKey

MOST: Final = 1_000


async def history(
    engine: Engine, key: ProcedureKey, revision: str, limit: int, cursor: str | None, *, drafts: bool
) -> View:
    if not 1 <= limit <= MOST:
        raise InvalidInput(f"a page has 1 to {MOST:,} commits, not {limit}")
    if cursor is not None and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 18):
        raise InvalidInput(
            f"{cursor[:100]!r} is not the cursor of a page", hint="use `next` of the page before"
        )
    head = await resolve(engine.store.versions, key, revision)
    before = None if cursor is None else int(cursor)
    found = await engine.store.versions.history(key, head.id, limit + 1, before, drafts=drafts)
    page = found[:limit]
    return {
        "procedure": str(key),
        "commits": list(map(commit_view, page)),
        "next": str(page[-1].number) if len(found) > limit else None,
    }


async def compared(engine: Engine, key: ProcedureKey, before: str | None, after: str) -> View:
    """`before` None: the commit that `after` follows from. Of a branch with a draft `after` is the draft."""
    store = engine.store.versions
    new = await resolve(store, key, after, drafts=True)
    if before is not None:
        old: Commit | None = await resolve(store, key, before)
    else:
        old = (await store.find(key, new.parent))[0] if new.parent is not None else None
    was: Json = {} if old is None else await store.content(old.content)
    now = await store.content(new.content)
    return {
        "procedure": str(key),
        "before": None if old is None else commit_view(old),
        "after": commit_view(new),
        **difference(was, now),
    }


def difference(was: Json, now: Json) -> View:
    """The changes, as JSON and as lines, and what they mean for runs. Raises `InvalidInput`."""
    try:
        changes = diff(was, now)
        return {
            "changes": list(map(change_view, changes)),
            "lines": lines(changes),
            "same_fingerprint": fingerprint(was) == fingerprint(now),
            **verdict_view(classify(was, now)),
        }
    except RecursionError as error:
        raise InvalidInput("the documents are nested too deeply to be compared") from error


def verdict_view(verdict: Verdict) -> View:
    return {"level": verdict.level.value, "reasons": reason_views(verdict.reasons)}


def reason_views(reasons: Sequence[Reason]) -> list[View]:
    return [{"level": r.level.value, "kind": r.kind.value, "path": r.place, "why": r.why} for r in reasons]
