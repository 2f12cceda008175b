"""Versions of definitions in the file: see `ports.VersionStore`. What is read, compared and written is one commit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final, TypeVar

import apsw

from stepwell.model.base import Instant, Json
from stepwell.model.errors import NotFound, StoreDamaged
from stepwell.model.journal import DefinitionRow
from stepwell.model.versions import BRANCH, Commit, Link, Moved, Pointer, Procedure, ProcedureKey, Removal
from stepwell.stores.codec import decode_json, encode_json
from stepwell.stores.sqlite.batch import definition_row
from stepwell.stores.sqlite.commit import put
from stepwell.stores.sqlite.connection import SQL, fetch
from stepwell.stores.sqlite.listing import definition_from
from stepwell.stores.sqlite.readers import Readers
from stepwell.stores.sqlite.writer import Writer

T = TypeVar("T")

_LAST: Final = 2**62
"""greater than all numbers and instants"""


class SqliteVersions:
    """Made by the store, over its connections."""

    def __init__(self, writer: Writer, readers: Readers) -> None:
        self._writer, self._readers = writer, readers

    async def procedure(self, key: ProcedureKey) -> Procedure | None:
        rows = await self._readers.point(lambda db: fetch(db, SQL["procedure"], key))
        return _procedure(rows[0]) if rows else None

    async def procedures(self, namespace: str | None = None) -> Sequence[Procedure]:
        values = {"namespace": namespace}
        return await self._readers.long(
            lambda db: list(map(_procedure, fetch(db, SQL["procedures"], values)))
        )

    async def create(
        self,
        procedure: Procedure,
        commits: Sequence[Commit],
        pointers: Sequence[Pointer],
        contents: Mapping[str, Json],
        definitions: Sequence[DefinitionRow] = (),
    ) -> bool:
        texts = {hash: _text(document) for hash, document in contents.items()}
        return await self._write(_create, procedure, commits, pointers, texts, definitions)

    async def edit(self, procedure: Procedure) -> Procedure | None:
        return await self._write(_edit, procedure)

    async def delete(self, procedure: Procedure) -> Removal:
        return await self._write(_delete, procedure)

    async def commit(
        self,
        key: ProcedureKey,
        commit: Commit,
        content: Json,
        expected: str,
        definition: DefinitionRow | None = None,
        keep_drafts: int | None = None,
    ) -> Moved:
        return await self._write(_commit, key, commit, _text(content), expected, definition, keep_drafts)

    async def move(
        self,
        key: ProcedureKey,
        branch: str,
        commit: str,
        expected: str,
        at: Instant,
        by: str,
        definition: DefinitionRow | None = None,
    ) -> Moved:
        return await self._write(_move, key, Pointer(branch, BRANCH, commit, at, by), expected, definition)

    async def find(self, key: ProcedureKey, prefix: str) -> Sequence[Commit]:
        values = {**key._asdict(), "prefix": prefix}
        return await self._readers.point(lambda db: _commits(db, "procedure_commits_like", values))

    async def head(self, key: ProcedureKey, pointer: str) -> Commit | None:
        found = await self._readers.point(lambda db: _commits(db, "procedure_head", (*key, pointer)))
        return found[0] if found else None

    async def content(self, hash: str) -> Json:
        rows = await self._readers.point(lambda db: fetch(db, SQL["procedure_content"], (hash,)))
        if not rows:
            raise NotFound(f"there is no document with the hash {hash}")
        return _decoded(rows[0][0], f"the document {hash}")

    async def history(
        self, key: ProcedureKey, commit: str, limit: int, before: int | None = None, *, drafts: bool = False
    ) -> Sequence[Commit]:
        values = {**key._asdict(), "commit": commit, "limit": limit, "drafts": int(drafts)}
        values["before"] = _LAST if before is None else before
        return await self._readers.long(lambda db: _commits(db, "procedure_history", values))

    async def graph(self, key: ProcedureKey) -> Sequence[Link]:
        return await self._readers.long(
            lambda db: [Link(*row) for row in fetch(db, SQL["procedure_graph"], key)]
        )

    async def pointers(self, key: ProcedureKey) -> Sequence[Pointer]:
        rows = await self._readers.point(lambda db: fetch(db, SQL["procedure_pointers"], key))
        return [Pointer(*row) for row in rows]

    async def point(self, key: ProcedureKey, pointer: Pointer) -> Pointer | None:
        return await self._write(_point, key, pointer)

    async def unpoint(self, key: ProcedureKey, pointer: Pointer) -> bool:
        return await self._write(_unpoint, key, pointer)

    async def keep(self, key: ProcedureKey, commits: Sequence[str]) -> bool:
        return await self._write(_keep, key, commits)

    async def compact(self, before: Instant, newest: int, key: ProcedureKey | None = None) -> int:
        namespace, name = key or (None, None)
        wanted = {"namespace": namespace, "name": name, "branch": None, "newest": newest, "before": before}
        return await self._write(_compact, wanted)

    async def documents(self, mentioning: str) -> Sequence[DefinitionRow]:
        values = {"text": mentioning}
        rows = await self._readers.long(lambda db: fetch(db, SQL["documents_mentioning"], values))
        return list({row[0]: definition_from(row) for row in reversed(rows)}.values())[::-1]

    async def _write(self, work: Callable[..., T], *given: Any) -> T:
        return await self._writer.run(partial(_transacted, work, given))


# --- on the writing connection ------------------------------------------------------------------------------------


class _Undo(Exception):
    """Write nothing; `answer` says why."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.answer = answer


