"""`@step`: a function whose result is kept. What a workflow does to the outside, it does in steps."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Callable, Mapping
from copy import copy
from functools import cached_property, partial, update_wrapper
from typing import Any, Concatenate, Final, Generic, ParamSpec, TypeVar, cast, overload

from stepwell.code.alone import Alone
from stepwell.code.arguments import for_the_record
from stepwell.code.asked import Asked, Awaited, Halt, Then, halted
from stepwell.code.checks import (
    check_callable,
    check_function,
    check_options,
    check_text,
    check_truth,
    shown,
)
from stepwell.code.execution import CURRENT, Execution
from stepwell.code.options import MOST_RETRIES, Deadline, Length, Retry, deadline_of, microseconds
from stepwell.code.policies import Limit, Policy, recourse
from stepwell.code.registry import REGISTRY
from stepwell.code.sparing import Cache, Limited, cache_of, rate_of
from stepwell.code.values import Form, form_of, hints_of
from stepwell.definition.building.approvals import asked
from stepwell.model.actions import CodeAction
from stepwell.model.base import Json, new
from stepwell.model.calls import StepCall
from stepwell.model.errors import InvalidInput
from stepwell.model.policy import Backoff, StepOptions
from stepwell.model.recourse import Strike
from stepwell.model.starting import priority as checked_priority
from stepwell.workers.copies import own_copy

P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R")
S = TypeVar("S")

_WITH_THE_CALL: Final = ("irreversible", "compensate", "priority", "deadline")
"""options that stay with the caller where the step is a run of its own"""

NAME: Final = re.compile(r"[\w.-]{1,200}")
KIND: Final = "call:python"
_NO_KEYWORDS: Final[dict[str, Any]] = {}


class Step(Generic[P, R]):
    """A function that a workflow has performed once for each call: at least once over crashes, recorded exactly once.

    Called outside a run it is the plain function. In a workflow, an `async def` step is awaited; a `def` step is
    performed on a thread, and the workflow waits for it. `submit` begins it without waiting.
    """

    def __init__(
        self,
        function: Callable[P, R],
        *,
        name: str,
        options: StepOptions,
        retry: Retry | None,
        compensate: Callable[..., Any] | None,
        queue: str | None = None,
        cache: Cache | None = None,
        rate: Limited | None = None,
    ) -> None:
        self.function, self.name, self.options = function, name, options
        self.is_async = inspect.iscoroutinefunction(function)
        self.compensation = None if compensate is None else _as_step(compensate)
        self._retryable = None if retry is None else retry.helps()
        self._written = options.as_json()
        self.place = f"{function.__module__}:{function.__qualname__}"
        self.cache, self.rate = cache, None if rate is None else rate_of(rate, self.place)
        update_wrapper(self, function)
        self._alone = None
        if queue is not None:
            self._alone = Alone(function, name, queue, options.priority, lambda: self.form, self._call)
            REGISTRY.add(self._alone)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        execution = CURRENT.get()
        if execution is None:
            return self.function(*args, **kwargs)
        result: Any
        if self._alone is None:
            then = None if self.compensation is None else self._undone(execution, args, kwargs)
            awaited = self._call(execution, args, kwargs, then)
            result = awaited.outcome() if self.is_async else execution.wait(awaited.future)
        else:
            future = self.ask(execution, args, kwargs)
            result = waiting(future) if self.is_async else execution.wait(future)
        return result  # type: ignore[no-any-return]

    @overload
    def __get__(self, instance: None, owner: type | None = None) -> Step[P, R]: ...

    @overload
    def __get__(self: Step[Concatenate[S, Q], R], instance: S, owner: type | None = None) -> Step[Q, R]: ...

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """Of an object: the method, as a step. (The object is no part of the record.)"""
        if instance is None:
            return self
        if self._alone is not None:
            raise InvalidInput(
                f"step {self.name} goes through a queue, and is a method: its object cannot go with it",
                hint="make it a function, and give it what it needs as arguments",
            )
        bound = copy(self)
        bound.function = self.function.__get__(instance, owner)
        bound.form = self.form
        return bound

    def submit(self, *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[Any]:
        """Begin it in a workflow without waiting: to be awaited later, or given to `flow.gather`."""
        execution = CURRENT.get()
        if execution is None:
            raise InvalidInput(f"{self.name}.submit(…) is for workflows; outside of one, call {self.name}(…)")
        return self.ask(execution, args, kwargs)

    def ask(
        self, execution: Execution, args: tuple[Any, ...], kwargs: dict[str, Any], undoes: str | None = None
    ) -> asyncio.Future[Any]:
        then = self._undone(execution, args, kwargs)
        if self._alone is None:
            return self._call(execution, args, kwargs, then, undoes, shared=True).future
        kept = {k: v for k, v in (self._written or {}).items() if k in _WITH_THE_CALL}
        if undoes is not None:
            kept["compensates"] = undoes
        future: asyncio.Future[Any] = self._alone.child(
            execution, args, kwargs, self.name, then, kept or None
        )
        return future

    def _undone(self, execution: Execution, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Then | None:
        """What has it undone, once it is done, if the workflow fails later."""
        if self.compensation is None:
            return None
        return partial(_to_be_undone, execution, self.compensation, own_copy(args), own_copy(kwargs))

    def _call(
        self,
        execution: Execution,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        then: Then | None = None,
        undoes: str | None = None,
        *,
        shared: bool = False,
    ) -> Awaited:
        """As a step of this very run, with the arguments as they are now. `shared`: whoever called it gets the future,
        and may cancel it."""
        read, write = self.form
        keywords = own_copy(kwargs) if kwargs else _NO_KEYWORDS  # one for all: nobody writes to it
        action = new(
            CodeAction, (self.function, own_copy(args), keywords, self.is_async, write, self._retryable)
        )
        written = self._written if undoes is None else {**(self._written or {}), "compensates": undoes}
        cached = None if self.cache is None else self.cache.of(self.place, args, kwargs)
        try:
            step_id, known = execution.take(KIND, self.name)
        except Halt:
            return Awaited(halted(execution.loop), cast(StepCall, None), read, then)
        record = for_the_record(args, kwargs)
        call = new(StepCall, (step_id, record, action, written, KIND, cached, self.rate))
        future = Asked(execution.loop, step_id) if shared else asyncio.Future(loop=execution.loop)
        awaited = Awaited(future, call, read, then)
        execution.called(awaited, known)
        return awaited

    @cached_property
    def form(self) -> Form:
        """How its results are written and read."""
        return form_of(hints_of(self.function).get("return"))

    def __repr__(self) -> str:
        return f"<step {self.name} ({self.function.__module__}:{self.function.__qualname__})>"


async def waiting(future: asyncio.Future[Any]) -> Any:
    """What an `async def` gives: a coroutine. (The call was made before, when the function was called.)"""
    return await future


def _to_be_undone(
    execution: Execution, compensation: Step[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any],
    result: Any, outcome: Any,
) -> None:  # fmt: skip
    """The step is done: from now on a failure of the workflow undoes it. (But not what another run did.)"""
    if outcome.source is not None:
        return
    if "result" in inspect.signature(compensation.function).parameters and "result" not in kwargs:
        kwargs = {**kwargs, "result": result}
    execution.undo_list.append(lambda: compensation.ask(execution, args, kwargs, undoes=outcome.id))


def _as_step(function: Callable[..., Any]) -> Step[..., Any]:
    return function if isinstance(function, Step) else step(function)


@overload
def step(function: Callable[P, R], /) -> Step[P, R]: ...


@overload
def step(
    *,
    name: str | None = None,
    retry: Retry | int | None = None,
    on_error: Policy | None = None,
    start_timeout: Limit | None = None,
    response_timeout: Limit | None = None,
    timeout: Length | None = None,
    total: Limit | None = None,
    deadline: Length | Deadline | None = None,
    queue: str | None = None,
    priority: int = 0,
    optional: bool = False,
    irreversible: bool = False,
    compensate: Callable[..., Any] | None = None,
    cache: Cache | Length | None = None,
    rate: Limited | None = None,
    approval: str | Mapping[str, Json] | None = None,
) -> Callable[[Callable[P, R]], Step[P, R]]: ...


def step(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Make a function a step.

    `retry`: a `Retry`, or how many attempts; none unless given. `on_error`: a `Policy` instead. `timeout`: seconds for
    one attempt, `total`: for all of them; `start_timeout`: in which somebody must have begun with it;
    `response_timeout`: the longest time without a sign of life (`current().report`). All but `timeout` take a `Policy`
    too, which says what then. `deadline`: a soft one, seconds or
    `{"after": …, "warn": …, "escalate": …}`: nothing ends because of it, it is seen and told.

    `queue`: it is a run of its own that goes through this queue, performed by whoever works on the queue; its arguments
    must be JSON or of annotated types. `priority`: higher ones are begun first where many wait. `optional`: if it fails
    its result is None, and the workflow goes on. `irreversible`: a run that did it is not replayed unless asked for
    expressly. `compensate`: what undoes it when the workflow fails later; called with the same arguments, and with
    `result` if it has a parameter of that name. `cache`: keep results for other calls (seconds, or a `Cache`). `rate`:
    `(10, 60)` for at most ten within any minute, over all processes on the file; `(10, 60, "name")` together with
    others of that rate.
    `approval`: people are asked before it, with its arguments: `"ask"`, or the terms (docs/approvals.md).
    """
    check_options("@step", options, OPTIONS)
    return partial(_made, **options) if function is None else _made(function, **options)


