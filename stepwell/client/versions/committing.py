"""Making versions: the first one, commits, drafts, and going back. Whoever expected another version writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from stepwell.client.starting import check_subworkflows
from stepwell.client.versions.drafts import Given, draft_of
from stepwell.client.versions.names import By, author, based, head_of, no_procedure, resolve, text
from stepwell.client.versions.views import overtaken
from stepwell.definition.model import Definition
from stepwell.definition.parse import parse_document
from stepwell.engine.engine import Engine
from stepwell.model import metadata
from stepwell.model.base import Json
from stepwell.model.errors import Conflict, InvalidInput, StoreDamaged, TransitionRefused
from stepwell.model.journal import DefinitionRow
from stepwell.model.versions import (
    AUTO_SAVE,
    BRANCH,
    MAIN,
    Commit,
    Moved,
    Pointer,
    Procedure,
    ProcedureKey,
    commit_id,
)

DRAFTS_KEPT: Final = 100
"""of each branch; those before are removed as new ones are saved"""
_TRIES: Final = 20


class Made(NamedTuple):
    """`created` False: what was to be committed is there already."""

    commit: Commit
    created: bool


def key_of_definition(definition: Definition) -> ProcedureKey:
    return ProcedureKey(definition.namespace, definition.name)


def row_of(engine: Engine, definition: Definition) -> DefinitionRow:
    names = (definition.namespace, definition.name, definition.version)
    return DefinitionRow(definition.hash, *names, definition.document, engine.clock.now())


async def create(
    engine: Engine,
    definition: Definition,
    *,
    message: str,
    by: By,
    said: Mapping[str, Json],
) -> Made:
    """The procedure with its first commit, on `main`. Raises `Conflict` where it is there already."""
    await check_subworkflows(engine.library, definition, adding=True)
    key, now = key_of_definition(definition), engine.clock.now()
    procedure = Procedure(key, 1, now, author(by), now, author(by), **checked(said))
    commit = made_of(engine, key, definition, message, by, None)
    made = await engine.store.versions.create(
        procedure,
        [commit],
        [Pointer(MAIN, BRANCH, commit.id, now, author(by))],
        {definition.hash: dict(definition.document)},
        [row_of(engine, definition)],
    )
    if not made:
        raise Conflict(
            f"there is a procedure {key} already",
            hint=f"commit to it: stepwell procedures commit FILE (see: stepwell procedures show {key})",
        )
    return Made(commit._replace(number=1), True)


def checked(said: Mapping[str, Json]) -> dict[str, Json]:
    """What is said of a procedure, as it is kept. Raises `InvalidInput`."""
    return {name: _CHECKS[name](value) for name, value in said.items()}


def _flag(value: Json) -> bool:
    if not isinstance(value, bool):
        raise InvalidInput(f"archived, published and template are true or false, not {str(value)[:60]!r}")
    return value


_CHECKS: Final[Mapping[str, Callable[[Json], Json]]] = {
    "title": lambda value: metadata.title(value or None) or "",
    "description": lambda value: metadata.description(value) or "",
    "labels": lambda value: list(metadata.labels(value)),
    "properties": metadata.properties,
    "archived": _flag,
    "published": _flag,
    "template": _flag,
}


def made_of(
    engine: Engine,
    key: ProcedureKey,
    definition: Definition,
    message: str,
    by: By,
    parent: str | None,
    merge_parent: str | None = None,
    branch: str = MAIN,
) -> Commit:
    """The commit that a definition becomes."""
    made = Commit(
        "",
        parent,
        merge_parent,
        text(message, "a message", needed=True),
        author(by),
        engine.clock.now(),
        definition.hash,
        definition.version,
        branch=branch,
    )
    return made._replace(id=commit_id(key, made))


async def commit(
    engine: Engine,
    definition: Definition,
    *,
    message: str,
    branch: str = MAIN,
    expected: str | None = None,
    by: By = "",
    merges: str | None = None,
) -> Made:
    """The definition as the next commit of a branch. `merges`: another branch, whose changes it has."""
    await check_subworkflows(engine.library, definition, adding=True)
    key, store = key_of_definition(definition), engine.store.versions
    for _ in range(_TRIES):
        head = await head_of(store, key, branch)
        expect(key, branch, expected, head)
        merged = (await resolve(store, key, merges)).id if merges is not None else None
        if not head.working and head.content == definition.hash and merged is None:
            return Made(head, False)
        made = made_of(engine, key, definition, message, by, head.base, merged, branch)
        row = row_of(engine, definition) if branch == MAIN else None
        moved = await store.commit(key, made, dict(definition.document), head.id, row)
        if moved.done:
            assert moved.head is not None
            return Made(moved.head, True)
        refuse(key, branch, expected, moved)
    raise busy(key, branch)


def expect(key: ProcedureKey, branch: str, expected: str | None, head: Commit) -> None:
    """Raises `VersionConflict`, `InvalidInput`."""
    if expected is None:
        return
    if len(expected) < 7:
        raise InvalidInput(
            f"{expected!r} is too short for an expected commit", hint="give 7 digits of it or more"
        )
    if not head.id.startswith(expected):
        raise overtaken(key, branch, expected, head)


def refuse(key: ProcedureKey, branch: str, expected: str | None, moved: Moved) -> None:
    """Why the store did not write; returns where trying again may help."""
    if moved.gone:
        raise no_procedure(key)
    if moved.archived:
        raise archived(key)
    if expected is not None and moved.head is not None:
        raise overtaken(key, branch, expected, moved.head)


def archived(key: ProcedureKey) -> TransitionRefused:
    return TransitionRefused(
        f"procedure {key} is archived: it takes no new versions and starts no runs",
        hint=f"bring it back with: stepwell procedures unarchive {key}",
    )


def busy(key: ProcedureKey, branch: str) -> Conflict:
    refusal = Conflict(
        f"others commit to {branch} of {key} all the time; nothing was changed", hint="try again"
    )
    refusal.retry = True
    return refusal


async def save(
    engine: Engine, key: ProcedureKey, given: Given, *, branch: str, expected: str | None, by: By
) -> Made:
    """A draft: the branch is at it, until the next one or a commit. What is wrong with it is kept with it."""
    draft, store = await draft_of(key, given), engine.store.versions
    for _ in range(_TRIES):
        head = await head_of(store, key, branch)
        expect(key, branch, expected, head)
        if head.content == draft.content:
            return Made(head, False)
        made = Commit(
            "", head.base, None, AUTO_SAVE, author(by), engine.clock.now(), draft.content, draft.version,
            True, branch, draft.problems,
        )  # fmt: skip
        made = made._replace(id=commit_id(key, made))
        moved = await store.commit(key, made, draft.document, head.id, keep_drafts=DRAFTS_KEPT)
        if moved.done:
            assert moved.head is not None
            return Made(moved.head, True)
        refuse(key, branch, expected, moved)
    raise busy(key, branch)


async def discard(engine: Engine, key: ProcedureKey, *, branch: str, expected: str | None, by: By) -> Made:
    """The branch goes back to the commit that its draft was begun from. `created` False: it has no draft."""
    store = engine.store.versions
    for _ in range(_TRIES):
        head = await head_of(store, key, branch)
        expect(key, branch, expected, head)
        if not head.working:
            return Made(head, False)
        base = await based(store, key, head)
        moved = await store.move(key, branch, base.id, head.id, engine.clock.now(), author(by))
        if moved.done:
            return Made(base, True)
        refuse(key, branch, expected, moved)
    raise busy(key, branch)


async def definition_at(engine: Engine, key: ProcedureKey, commit: Commit) -> Definition:
    """The definition that a commit has. Raises `InvalidDefinition` for a draft that is not valid, `StoreDamaged`."""
    document = await engine.store.versions.content(commit.content)
    definition = parse_document(
        document if isinstance(document, Mapping) else {}, f"{key} at {commit.id[:12]}"
    )
    if definition.hash != commit.content:
        raise StoreDamaged(
            f"the document of commit {commit.id[:12]} of {key} is not what was committed",
            hint="restore it from a backup, or import an export of the procedure elsewhere",
        )
    return definition


async def roll_back(
    engine: Engine,
    key: ProcedureKey,
    to: str,
    *,
    message: str | None,
    branch: str,
    expected: str | None,
    by: By,
) -> Made:
    """A new commit that has what an older one had."""
    wanted = await resolve(engine.store.versions, key, to)
    definition = await definition_at(engine, key, wanted)
    said = message or f"Roll back to {wanted.id[:12]} ({wanted.message[:200]})"
    return await commit(engine, definition, message=said, branch=branch, expected=expected, by=by)
