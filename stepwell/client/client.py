"""`Client`: the one counter. Every verb returns once its outcome is durable."""

from __future__ import annotations

from stepwell.client.verbs.inspect import InspectVerbs
from stepwell.client.verbs.listen import ListenVerbs
from stepwell.client.verbs.steer import SteerVerbs
from stepwell.client.verbs.subscribe import SubscribeVerbs


class Client(SteerVerbs, InspectVerbs, ListenVerbs, SubscribeVerbs):
    """All verbs. Made by `assembly`."""