def _transacted(work: Callable[..., T], given: Sequence[Any], db: apsw.Connection) -> T:
    db.execute("BEGIN IMMEDIATE")
    try:
        answer = work(db, *given)
    except _Undo as undo:
        db.execute("ROLLBACK")
        refusal: T = undo.answer
        return refusal
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
    return answer


def _create(
    db: apsw.Connection,
    procedure: Procedure,
    commits: Sequence[Commit],
    pointers: Sequence[Pointer],
    texts: Mapping[str, str],
    definitions: Sequence[DefinitionRow],
) -> bool:
    db.execute(SQL["create_procedure"], _procedure_row(procedure))
    if not db.changes():
        raise _Undo(False)
    for hash, text in texts.items():
        db.execute(SQL["put_content"], (hash, text))
    for commit in commits:
        _put_commit(db, procedure.key, commit)
    for pointer in pointers:
        db.execute(SQL["put_pointer"], (*procedure.key, *pointer))
    put(db, "put_definitions", [definition_row(definition) for definition in definitions])
    return True


def _edit(db: apsw.Connection, procedure: Procedure) -> Procedure | None:
    columns = ("namespace", "name", *Procedure._fields[1:])
    db.execute(SQL["edit_procedure"], dict(zip(columns, _procedure_row(procedure), strict=True)))
    return procedure._replace(version=procedure.version + 1) if db.changes() else None


def _delete(db: apsw.Connection, procedure: Procedure) -> Removal:
    key = procedure.key
    open_runs = [run_id for (run_id,) in fetch(db, SQL["open_runs_named"], key._asdict())]
    if open_runs:
        raise _Undo(Removal(False, open_runs))
    db.execute(SQL["delete_procedure"], {**key._asdict(), "version": procedure.version})
    if not db.changes():
        raise _Undo(Removal(False))
    contents = [content for (content,) in fetch(db, SQL["contents_of"], key)]
    for statement in ("delete_procedure_commits", "delete_procedure_pointers", "withdraw_definitions"):
        db.execute(SQL[statement], key)
    _sweep(db, contents)
    return Removal(True)


def _commit(
    db: apsw.Connection,
    key: ProcedureKey,
    commit: Commit,
    text: str,
    expected: str,
    definition: DefinitionRow | None,
    keep_drafts: int | None,
) -> Moved:
    _expect(db, key, commit.branch, expected)
    db.execute(SQL["put_content"], (commit.content, text))
    _put_commit(db, key, commit)
    db.execute(SQL["move_pointer"], (commit.id, commit.at, commit.author, *key, commit.branch))
    db.execute(SQL["touch_procedure"], (commit.at, commit.author, *key))
    if definition is not None:
        put(db, "put_definitions", [definition_row(definition)])
    if keep_drafts is not None:
        wanted = {**key._asdict(), "branch": commit.branch, "newest": keep_drafts, "before": _LAST}
        _compact(db, wanted)
    return Moved(True, _commits(db, "procedure_branch_head", (*key, commit.branch))[0])


