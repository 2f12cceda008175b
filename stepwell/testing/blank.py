"""A database with nothing in it, made once: most of what a new one costs is its schema, and tests make them by the
thousand."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from stepwell.stores.sqlite.connection import open_writer, place_of


def make_blank(path: Path) -> None:
    """Put an empty database there, where nothing is. It is what opening the path would make."""
    if not path.exists() and path.parent.is_dir():
        path.write_bytes(_blank())


@cache
def _blank() -> bytes:
    with tempfile.TemporaryDirectory(prefix="stepwell-blank-") as folder:
        path = Path(folder) / "blank.db"
        open_writer(place_of(path, None, 1), 0).close()
        return path.read_bytes()