def _made(
    function: Callable[P, R],
    *,
    name: str | None = None,
    retry: Retry | int | None = None,
    on_error: Policy | None = None,
    start_timeout: Limit | None = None,
    response_timeout: Limit | None = None,
    timeout: Length | None = None,
    total: Limit | None = None,
    deadline: Length | Deadline | None = None,
    queue: str | None = None,
    priority: int = 0,
    optional: bool = False,
    irreversible: bool = False,
    compensate: Callable[..., Any] | None = None,
    cache: Cache | Length | None = None,
    rate: Limited | None = None,
    approval: str | Mapping[str, Json] | None = None,
) -> Step[P, R]:
    check_function("@step", function)
    check_callable("compensate", compensate)
    check_text("queue", queue)
    check_truth("optional", optional)
    check_truth("irreversible", irreversible)
    named, retry = _name_of(function, name), _retry_of(retry)
    limits = {Strike.START: start_timeout, Strike.RESPONSE: response_timeout, Strike.COMPLETION: total}
    given: dict[str, Any] = {
        "priority": checked_priority(priority),
        "optional": optional,
        "irreversible": irreversible,
        **_retrying(retry),
        **recourse(on_error, limits, retry),
        "deadline": deadline_of(deadline),
        "timeout": None if timeout is None else microseconds(timeout, "timeout"),
        "approval": None if approval is None else asked(approval).as_json(),
        "compensate": None if compensate is None else getattr(compensate, "__name__", "compensation"),
    }
    options = StepOptions(**given)
    return Step(
        function, name=named, options=options, retry=retry, compensate=compensate, queue=queue,
        cache=_cache_of(cache), rate=rate,
    )  # fmt: skip


