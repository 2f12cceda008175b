"""`Looker`: the verbs that change nothing, on a store that perhaps cannot be changed.

Making one is quick: it knows neither the language nor how steps are done, until a verb wants to.
"""

from __future__ import annotations

from stepwell.client.verbs.inbox import InboxVerbs
from stepwell.client.verbs.inspect import InspectVerbs
from stepwell.client.verbs.pending import PendingVerbs
from stepwell.client.verbs.queues import QueueLooks
from stepwell.client.verbs.scheduled import ScheduleLooks
from stepwell.client.verbs.search import SearchVerbs
from stepwell.engine.reading import Reading


class Looker(InspectVerbs, InboxVerbs, PendingVerbs, QueueLooks, ScheduleLooks, SearchVerbs):
    """Made by `assembly`."""

    def __init__(self, engine: Reading) -> None:
        self.engine = engine
