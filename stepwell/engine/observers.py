"""Whoever listens: told of every committed event and every evaluated condition, after the commit, once.

A listener cannot change the run, hold it up or break it: it is called on the engine's loop, and what it raises is
logged.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Final, TypeVar

from stepwell.kernel.ruling import Condition
from stepwell.model.base import Json
from stepwell.model.events import Event, VariablesSet
from stepwell.model.journal import Turn
from stepwell.ports import Observer

log = logging.getLogger("stepwell.events")

ConditionListener = Callable[[str, str, str, bool], None]
"""Gets (run id, step id, expression, result)."""

VariableListener = Callable[[str, str, object, object], None]
"""Gets (run id, name, old, new); None stands for absent."""

_ATOMS: Final = frozenset({str, int, float, bool, type(None)})

Forget = Callable[[], None]
L = TypeVar("L")


class Observers:
    """Three kinds of listeners; each `on_…` returns a function that ends the subscription."""

    def __init__(self) -> None:
        self._events: list[Observer] = []
        self._conditions: list[ConditionListener] = []
        self._variables: list[VariableListener] = []
        self.listening = 0
        """how many listeners there are"""

    def on_event(self, observer: Observer) -> Forget:
        return self._add(self._events, observer)

    def on_condition(self, listener: ConditionListener) -> Forget:
        return self._add(self._conditions, listener)

    def on_variable(self, listener: VariableListener) -> Forget:
        return self._add(self._variables, listener)

    def _add(self, listeners: list[L], listener: L) -> Forget:
        listeners.append(listener)
        self.listening += 1

        def forget() -> None:
            listeners.remove(listener)
            self.listening -= 1

        return forget

    def tell(self, turn: Turn, conditions: Sequence[Condition], before: Mapping[str, Json]) -> None:
        """`before`: the run's variables before the turn."""
        for event in turn.events:
            for observer in list(self._events):
                _call(observer, turn.run_id, turn.seq, turn.at, event)
            if isinstance(event, VariablesSet) and self._variables:
                self._tell_variables(turn.run_id, event, before)
        for condition in conditions:
            for listener in list(self._conditions):
                _call(listener, turn.run_id, *condition)

    def _tell_variables(self, run_id: str, event: VariablesSet, before: Mapping[str, Json]) -> None:
        changed = {**event.values, **dict.fromkeys(event.removed)}
        for name, new in changed.items():
            for listener in list(self._variables):
                _call(listener, run_id, name, before.get(name), new)


def own_event(event: Event) -> Event:
    """The event once more, for code of the user's: what it writes into it is not what the engine remembers."""
    return event if _ATOMS.issuperset(map(type, event)) else deepcopy(event)


def _call(listener: Callable[..., None], *arguments: object) -> None:
    try:
        listener(*arguments)
    except Exception:
        log.exception("a listener failed; the run goes on")