def _move(
    db: apsw.Connection, key: ProcedureKey, to: Pointer, expected: str, definition: DefinitionRow | None
) -> Moved:
    _expect(db, key, to.name, expected)
    db.execute(SQL["move_pointer"], (to.commit, to.at, to.by, *key, to.name))
    if definition is not None:
        put(db, "put_definitions", [definition_row(definition)])
    return Moved(True, _commits(db, "procedure_branch_head", (*key, to.name))[0])


def _expect(db: apsw.Connection, key: ProcedureKey, branch: str, expected: str) -> None:
    """The procedure takes commits, and the branch is where whoever writes believes it to be."""
    rows = fetch(db, SQL["procedure"], key)
    if not rows:
        raise _Undo(Moved(False, gone=True))
    found = _commits(db, "procedure_branch_head", (*key, branch))
    head = found[0] if found else None
    if _procedure(rows[0]).archived:
        raise _Undo(Moved(False, head, archived=True))
    if head is None or head.id != expected:
        raise _Undo(Moved(False, head))


def _point(db: apsw.Connection, key: ProcedureKey, pointer: Pointer) -> Pointer | None:
    rows = fetch(db, SQL["procedure_pointer"], (*key, pointer.name))
    if rows:
        raise _Undo(Pointer(*rows[0]))
    if not _commits(db, "procedure_commits_like", {**key._asdict(), "prefix": pointer.commit}):
        raise NotFound(f"{key} has no commit {pointer.commit}")
    db.execute(SQL["put_pointer"], (*key, *pointer))
    return None


def _unpoint(db: apsw.Connection, key: ProcedureKey, pointer: Pointer) -> bool:
    db.execute(SQL["drop_pointer"], (*key, pointer.name, pointer.kind, pointer.commit))
    return db.changes() > 0


def _keep(db: apsw.Connection, key: ProcedureKey, commits: Sequence[str]) -> bool:
    for commit in commits:
        db.execute(SQL["keep_commit"], (*key, commit))
        if not db.changes():
            raise _Undo(False)
    return True


def _compact(db: apsw.Connection, wanted: Mapping[str, Any]) -> int:
    spent = fetch(db, SQL["spent_drafts"], wanted)
    for namespace, name, commit, _ in spent:
        db.execute(SQL["drop_commit"], (namespace, name, commit))
    _sweep(db, {content for *_, content in spent})
    return len(spent)


def _sweep(db: apsw.Connection, contents: Iterable[str]) -> None:
    """Remove documents that no commit has any more."""
    db.execute(SQL["sweep_contents"], (json.dumps(list(contents)),))


def _put_commit(db: apsw.Connection, key: ProcedureKey, commit: Commit) -> None:
    values = {**key._asdict(), **commit._asdict(), "working": int(commit.working)}
    del values["number"]
    values["problems"] = _text([dict(problem) for problem in commit.problems]) if commit.problems else None
    db.execute(SQL["put_commit"], values)


# --- rows ---------------------------------------------------------------------------------------------------------


def _procedure_row(procedure: Procedure) -> tuple[Any, ...]:
    said = (procedure.title, procedure.description)
    sorts = (_text(list(procedure.labels)), _text(dict(procedure.properties)))
    flags = (procedure.archived, procedure.published, procedure.template)
    return (*procedure.key, *procedure[1:6], *said, *sorts, *map(int, flags))


def _procedure(row: Sequence[Any]) -> Procedure:
    key = ProcedureKey(row[0], row[1])
    sorts = [_decoded(text, f"procedure {key}") for text in row[9:11]]
    return Procedure(*[key, *row[2:9], *sorts, *map(bool, row[11:])])


def _commits(db: apsw.Connection, statement: str, values: Any) -> list[Commit]:
    return list(map(_commit_of, fetch(db, SQL[statement], values)))


def _commit_of(row: Sequence[Any]) -> Commit:
    found = Commit(*row)
    problems = () if row[10] is None else _decoded(row[10], f"commit {found.id}")
    return found._replace(working=bool(found.working), problems=problems)


def _decoded(text: str, what: str) -> Json:
    try:
        return decode_json(text)
    except (ValueError, TypeError) as error:
        raise StoreDamaged(
            f"{what} cannot be read ({error})", hint="restore it from a backup or an export"
        ) from error


def _text(value: Json) -> str:
    return encode_json(value).decode()
