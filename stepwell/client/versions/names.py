"""What procedures, branches, tags and commits are called, and finding what a name stands for."""

from __future__ import annotations

import re
from typing import Final

from stepwell.model.errors import InvalidInput, NotFound
from stepwell.model.people import Actor
from stepwell.model.versions import BRANCH, MAIN, TAG, Commit, Pointer, Procedure, ProcedureKey
from stepwell.ports import VersionStore

_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_POINTER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,99}")
_ID: Final = re.compile(r"[0-9a-f]{4,40}")
_SHORTEST: Final = 4
_LONGEST_TEXT: Final = 10_000
_LONGEST_NAME: Final = 200

By = Actor | str
"""Who does something: a person by name, or somebody with kind and groups; empty: nobody says."""


def key_of(procedure: str) -> ProcedureKey:
    """`namespace/name`, or a name in the namespace `default`. Raises `InvalidInput`."""
    namespace, slash, name = procedure.rpartition("/")
    if not slash:
        namespace = "default"
    if not (_NAME.fullmatch(namespace) and _NAME.fullmatch(name)):
        raise InvalidInput(
            f"{procedure[:100]!r} names no procedure",
            hint="write NAMESPACE/NAME, as in the document: lower-case letters, digits and -",
        )
    return ProcedureKey(namespace, name)


def pointer_name(name: str) -> str:
    """Raises `InvalidInput`."""
    if not _POINTER.fullmatch(name) or _ID.fullmatch(name):
        raise InvalidInput(
            f"{name[:100]!r} cannot be the name of a branch or a tag",
            hint="use up to 100 letters, digits, dots, slashes, - and _; not what could be a commit's id",
        )
    return name


def text(value: str, what: str, *, needed: bool = False) -> str:
    """Raises `InvalidInput`."""
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT or (needed and not value.strip()):
        wanted = "a text" if not needed else "a text that is not empty"
        raise InvalidInput(f"{what} must be {wanted} of at most {_LONGEST_TEXT:,} characters")
    return value


def author(by: By) -> str:
    """Who does it, as it is kept. Raises `InvalidInput`."""
    name = by.id if isinstance(by, Actor) else by
    if not isinstance(name, str) or len(name) > _LONGEST_NAME or not (name.isprintable() or not name):
        raise InvalidInput(f"an author is a name of at most {_LONGEST_NAME} printable characters")
    return name


async def procedure_of(store: VersionStore, key: ProcedureKey) -> Procedure:
    """Raises `NotFound`."""
    found = await store.procedure(key)
    if found is None:
        raise no_procedure(key)
    return found


def no_procedure(key: ProcedureKey) -> NotFound:
    return NotFound(
        f"there is no procedure {key}",
        hint="list them with: stepwell procedures list; make one by a first commit",
    )


async def head_of(store: VersionStore, key: ProcedureKey, branch: str) -> Commit:
    """The commit or draft that a branch is at. Raises `NotFound`, `InvalidInput` for a tag."""
    await procedure_of(store, key)
    pointers = await store.pointers(key)
    kind = next((pointer.kind for pointer in pointers if pointer.name == branch), None)
    if kind == TAG:
        raise InvalidInput(f"{branch} of {key} is a tag: it does not move", hint="name a branch")
    head = await store.head(key, branch) if kind == BRANCH else None
    if head is None:
        known = ", ".join(pointer.name for pointer in pointers if pointer.kind == BRANCH)
        raise NotFound(f"{key} has no branch {branch}", hint=f"it has: {known}")
    return head


async def based(store: VersionStore, key: ProcedureKey, commit: Commit) -> Commit:
    """The commit itself, or the one that a draft was begun from."""
    if not commit.working:
        return commit
    assert commit.parent is not None
    return (await store.find(key, commit.parent))[0]


async def resolve(
    store: VersionStore, key: ProcedureKey, revision: str = MAIN, *, drafts: bool = False
) -> Commit:
    """What a branch, a tag, or an id (or the beginning of one) stands for; for a branch with a draft the commit before
    it, unless `drafts`. Raises `NotFound`, `InvalidInput`."""
    await procedure_of(store, key)
    head = await store.head(key, revision)
    if head is not None:
        return head if drafts else await based(store, key, head)
    if not _ID.fullmatch(revision):
        raise NotFound(
            f"{key} has no branch, tag or commit {revision[:100]!r}",
            hint=f"see: stepwell procedures show {key}; stepwell procedures history {key}",
        )
    found = await store.find(key, revision)
    if not found:
        raise NotFound(f"{key} has no commit {revision}", hint=f"see: stepwell procedures history {key}")
    if len(found) > 1:
        ids = ", ".join(commit.id[:12] for commit in found)
        raise InvalidInput(f"several commits of {key} begin with {revision}: {ids}", hint="give more of it")
    return found[0]


async def pointer_of(store: VersionStore, key: ProcedureKey, name: str, kind: str) -> Pointer:
    """Raises `NotFound`, `InvalidInput`."""
    await procedure_of(store, key)
    found = next((pointer for pointer in await store.pointers(key) if pointer.name == name), None)
    if found is None:
        raise NotFound(f"{key} has no {kind} {name[:100]!r}", hint=f"see: stepwell procedures show {key}")
    if found.kind != kind:
        raise InvalidInput(f"{name} of {key} is a {found.kind}, not a {kind}")
    return found
