"""The journal in one SQLite file."""

from stepwell.stores.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
