"""Bringing one branch's changes into another: forward where nothing else was changed there, else part by part."""

from __future__ import annotations

from typing import NamedTuple

from stepwell.client.starting import check_subworkflows
from stepwell.client.versions import committing
from stepwell.client.versions.committing import busy, definition_at, expect, refuse, row_of
from stepwell.client.versions.names import By, author, head_of, text
from stepwell.definition.parse import parse_document
from stepwell.definition.versions.graph import common_ancestor
from stepwell.definition.versions.merge import merge
from stepwell.engine.engine import Engine
from stepwell.model.base import Json
from stepwell.model.errors import InvalidInput, MergeConflict, TransitionRefused
from stepwell.model.versions import MAIN, Commit, Moved, ProcedureKey

_TRIES = 20


class Outcome(NamedTuple):
    """`how`: nothing (it was there already), forward, or merged."""

    commit: Commit
    how: str


async def merge_branch(
    engine: Engine, key: ProcedureKey, branch: str, *, into: str, message: str, expected: str | None, by: By
) -> Outcome:
    """Raises `MergeConflict`, `VersionConflict`, `InvalidDefinition`, `TransitionRefused`."""
    text(message, "a message", needed=True)
    if branch == into:
        raise InvalidInput(f"{branch} cannot be merged into itself", hint="name another branch")
    for _ in range(_TRIES):
        head = await head_of(engine.store.versions, key, into)
        expect(key, into, expected, head)
        side = await head_of(engine.store.versions, key, branch)
        _refuse_drafts(key, {into: head, branch: side})
        moved, how = await _bring(engine, key, head, side, (into, branch), message, by)
        if moved.done:
            assert moved.head is not None
            return Outcome(moved.head, how)
        refuse(key, into, expected, moved)
    raise busy(key, into)


def _refuse_drafts(key: ProcedureKey, heads: dict[str, Commit]) -> None:
    for branch, head in heads.items():
        if head.working:
            raise TransitionRefused(
                f"branch {branch} of {key} has a draft of {head.author or 'somebody'} that is not committed",
                hint="commit it, or leave it: stepwell procedures discard " + f"{key} --branch {branch}",
            )


async def _bring(
    engine: Engine,
    key: ProcedureKey,
    head: Commit,
    side: Commit,
    names: tuple[str, str],
    message: str,
    by: By,
) -> tuple[Moved, str]:
    store, (into, branch) = engine.store.versions, names
    base = common_ancestor(await store.graph(key), head.id, side.id)
    if base == side.id:
        return Moved(True, head), "nothing"
    if base == head.id:
        definition = await definition_at(engine, key, side)
        row = row_of(engine, definition) if into == MAIN else None
        moved = await store.move(key, into, side.id, head.id, engine.clock.now(), author(by), row)
        return moved, "forward"
    document = await _merged(engine, key, base, head, side, names)
    definition = parse_document(document, f"{key}: {branch} merged into {into}")
    await check_subworkflows(engine.library, definition, adding=True)
    made = committing.made_of(engine, key, definition, message, by, head.id, side.id, into)
    row = row_of(engine, definition) if into == MAIN else None
    return await store.commit(key, made, document, head.id, row), "merged"


async def _merged(
    engine: Engine, key: ProcedureKey, base: str | None, head: Commit, side: Commit, names: tuple[str, str]
) -> dict[str, Json]:
    store = engine.store.versions
    root = (await store.find(key, base))[0].content if base is not None else None
    documents = [
        {} if hash is None else await store.content(hash) for hash in (root, head.content, side.content)
    ]
    merged = merge(documents[0], documents[1], documents[2], names)
    if merged.clashes:
        into, branch = names
        raise MergeConflict(
            f"{branch} and {into} of {key} changed the same things differently",
            list(map(str, merged.clashes)),
            hint="write the document as it shall be, and commit it with both as its parents: "
            f"stepwell procedures commit FILE --branch {into} --merges {branch}",
        )
    return merged.document
