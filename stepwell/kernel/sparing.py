"""What spares work, or slows it down: under which key a task's result is kept, and how often it may be performed."""

from __future__ import annotations

from stepwell.definition.model import Task
from stepwell.kernel.data import View
from stepwell.kernel.ruling import Ruling
from stepwell.model.calls import StepCall
from stepwell.model.effects import Perform
from stepwell.model.ledger import Cached, Rate, cache_key, hashed
from stepwell.model.records import Step


def spared_task(r: Ruling, task: Task, view: View, step: Step, effect: Perform) -> Perform:
    """The effect, with what the task's metadata says. Raises `Fault` where the key cannot be computed."""
    cache, rate = task.options.cache, task.options.rate
    if cache is None and rate is None:
        return effect
    where = f"{r.definition.namespace}/{r.definition.name}/{task.name}"
    cached = None
    if cache is not None:
        cached = Cached(where, cache_key(view.evaluate(cache.key, step.input)), cache.ttl)
    if rate is not None and not rate.name:
        rate = rate._replace(name=where)
    return _spared(r, step, effect, cached, rate)


def spared_call(r: Ruling, call: StepCall, step: Step, effect: Perform) -> Perform:
    """The effect, with what the step of a Python workflow says."""
    if call.cached is None and call.rate is None:
        return effect
    return _spared(r, step, effect, call.cached, call.rate)


def _spared(r: Ruling, step: Step, effect: Perform, cached: Cached | None, rate: Rate | None) -> Perform:
    """A key that holds a secret is kept as its hash; what waited for its slot has it."""
    if cached is not None and r.env.redact is not None and r.env.redact(cached.key) != cached.key:
        cached = cached._replace(key=hashed(cached.key))
    return effect._replace(cached=cached, rate=None if step.granted else rate)
