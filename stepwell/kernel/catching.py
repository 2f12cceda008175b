"""What a `try` does with an error that reaches it: filters, retries, handler (language-notes 1, 9, 10, 11)."""

from __future__ import annotations

from typing import Final, NamedTuple

from stepwell.definition.model import CatchSpec, RetrySpec, TryBody
from stepwell.kernel.data import View
from stepwell.kernel.evolve_run import try_scope
from stepwell.kernel.flow import complete, open_scope
from stepwell.kernel.ruling import Ruling
from stepwell.model import events as e
from stepwell.model.base import Instant, Json
from stepwell.model.effects import SetTimer
from stepwell.model.events import SAME
from stepwell.model.policy import RetryTiming
from stepwell.model.problem import Problem
from stepwell.model.records import Scope, Step

KNOWN_TYPES: Final = ("/dsl/errors/types/", "/spec/1.0.0/errors/", "/errors/types/")
"""Where the standard's error types have lived; they are equal in a filter (language-notes 1)."""


class Response(NamedTuple):
    """`retry_at` set: try again then. Otherwise run the handler, if there is one, and go on."""

    retry_at: Instant | None = None


def body_of(r: Ruling, owner: Step) -> TryBody:
    body = r.task(owner.path).body
    assert isinstance(body, TryBody)
    return body


def response(r: Ruling, owner: Step, scope: Scope, problem: Problem) -> Response | None:
    """What the block will do about the error; None: it does not catch it. Raises `Fault` if its catch is broken."""
    catch = body_of(r, owner).catch
    if not matches(catch, problem):
        return None
    error = problem.as_json()
    view = _view(r, owner, catch, error)
    if catch.when is not None and not view.condition(catch.when, error):
        return None
    if catch.except_when is not None and view.condition(catch.except_when, error):
        return None
    if catch.retry is None:
        return Response()
    retry_at = _retry_at(r, owner, catch.retry, view, error)
    if retry_at is not None:
        return Response(retry_at)
    # Retries are spent: without a handler the error goes on up.
    return Response() if catch.do is not None or catch.then is not None else None


def respond(r: Ruling, owner: Step, problem: Problem, answer: Response) -> None:
    """Do it."""
    catch = body_of(r, owner).catch
    if answer.retry_at is not None:
        r.emit(e.StepRetrying(owner.id, problem, answer.retry_at))
        r.effect(SetTimer(owner.id, "wake", answer.retry_at))
    elif catch.do is not None:
        variables = {catch.as_: problem.as_json()}
        open_scope(r, owner, f"{owner.id}/catch/do", catch.do, "catch", variables=variables)
    else:
        complete(r, owner, SAME, then=catch.then)


def begin_try(r: Ruling, owner: Step) -> None:
    """Go through the block: for the first time, or again."""
    body = body_of(r, owner)
    number = owner.attempt - 1
    if owner.attempt_deadline is not None:
        r.effect(SetTimer(owner.id, "attempt", owner.attempt_deadline))
    open_scope(r, owner, try_scope(owner.id, number), body.try_, "try", number)


def attempt_deadline(r: Ruling, view: View, body: TryBody, data: Json) -> Instant | None:
    """When the next attempt must be through (`retry.limit.attempt.duration`)."""
    retry = body.catch.retry
    if retry is None or retry.attempt_duration is None:
        return None
    return r.now + view.duration(retry.attempt_duration, data)


def matches(catch: CatchSpec, problem: Problem) -> bool:
    """Whether the error passes `catch.errors.with`."""
    error = problem.as_json()
    for name, wanted in catch.errors_with.items():
        actual = error.get("detail" if name == "details" else name)
        if name == "type":
            if _type_name(str(actual)) != _type_name(str(wanted)):
                return False
        elif actual != wanted:
            return False
    return True


def _type_name(uri: str) -> str:
    """A standard type by its last segment, any other as it is."""
    head, _, last = uri.rpartition("/")
    return last if any((head + "/").endswith(known) for known in KNOWN_TYPES) else uri


def _view(r: Ruling, owner: Step, catch: CatchSpec, error: Json) -> View:
    around = View(r, r.draft.scope(owner.scope), r.task(owner.path), owner, owner.input)
    return around.with_variables({"error": error, catch.as_: error})


def _retry_at(r: Ruling, owner: Step, retry: RetrySpec, view: View, error: Json) -> Instant | None:
    """When to try again; None when the policy says no, or is spent."""
    # What was tried before the run was retried by hand does not count.
    since, number = max(owner.started_at or 0, owner.scheduled_at), owner.attempt - owner.spent
    if retry.count is not None and number > retry.count:
        return None
    if retry.when is not None and not view.condition(retry.when, error):
        return None
    if retry.except_when is not None and view.condition(retry.except_when, error):
        return None
    timing = _timing(retry, view, error)
    at = r.now + timing.delay_before(number, r.env.chance)
    if timing.total is not None and at - since > timing.total:
        return None
    return at


def _timing(retry: RetrySpec, view: View, error: Json) -> RetryTiming:
    jitter = None
    if retry.jitter is not None:
        jitter = (view.duration(retry.jitter.from_, error), view.duration(retry.jitter.to, error))
    return RetryTiming(
        delay=view.duration(retry.delay, error) if retry.delay is not None else 0,
        backoff=retry.backoff,
        total=view.duration(retry.duration, error) if retry.duration is not None else None,
        jitter=jitter,
    )
