"""`Client`: the one counter. Every verb returns once its outcome is durable."""

from __future__ import annotations

from stepwell.client.verbs.approvals import ApprovalVerbs
from stepwell.client.verbs.archive import ArchiveVerbs
from stepwell.client.verbs.bulk import BulkVerbs
from stepwell.client.verbs.files import FileVerbs
from stepwell.client.verbs.keep import KeepVerbs
from stepwell.client.verbs.listen import ListenVerbs
from stepwell.client.verbs.metadata import MetadataVerbs
from stepwell.client.verbs.people import PeopleVerbs
from stepwell.client.verbs.procedures import ProcedureVerbs
from stepwell.client.verbs.queues import QueueVerbs
from stepwell.client.verbs.schedules import ScheduleVerbs
from stepwell.client.verbs.search import SearchVerbs
from stepwell.client.verbs.subscribe import SubscribeVerbs
from stepwell.client.verbs.talk import TalkVerbs
from stepwell.client.verbs.versions import VersionVerbs


class Client(
    ApprovalVerbs,
    PeopleVerbs,
    BulkVerbs,
    QueueVerbs,
    ScheduleVerbs,
    ListenVerbs,
    SubscribeVerbs,
    TalkVerbs,
    ArchiveVerbs,
    KeepVerbs,
    FileVerbs,
    MetadataVerbs,
    VersionVerbs,
    ProcedureVerbs,
    SearchVerbs,
):
    """All verbs. Made by `assembly`."""
