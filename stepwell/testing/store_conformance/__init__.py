"""What every `ports.Store` must do, as tests. A store's own test module derives from these classes:

    class TestMyStore(StoreConformance):
        async def open_store(self, engine_id):
            return await MyStore.open(self.folder / "data", engine_id=engine_id)

`open_store` opens the same data each time; what a class needs (a folder) a fixture sets up. The methods are
coroutines: run them with pytest-asyncio in its auto mode, or with anything else that awaits them.
"""

from stepwell.testing.store_conformance.archive import ArchiveConformance
from stepwell.testing.store_conformance.attributes import AttributeConformance
from stepwell.testing.store_conformance.census import CensusConformance
from stepwell.testing.store_conformance.claims import ClaimConformance
from stepwell.testing.store_conformance.feed import FeedConformance
from stepwell.testing.store_conformance.index import IndexConformance
from stepwell.testing.store_conformance.journal import JournalConformance
from stepwell.testing.store_conformance.ledger import LedgerConformance
from stepwell.testing.store_conformance.owners import OwnerConformance
from stepwell.testing.store_conformance.queues import QueueConformance
from stepwell.testing.store_conformance.schedules import ScheduleConformance
from stepwell.testing.store_conformance.search import SearchConformance
from stepwell.testing.store_conformance.support import Journal, created, fails, index_row, turn
from stepwell.testing.store_conformance.versions import VersionConformance

__all__ = ["Journal", "StoreConformance", "created", "fails", "index_row", "turn"]


class StoreConformance(
    JournalConformance,
    IndexConformance,
    AttributeConformance,
    ArchiveConformance,
    OwnerConformance,
    ScheduleConformance,
    CensusConformance,
    FeedConformance,
    QueueConformance,
    LedgerConformance,
    ClaimConformance,
    VersionConformance,
    SearchConformance,
):
    """All of it."""
