"""`Looker`: the verbs that change nothing, on a store that perhaps cannot be changed.

Making one is quick: it knows neither the language nor how steps are done, until a verb wants to.
"""

from __future__ import annotations

from stepwell.client.verbs.inspect import InspectVerbs
from stepwell.engine.reading import Reading


class Looker(InspectVerbs):
    """Made by `assembly`."""

    def __init__(self, engine: Reading) -> None:
        self.engine = engine
