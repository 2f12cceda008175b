"""Code that does not give way: while it runs, nothing else of its process does."""

from __future__ import annotations

import logging
from typing import Final

from stepwell.model.records import Run

log = logging.getLogger("stepwell.code")

LONG: Final = 0.25
"""seconds that a workflow's own code may take between two waits before somebody should know"""


def held_up(run: Run, number: int, took: float) -> None:
    log.warning(
        "the code of %s %s (%s) held up every run of this process for %d ms, after call %d of run %s: "
        "what blocks or takes time belongs in a step",
        run.name, run.version, run.code, took * 1_000, number, run.id,
    )  # fmt: skip
