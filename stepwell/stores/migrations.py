"""The schema's steps: numbered SQL files, applied forward only, each in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from importlib import resources
from typing import Final, NamedTuple

from stepwell.model.errors import StoreDamaged, StoreTooNew

_HINT: Final = "restore the file from a backup, or open it with the version of Stepwell that wrote it"


class Migration(NamedTuple):
    """One file, `0001_initial.sql`: version 1, name initial."""

    version: int
    name: str
    script: str
    sha256: str


class Applied(NamedTuple):
    """A row of `schema_migrations`."""

    version: int
    name: str
    sha256: str


def migrations(dialect: str) -> tuple[Migration, ...]:
    """All that this version knows, oldest first; they are numbered from 1 without gaps."""
    folder = resources.files("stepwell.stores") / "sql" / dialect / "migrations"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda f: f.name)
    known = tuple(_migration(file.name, file.read_text("utf-8")) for file in files)
    assert [each.version for each in known] == list(range(1, len(known) + 1)), "a migration is missing"
    return known


def _migration(file: str, script: str) -> Migration:
    number, _, name = file.removesuffix(".sql").partition("_")
    return Migration(int(number), name, script, sha256(script.encode()).hexdigest())


def pending(known: Sequence[Migration], applied: Sequence[Applied], where: str) -> Sequence[Migration]:
    """What is still to be applied. Raises `StoreTooNew` where the file is ahead of this version,
    `StoreDamaged` where what was applied is not what this version would have applied."""
    if len(applied) > len(known):
        newest = applied[-1]
        raise StoreTooNew(
            f"{where} was written by a newer Stepwell: its schema is at {newest.version} ({newest.name}), "
            f"this version knows {len(known)}",
            hint="upgrade Stepwell: pip install --upgrade stepwell",
        )
    for ours, theirs in zip(known, applied, strict=False):
        if (ours.version, ours.sha256) != (theirs.version, theirs.sha256):
            raise StoreDamaged(
                f"{where}: schema step {theirs.version} ({theirs.name}) is not the one this version knows",
                hint=_HINT,
            )
    return known[len(applied) :]
