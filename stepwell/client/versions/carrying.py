"""Procedures as one file, with their history; and new ones made from blueprints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from stepwell.client.starting import check_subworkflows
from stepwell.client.versions import committing
from stepwell.client.versions.committing import Made, checked, definition_at, row_of
from stepwell.client.versions.names import By, key_of, pointer_name, procedure_of, resolve, text
from stepwell.client.views import View
from stepwell.definition.model import Definition
from stepwell.definition.parse import content_hash, parse_document
from stepwell.engine.engine import Engine
from stepwell.model.base import Instant, Json
from stepwell.model.errors import Conflict, InvalidInput, TransitionRefused
from stepwell.model.versions import BRANCH, MAIN, TAG, Commit, Pointer, Procedure, ProcedureKey, commit_id

FORMAT: Final = 1
MOST: Final = 100_000
_ALL: Final = 2**31
_SAID: Final = ("title", "description", "labels", "properties", "archived", "published", "template")


async def export(engine: Engine, key: ProcedureKey, *, drafts: bool) -> View:
    """All there is of a procedure, as one JSON object."""
    store = engine.store.versions
    procedure = await procedure_of(store, key)
    pointers = await store.pointers(key)
    commits: dict[int, Commit] = {}
    for pointer in pointers:
        found = await store.history(key, pointer.commit, _ALL, drafts=drafts)
        commits |= {commit.number: commit for commit in found}
    kept = [commit for _, commit in sorted(commits.items())]
    if not drafts:
        heads = {pointer.commit for pointer in pointers}
        bases = {commit.id: commit.base or "" for commit in kept if commit.working and commit.id in heads}
        pointers = [
            pointer._replace(commit=bases.get(pointer.commit, pointer.commit)) for pointer in pointers
        ]
        kept = [commit for commit in kept if not commit.working]
    return {
        "stepwell_procedure": FORMAT,
        "namespace": key.namespace,
        "name": key.name,
        **{name: _plain(getattr(procedure, name)) for name in _SAID},
        "created_at": procedure.created_at,
        "created_by": procedure.created_by,
        "updated_at": procedure.updated_at,
        "updated_by": procedure.updated_by,
        "pointers": [pointer._asdict() for pointer in pointers],
        "commits": [{**commit._asdict(), "problems": list(commit.problems)} for commit in kept],
        "documents": {hash: await store.content(hash) for hash in {commit.content for commit in kept}},
    }


def _plain(value: Any) -> Json:
    if isinstance(value, Mapping):
        return dict(value)
    return value if isinstance(value, str | bool) else list(value)


async def load(engine: Engine, file: Json) -> Made:
    """Store a procedure as it was exported: every id and hash is checked, and nothing is stored unless all is right.

    Raises `InvalidInput`, `InvalidDefinition`, `Conflict` where there is another one of that name; `created` False
    where it is there already, with the same commits.
    """
    reading = _Reading(file)
    store, key = engine.store.versions, reading.key
    line = reading.on_main()
    await check_subworkflows(engine.library, line[-1], adding=True)
    rows = [row_of(engine, definition) for definition in line]
    ordered = [
        row._replace(created_at=row.created_at - len(rows) + index) for index, row in enumerate(rows, 1)
    ]
    head = reading.commit_of(MAIN)
    if await store.create(reading.procedure, reading.commits, reading.pointers, reading.documents, ordered):
        return Made(head, True)
    there = await store.find(key, head.id)
    if there and there[0].id == head.id:
        return Made(there[0], False)
    raise Conflict(
        f"there is another procedure {key} already", hint="delete or rename one of them; nothing was changed"
    )


class _Reading:
    """An exported procedure, every part of it looked at."""

    def __init__(self, file: Json) -> None:
        if (
            not isinstance(file, Mapping)
            or type(form := file.get("stepwell_procedure")) is not int
            or form != FORMAT
        ):
            raise InvalidInput(
                "this is no exported procedure", hint="make one with: stepwell procedures export"
            )
        self._file = file
        self.key: ProcedureKey = key_of(f"{self._text('namespace')}/{self._text('name')}")
        self.documents = self._documents()
        self.commits = [self._commit(item) for item in self._items("commits")]
        self._by_id = {commit.id: commit for commit in self.commits}
        self._check_line()
        self.pointers = [self._pointer(item) for item in self._items("pointers")]
        self._heads = {pointer.name: pointer for pointer in self.pointers}
        if len(self._heads) != len(self.pointers) or MAIN not in self._heads:
            raise self._wrong("pointers", "they have different names, and one is the branch main")
        self.procedure = self._procedure()

    def commit_of(self, pointer: str) -> Commit:
        return self._by_id[self._heads[pointer].commit]

    def on_main(self) -> list[Definition]:
        """What can be run by name: the commits of `main`, oldest first."""
        line, at = [], self.commit_of(MAIN).base
        while at is not None:
            line.append(self._by_id[at])
            at = self._by_id[at].parent
        return [parse_document(self.documents[commit.content]) for commit in reversed(line)]

    def _documents(self) -> dict[str, Json]:
        found = self._file.get("documents")
        if not isinstance(found, Mapping):
            raise self._wrong("documents", "an object of documents by their hashes")
        try:
            wrong = [str(hash) for hash, document in found.items() if content_hash(document) != hash]
        except (ValueError, RecursionError) as error:
            raise self._wrong("documents", str(error)) from error
        if wrong:
            raise self._wrong("documents", f"{wrong[0][:12]} is not the hash of its document: it was changed")
        return dict(found)

    def _items(self, name: str) -> Sequence[Mapping[str, Json]]:
        found = self._file.get(name)
        if (
            not isinstance(found, list)
            or len(found) > MOST
            or not all(isinstance(item, Mapping) for item in found)
        ):
            raise self._wrong(name, f"a list of at most {MOST:,} objects")
        return found

    def _commit(self, item: Mapping[str, Json]) -> Commit:
        try:
            made = Commit(**{**item, "number": 0})
            sound = commit_id(self.key, made) == made.id and self._typed(made)
        except (TypeError, AttributeError, ValueError) as error:
            raise self._wrong("commits", f"a commit cannot be read ({error})") from error
        if not sound:
            raise self._wrong("commits", f"{str(made.id)[:12]} is not the id of its commit: it was changed")
        if made.content not in self.documents:
            raise self._wrong("commits", f"the document of {made.id[:12]} is missing")
        if not made.working:
            definition = parse_document(self.documents[made.content], f"commit {made.id[:12]}")
            if (definition.namespace, definition.name) != self.key:
                raise self._wrong("commits", f"{made.id[:12]} is a version of {definition.reference}")
        return made

    def _typed(self, made: Commit) -> bool:
        texts = (made.message, made.author, made.content, made.branch)
        rest = isinstance(made.problems, list) and all(isinstance(one, Mapping) for one in made.problems)
        version = made.definition_version is None or isinstance(made.definition_version, str)
        exact = type(made.at) is int and type(made.working) is bool
        return all(isinstance(one, str) for one in texts) and exact and version and rest

    def _check_line(self) -> None:
        """Parents come before children, and are no drafts."""
        seen: dict[str, Commit] = {}
        for commit in self.commits:
            for parent in (commit.parent, commit.merge_parent):
                if parent is not None and (parent not in seen or seen[parent].working):
                    raise self._wrong("commits", f"what {commit.id[:12]} follows from is missing")
            if commit.working and commit.parent is None:
                raise self._wrong("commits", f"the draft {commit.id[:12]} follows from nothing")
            seen[commit.id] = commit

    def _pointer(self, item: Mapping[str, Json]) -> Pointer:
        try:
            made = Pointer(**item)
        except TypeError as error:
            raise self._wrong("pointers", str(error)) from error
        right = made.kind in (BRANCH, TAG) and isinstance(made.name, str) and isinstance(made.by, str)
        if not right or type(made.at) is not int or made.commit not in self._by_id:
            raise self._wrong(
                "pointers", f"{str(made.name)[:100]!r} is no branch or tag of a commit that is here"
            )
        pointer_name(made.name)
        return made

    def _procedure(self) -> Procedure:
        said = checked({name: self._file[name] for name in _SAID if name in self._file})
        stamps = {name: self._file.get(name) for name in ("created_at", "updated_at")}
        if not all(type(stamp) is int for stamp in stamps.values()):
            raise self._wrong("created_at", "an instant")
        created: Instant = self._file["created_at"]
        by = [text(self._file.get(name, ""), name) for name in ("created_by", "updated_by")]
        return Procedure(self.key, 1, created, by[0], self._file["updated_at"], by[1], **said)

    def _text(self, name: str) -> str:
        value = self._file.get(name)
        if not isinstance(value, str):
            raise self._wrong(name, "a text")
        return value

    def _wrong(self, member: str, why: str) -> InvalidInput:
        return InvalidInput(
            f"the exported procedure is not right: {member}: {why}", hint="export it once more"
        )


async def create_from(
    engine: Engine, template: ProcedureKey, key: ProcedureKey, *, at: str, by: By, said: Mapping[str, Json]
) -> Made:
    """A new procedure that begins with what a blueprint has. Raises `TransitionRefused` where that is none."""
    store = engine.store.versions
    blueprint = await procedure_of(store, template)
    if not blueprint.template:
        raise TransitionRefused(
            f"{template} is no template", hint=f"make it one: stepwell procedures edit {template} --template"
        )
    commit = await resolve(store, template, at)
    document = dict((await definition_at(engine, template, commit)).document)
    document["document"] = {**document["document"], **key._asdict()}
    title = {"title": blueprint.title, "description": blueprint.description, "labels": list(blueprint.labels)}
    return await committing.create(
        engine,
        parse_document(document, f"{key} from {template}"),
        message=f"From template {template} at {commit.id[:12]}",
        by=by,
        said={**title, "properties": dict(blueprint.properties), **said},
    )
