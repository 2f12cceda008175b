"""What callers say, checked: steps to plan, errors, tokens, and the definitions of their runs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from typing import Any, Final, Literal

from stepwell.code.document import checked_name, checked_version, milliseconds
from stepwell.code.faults import problem_of as problem_of_exception
from stepwell.code.options import Length, microseconds
from stepwell.definition.model import Definition
from stepwell.definition.parse import parse_document
from stepwell.model.base import Duration, Instant, Json
from stepwell.model.driven import ANY, DRIVEN, Fence, Planned
from stepwell.model.errors import InvalidInput
from stepwell.model.problem import Problem, runtime
from stepwell.steps.results import Claim
from stepwell.workers.copies import own_copy


class Unset(Enum):
    """Stands for an argument that was not given, where None is a value."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET
MaybeUnset = Json | Literal[Unset.UNSET]


@dataclass(frozen=True, slots=True)
class Plan:
    """A step to schedule. `after`: not before so long. `needs`: only if these steps are completed, the one
    included that this very commit completes: given at the end of each of them, the last one plans it."""

    step: str
    input: Json = None
    after: Length | None = None
    needs: Sequence[str] = ()


Plans = Mapping[str, Json] | Iterable[str | Plan]
"""Steps to schedule: names, `Plan`s, or a mapping of names to inputs."""

Steps = Sequence[str] | Mapping[str, Mapping[str, Json]] | Literal["any"]
"""The steps of a run: names, or a mapping of names to `{"input": schema, "output": schema}`, or `ANY`."""

Error = str | Mapping[str, Json] | BaseException
"""Why a step failed: a text, the members of a problem (RFC 7807), or an exception."""


def planned(plans: Plans, now: Instant) -> tuple[Planned, ...]:
    if isinstance(plans, str | bytes):
        raise InvalidInput(f"the steps to schedule are a list, not {plans!r}", hint=f"write [{plans!r}]")
    if isinstance(plans, Mapping):
        return tuple(Planned(checked_step(name), own_copy(value)) for name, value in plans.items())
    return tuple(_planned(plan, now) for plan in plans)


def _planned(plan: object, now: Instant) -> Planned:
    if isinstance(plan, Plan):
        due = None if plan.after is None else now + microseconds(plan.after, "after")
        if isinstance(plan.needs, str):
            raise InvalidInput(f"needs is a list of names, not {plan.needs!r}")
        return Planned(
            checked_step(plan.step), own_copy(plan.input), due, tuple(map(checked_step, plan.needs))
        )
    return Planned(checked_step(plan))


def checked_step(name: object) -> str:
    if not isinstance(name, str) or not name:
        raise InvalidInput(f"a step's name is a text, not {name!r}")
    return name


def lease_of(lease: Length | None) -> Duration | None:
    if lease is None:
        return None
    length = microseconds(lease, "lease")
    if length < 1:
        raise InvalidInput("a lease is longer than 0 seconds")
    return length


def token_hash(token: str) -> str:
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def fence_of(claim: Claim) -> Fence:
    if not isinstance(claim, Claim):
        raise InvalidInput(
            f"a claim is what begin_step gave to whoever executes, not {claim!r}",
            hint="look at `begun.execute` first: who skips has no claim",
        )
    return Fence(checked_step(claim.step), claim.attempt, token_hash(claim.token))


def problem_of(error: Error) -> Problem:
    if isinstance(error, BaseException):
        return problem_of_exception(error)[0]
    if isinstance(error, str):
        return runtime(error)
    if not isinstance(error, Mapping):
        raise InvalidInput(f"an error is a text, a mapping or an exception, not {error!r}")
    plain = runtime("")
    members: dict[str, Any] = {"type": plain.type, "status": plain.status, "title": plain.title, **error}
    try:
        return Problem(**members)
    except TypeError:
        raise InvalidInput(
            f"an error has the members type, status, title, detail and instance, not {sorted(error)}"
        ) from None


def definition_of(
    name: str,
    steps: Steps,
    namespace: str,
    version: str | int,
    input_schema: Json,
    summary: str,
    timeout: Length | None = None,
) -> Definition:
    """A valid document that declares the steps. Raises `InvalidInput`, `InvalidDefinition`."""
    tasks = _tasks(steps)
    if not tasks:
        raise InvalidInput("a run has at least one step", hint="steps=ANY takes steps of any name")
    metadata: dict[str, Json] = {"code": DRIVEN}
    if steps == ANY:
        metadata["steps"] = ANY
    head: dict[str, Json] = {
        "dsl": "1.0.3",
        "namespace": checked_name(namespace),
        "name": checked_name(name),
        "version": checked_version(version),
        "metadata": metadata,
    }
    if summary:
        head["summary"] = summary
    document: dict[str, Json] = {"document": head}
    if input_schema is not None:
        document["input"] = _schema(input_schema)
    if timeout is not None:
        document["timeout"] = {"after": milliseconds(microseconds(timeout, "timeout"))}
    document["do"] = tasks
    return parse_document(json.loads(json.dumps(document)), f"{namespace}/{name}")


def _tasks(steps: Steps) -> list[dict[str, Json]]:
    if isinstance(steps, str):
        if steps != ANY:
            raise InvalidInput(f"steps are a list of names, or ANY, not {steps!r}", hint=f"write [{steps!r}]")
        return [_task(ANY, {})]
    if isinstance(steps, Mapping):
        return [_task(checked_step(name), contract) for name, contract in steps.items()]
    return [_task(checked_step(name), {}) for name in steps]


def _task(name: str, contract: Mapping[str, Json]) -> dict[str, Json]:
    unknown = sorted(set(contract) - {"input", "output"})
    if unknown:
        raise InvalidInput(f"step {name}: {', '.join(unknown)} is unknown: input and output have a schema")
    task: dict[str, Json] = {member: _schema(schema) for member, schema in contract.items()}
    return {name: {**task, "call": "python", "with": {"function": name}}}


def _schema(schema: Json) -> dict[str, Json]:
    return {"schema": {"document": schema}}


def driven(definition: Definition) -> Definition:
    """The definition, marked as one whose runs a program of its own drives."""
    if definition.driven:
        return definition
    document: dict[str, Any] = json.loads(json.dumps(definition.document))
    head = document["document"]
    head["metadata"] = {**head.get("metadata", {}), "code": DRIVEN}
    return parse_document(document, definition.reference)
