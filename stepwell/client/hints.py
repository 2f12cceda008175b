"""Commands in hints that can be given as they stand: with the file that they are about."""

from __future__ import annotations

import re
import shlex
from typing import Final

<<<<<<< HEAD
_COMMAND: Final = re.compile(r"\bstepwell (runs \w+|schedules \w+|serve|doctor|graph|status)\b(?! --db)")
=======
_COMMAND: Final = re.compile(r"\bstepwell (runs \w+|archive \w+|serve|doctor|graph|status)\b(?! --db)")
>>>>>>> ae34724 (Hints name the file in archive commands too)
DEFAULT_FILE: Final = "stepwell.db"
"""what a command without `--db` is about"""


def with_file(text: str, file: str) -> str:
    """The text, with `--db` in each command of it."""
    return _COMMAND.sub(lambda found: f"{found[0]} --db {shlex.quote(file)}", text)
