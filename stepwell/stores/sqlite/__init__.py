"""The journal in one SQLite file."""

from stepwell.stores.sqlite.store import WARM_WAL, SqliteStore

__all__ = ["WARM_WAL", "SqliteStore"]
