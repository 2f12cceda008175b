"""Whoever listens: told of every committed event and every evaluated condition, after the commit, once.

A listener cannot change the run, hold it up or break it: it is called on the engine's loop, and what it raises is
logged.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

from stepwell.kernel.ruling import Condition
from stepwell.model.base import Json
from stepwell.model.events import VariablesSet
from stepwell.model.journal import Turn
from stepwell.ports import Observer

log = logging.getLogger("stepwell.events")

ConditionListener = Callable[[str, str, str, bool], None]
"""Gets (run id, step id, expression, result)."""

VariableListener = Callable[[str, str, object, object], None]
"""Gets (run id, name, old, new); None stands for absent."""

Forget = Callable[[], None]


class Observers:
    """Three kinds of listeners; each `on_…` returns a function that ends the subscription."""

    def __init__(self) -> None:
        self._events: list[Observer] = []
        self._conditions: list[ConditionListener] = []
        self._variables: list[VariableListener] = []

    def __bool__(self) -> bool:
        return bool(self._events or self._conditions or self._variables)

    def on_event(self, observer: Observer) -> Forget:
        self._events.append(observer)
        return lambda: self._events.remove(observer)

    def on_condition(self, listener: ConditionListener) -> Forget:
        self._conditions.append(listener)
        return lambda: self._conditions.remove(listener)

    def on_variable(self, listener: VariableListener) -> Forget:
        self._variables.append(listener)
        return lambda: self._variables.remove(listener)

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


def _call(listener: Callable[..., None], *arguments: object) -> None:
    try:
        listener(*arguments)
    except Exception:
        log.exception("a listener failed; the run goes on")
