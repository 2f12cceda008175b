"""The runs that ended here last: whoever asks for their result need not have the journal read."""

from __future__ import annotations

from typing import Final

from stepwell.model.journal import RunRow
from stepwell.model.records import Run

MOST: Final = 1_000


class Ended:
    """A bounded memory. A run that was opened again elsewhere since is not taken from it."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}

    def keep(self, run: Run) -> None:
        self._runs[run.id] = run
        if len(self._runs) > MOST:
            del self._runs[next(iter(self._runs))]

    def find(self, row: RunRow) -> Run | None:
        run = self._runs.get(row.id)
        if run is None or (run.status, run.updated_at) != (row.status, row.updated_at):
            return None
        return run
