"""The SQLite store does what every store must do."""

from pathlib import Path

import pytest

from stepwell.stores.sqlite import SqliteStore
from stepwell.testing.store_conformance import StoreConformance
from tests.support.clock import FakeClock


class TestSqlite(StoreConformance):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.path = tmp_path / "steps.db"

    async def open_store(self, engine_id: str | None) -> SqliteStore:
        return await SqliteStore.open(self.path, clock=FakeClock(), engine_id=engine_id, warm=0)


class TestSqliteByThread(TestSqlite):
    """The same with every commit handed to the writing thread, as on a slow disk."""

    @pytest.fixture(autouse=True)
    def _slow(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("stepwell.stores.sqlite.writer.Writer._quick_enough", lambda self: False)
