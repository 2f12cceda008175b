"""The definitions that this engine knows: parsed once, found by hash or by name, stored once."""

from __future__ import annotations

import re

from stepwell.definition.model import Definition
from stepwell.definition.parse import parse_document
from stepwell.engine.codebase import Codebase
from stepwell.model.errors import NotFound
from stepwell.model.journal import DefinitionRow
from stepwell.ports import Clock, Store


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
            known = self._known[hash] = parse_document(
                row.document, f"{row.namespace}/{row.name}:{row.version}"
            )
            self._stored.add(hash)
        return known

    async def find(self, namespace: str, name: str, version: str) -> Definition:
        """The definition of that name and semantic version, the newest stored one; `latest` is the highest version.

        Raises `NotFound`.
        """
        wanted = None if version == "latest" else version
        code = [d for d in self._codebase.definitions(namespace, name) if wanted in (None, d.version)]
        rows = await self._store.definitions(namespace, name, wanted)
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
        return await self.get(newest.hash)


def semver_key(version: str) -> tuple[object, ...]:
    """Sorts semantic versions by precedence (semver.org 2.0.0, §11)."""
    core, _, pre = version.partition("+")[0].partition("-")
    numbers = tuple(int(part) for part in core.split(".") if part.isdigit())
    parts = (
        tuple((0, int(p), "") if re.fullmatch(r"\d+", p) else (1, 0, p) for p in pre.split("."))
        if pre
        else ()
    )
    return (numbers, not pre, parts)
