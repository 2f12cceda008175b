"""The definitions that this engine knows: parsed once, found by hash or by name, stored once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepwell.definition.semver import LATEST, is_range, matches, semver_key
from stepwell.engine.codebase import Codebase
from stepwell.model.base import Json
from stepwell.model.errors import InvalidInput, NotFound
from stepwell.model.journal import DefinitionRow
from stepwell.model.versions import MAIN, Commit, ProcedureKey
from stepwell.ports import Clock, Store

if TYPE_CHECKING:
    from stepwell.definition.model import Definition


class Library:
    """A cache over the store's definitions. Definitions are immutable under their hash, so it never goes stale."""

    def __init__(self, store: Store, clock: Clock, codebase: Codebase) -> None:
        self._store, self._clock, self._codebase = store, clock, codebase
        self._known: dict[str, Definition] = {}
        self._stored: set[str] = set()

    def row(self, definition: Definition) -> DefinitionRow | None:
        """What to store with the first run of this definition; None if it is stored already."""
        self._known[definition.hash] = definition
        if definition.hash in self._stored:
            return None
        return DefinitionRow(
            definition.hash,
            definition.namespace,
            definition.name,
            definition.version,
            definition.document,
            self._clock.now(),
        )

    def mark_stored(self, definition: Definition) -> None:
        self._stored.add(definition.hash)

    def forget(self, namespace: str, name: str) -> None:
        """What is stored of this name is found by it no more."""
        known = self._known.values()
        self._stored -= {d.hash for d in known if (d.namespace, d.name) == (namespace, name)}

    async def add(self, definition: Definition) -> None:
        """Store it, so that other workflows can run it by name."""
        row = self.row(definition)
        if row is not None:
            await self._store.put_definition(row)
            self.mark_stored(definition)

    async def get(self, hash: str) -> Definition:
        """Raises `NotFound`."""
        known = self._known.get(hash)
        if known is None:
            row = await self._store.definition(hash)
            if row is None:
                raise NotFound(f"there is no definition with the hash {hash}")
            from stepwell.definition.parse import parse_document  # the language: for whoever reads one

            known = self._known[hash] = parse_document(
                row.document, f"{row.namespace}/{row.name}:{row.version}"
            )
            self._stored.add(hash)
        return known

    def input_problems(self, definition: Definition, input: Json) -> tuple[str, ...]:
        """Why it does not take this input: its schema, and the code that is known of it."""
        from stepwell.definition.schema import check

        schema = definition.input.schema
        found = () if schema is None else check(schema, input)
        try:
            self._codebase.check_input(definition, input)
        except InvalidInput as refused:
            found = (*found, refused.message)
        return found

    async def find(self, namespace: str, name: str, version: str) -> Definition:
        """The definition of that name and semantic version (or the highest one of a range, see `definition.semver`).

        Of one version that was stored several times the newest counts. Where it is a procedure with versions, what its
        branch `main` has goes before that, and is what `latest` means. Raises `NotFound`.
        """
        code = [d for d in self._codebase.definitions(namespace, name) if matches(d.version, version)]
        stored = await self._store.definitions(namespace, name, None if is_range(version) else version)
        rows = [row for row in stored if matches(row.version, version)]
        newest_code = max(code, key=lambda d: semver_key(d.version), default=None)
        if newest_code is not None and all(
            semver_key(row.version) <= semver_key(newest_code.version) for row in rows
        ):
            return newest_code
        if not rows:
            raise NotFound(
                f"there is no definition {namespace}/{name}:{version}",
                hint="give its file with --with FILE, or add it with Stepwell.add_definition",
            )
        newest = max(rows, key=lambda row: (semver_key(row.version), row.created_at))
        main = await self._main(ProcedureKey(namespace, name))
        if main is not None and (version == LATEST or main.definition_version == newest.version):
            return await self.get(main.content)
        return await self.get(newest.hash)

    async def _main(self, key: ProcedureKey) -> Commit | None:
        """What the branch `main` of the procedure has, if it is one."""
        head = await self._store.versions.head(key, MAIN)
        if head is None or not head.working:
            return head
        assert head.parent is not None
        return (await self._store.versions.find(key, head.parent))[0]
