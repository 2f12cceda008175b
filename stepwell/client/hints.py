"""Commands in hints that can be given as they stand: with the file that they are about."""

from __future__ import annotations

import re
import shlex
from typing import Final

_COMMAND: Final = re.compile(
    r"\bstepwell (runs \w+|archive \w+|schedules \w+|procedures \w+|queues \w+|approvals \w+|step \w+|"
    r"inbox|audit|serve|doctor|graph|status)\b(?! --db)"
)
DEFAULT_FILE: Final = "stepwell.db"
"""what a command without `--db` is about"""


def with_file(text: str, file: str) -> str:
    """The text, with `--db` in each command of it."""
    return _COMMAND.sub(lambda found: f"{found[0]} --db {shlex.quote(file)}", text)
