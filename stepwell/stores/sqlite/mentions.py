"""Which files are named anywhere in the database."""

from __future__ import annotations

import re
from typing import Final

import apsw

_DIGEST: Final = re.compile("(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_DIGEST_BYTES: Final = re.compile(_DIGEST.pattern.encode())


def mentioned(db: apsw.Connection) -> frozenset[str]:
    """Every text of 64 hexadecimal digits in any column of any table, those that nobody thought of included: a hash too
    many keeps a file for longer, a hash too few would lose one."""
    found: set[str] = set()
    db.execute("BEGIN")  # all of one moment
    try:
        tables = db.execute(
            "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
        ).fetchall()
        for (table,) in tables:
            for row in db.execute(f'SELECT * FROM "{table}"'):  # noqa: S608 - the names are our own
                for value in row:
                    if isinstance(value, str):
                        found.update(_DIGEST.findall(value))
                    elif isinstance(value, bytes):
                        found.update(digest.decode() for digest in _DIGEST_BYTES.findall(value))
    finally:
        db.execute("ROLLBACK")
    return frozenset(found)
