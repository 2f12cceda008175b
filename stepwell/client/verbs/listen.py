"""Hearing what happens, as it happens. What a listener is told is its own: it may write into it. It may be a coroutine
function, which is awaited beside the runs, for one thing after the other; an engine that closes lets it hear all.
"""

from __future__ import annotations

from collections.abc import Callable

from stepwell.client.verbs.base import Verbs
from stepwell.engine.observers import ConditionListener, VariableListener, own_event
from stepwell.ports import Observer
from stepwell.workers.copies import own_copy


class ListenVerbs(Verbs):
    """Events, variables and conditions of this engine."""

    def on_event(self, observer: Observer) -> Callable[[], None]:
        """Hear every committed event of this engine: `(run_id, seq, at, event)`. Returns what ends it."""
        return self.engine.observers.on_event(
            lambda run_id, seq, at, event: observer(run_id, seq, at, own_event(event))
        )

    def on_variable(self, listener: VariableListener) -> Callable[[], None]:
        """Hear every change of a variable: `(run_id, name, old, new)`."""
        return self.engine.observers.on_variable(
            lambda run_id, name, old, new: listener(run_id, name, own_copy(old), own_copy(new))
        )

    def on_condition(self, listener: ConditionListener) -> Callable[[], None]:
        """Hear every condition that was evaluated: `(run_id, step, expression, result)`."""
        return self.engine.observers.on_condition(listener)