OPTIONS: Final = frozenset(_made.__kwdefaults__ or ())
"""all that `@step` can be told"""


def _name_of(function: Callable[..., Any], name: str | None) -> str:
    check_text("name", name)
    named = name if name is not None else re.sub(r"[^\w.-]", "", getattr(function, "__name__", "step"))
    if not NAME.fullmatch(named):
        raise InvalidInput(
            f"{named!r} cannot be the name of a step: letters, digits, `_`, `-` and `.`, at most 200"
        )
    return named


def _retry_of(given: Retry | int | None) -> Retry | None:
    """A number is how many attempts there are; True is none."""
    if given is None or isinstance(given, Retry):
        return given
    if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= MOST_RETRIES:
        raise InvalidInput(
            f"retry is a Retry, or how many attempts there are in all, from 1, not {shown(given)}",
            hint="write retry=3 for a first attempt and two more",
        )
    return Retry(attempts=given)


def _cache_of(given: Cache | Length | None) -> Cache | None:
    if given is not None and not isinstance(given, Cache):
        microseconds(given, "cache")
    return cache_of(given)


def _retrying(retry: Retry | None) -> dict[str, Json]:
    if retry is None:
        return {}
    return {
        "retries": None if retry.attempts is None else retry.attempts - 1,
        "delay": microseconds(retry.delay, "delay"),
        "backoff": Backoff(retry.backoff),
        "longest": microseconds(retry.longest, "longest"),
        "jitter": retry.jitter,
    }
