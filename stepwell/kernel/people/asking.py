"""What workers are asked for a condition or a measurement: an action, everything in it evaluated."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from stepwell.definition.conditions import Channel, HttpSpec, JobSpec, SeriesSpec, Spec, WebhookSpec
from stepwell.definition.expression import Template
from stepwell.kernel.exchange import as_text, http_action, idempotency_key, secret
from stepwell.kernel.people.ground import StepGround
from stepwell.kernel.ruling import Fault
from stepwell.model import problem
from stepwell.model.actions import Action, SampleAction, WatchAction, WebhookAction
from stepwell.model.base import SECOND, Instant, Json
from stepwell.model.conditions import Record
from stepwell.model.effects import Probe


def probe(ground: StepGround, leaf: str, record: Record, action: Action) -> Probe:
    """The question. What is delivered has the same key each time; whoever only asks wants to know anew."""
    priority = ground.step.priority + ground.r.draft.run.priority
    key = _key(ground, leaf)
    if not isinstance(action, WebhookAction):
        key = f"{key}:{ground.now}"
    return Probe(ground.step.id, leaf, record["number"], action, key, priority)


def _key(ground: StepGround, leaf: str) -> str:
    return f"{idempotency_key(ground.r.draft.run.id, ground.step.id)}/condition/{leaf}"


def question(ground: StepGround, leaf: str, spec: Spec, record: Record) -> Action:
    """Raises `Fault` where it cannot be asked."""
    return _ASK[type(spec)](ground, leaf, spec, record)


def sampling(
    ground: StepGround, channel: Channel, record: Record, *, since: Instant, latest: bool
) -> SampleAction:
    """Read a channel. Raises `Fault`."""
    source = channel.source
    return SampleAction(
        as_text(ground.render(channel.channel)),
        since,
        ground.now,
        file=None if source.file is None else as_text(ground.render(source.file)),
        http=None if source.http is None else http_action(ground.view, source.http, ground.data),
        name=source.name,
        tags=_texts(ground, channel.tags, "tags"),
        after=record.get("sample_at"),
        position=record.get("position"),
        latest=latest,
    )


def _texts(ground: StepGround, template: Template | None, what: str) -> dict[str, str]:
    found = None if template is None else ground.render(template)
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise Fault(problem.configuration(f"{what} must be an object"))
    return {name: as_text(value) for name, value in found.items() if value is not None}


def _http(ground: StepGround, leaf: str, spec: HttpSpec, record: Record) -> Action:
    return http_action(ground.view, spec.request, ground.data)


def _series(ground: StepGround, leaf: str, spec: SeriesSpec, record: Record) -> Action:
    return sampling(ground, spec.channel, record, since=record["since"], latest=False)


def _job(ground: StepGround, leaf: str, spec: JobSpec, record: Record) -> Action:
    return WatchAction(record["run"])


def _webhook(ground: StepGround, leaf: str, spec: WebhookSpec, record: Record) -> Action:
    """Every attempt has an id of its own, which is the same if the attempt has to be made again after a crash."""
    key = secret(ground.view, spec.secret)
    if not isinstance(key, str):
        raise Fault(problem.configuration(f"secret {spec.secret} is no text: it cannot sign"))
    attempt = f"{_key(ground, leaf)}:{record['number']}"
    return WebhookAction(
        as_text(ground.render(spec.endpoint)),
        key,
        spec.event,
        delivery=hashlib.sha256(attempt.encode()).hexdigest()[:32],
        timestamp=ground.now // SECOND,
        payload=_payload(ground, spec),
        headers=_texts(ground, spec.headers, "headers"),
    )


def _payload(ground: StepGround, spec: WebhookSpec) -> Json:
    """What the author gave; without that, which step it is, and its outputs."""
    if spec.payload.source is not None:
        return ground.render(spec.payload)
    where = {"run": ground.r.draft.run.id, "workflow": ground.r.definition.reference}
    return {**where, "step": ground.step.id, "name": ground.step.name, "outputs": ground.data}


_ASK: Final[dict[type[Any], Callable[[StepGround, str, Any, Record], Action]]] = {
    HttpSpec: _http,
    SeriesSpec: _series,
    JobSpec: _job,
    WebhookSpec: _webhook,
}
