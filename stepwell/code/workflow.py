"""`@workflow`: a Python function that survives."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cached_property, partial, update_wrapper
from typing import Any, Final, Generic, ParamSpec, TypeVar, overload

from stepwell.code.arguments import Arguments
from stepwell.code.checks import check_function, check_options, check_text, check_truth
from stepwell.code.child import call_child
from stepwell.code.document import checked_name, checked_version, document_of, name_of
from stepwell.code.execution import CURRENT
from stepwell.code.options import Deadline, Length, deadline_of, microseconds
from stepwell.code.policies import reference_of
from stepwell.code.registry import REGISTRY, Key
from stepwell.code.values import Form, form_of
from stepwell.definition.model import Definition
from stepwell.model.base import Duration, Json

P = ParamSpec("P")
R = TypeVar("R")


class Workflow(Generic[P, R]):
    """A function whose runs are durable. Called in a workflow it is a child run; called anywhere else, the function
    itself. Start it with `Stepwell.start(function, …)`.

    Its own code decides, and must decide the same again: what takes time, talks to the outside or may differ is a step.
    """

    def __init__(
        self,
        function: Callable[P, R],
        name: str,
        version: str,
        namespace: str,
        timeout: Length | None,
        hooks: Mapping[str, str],
        strict_arguments: bool = False,
        deadline: Mapping[str, Duration] | None = None,
    ) -> None:
        self.function = function
        self.name, self.version, self.namespace = name, version, namespace
        self.hooks, self.strict_arguments = hooks, strict_arguments
        self.deadline = deadline
        self.timeout = None if timeout is None else microseconds(timeout, "timeout")
        self.is_async = inspect.iscoroutinefunction(function)
        self.waits_plainly = not self.is_async
        self.arguments = Arguments(function)
        update_wrapper(self, function)

    @property
    def code(self) -> str:
        """Where it is: `package.module:function`."""
        return f"{self.function.__module__}:{self.function.__qualname__}"

    @property
    def key(self) -> Key:
        return (self.namespace, self.name, self.version)

    @cached_property
    def definition(self) -> Definition:
        summary = (inspect.getdoc(self.function) or "").partition("\n")[0]
        return document_of(*self.key, self.code, summary, self.timeout, self.hooks, self.deadline)

    @cached_property
    def form(self) -> Form:
        """How its results are written and read."""
        return form_of(self.arguments.hints.get("return"))

    def call(self, input: Json) -> Any:
        """The function, called with a run's input."""
        args, keywords = self.arguments.read(input)
        return self.function(*args, **keywords)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        execution = CURRENT.get()
        if execution is None:
            return self.function(*args, **kwargs)
        result: R = call_child(execution, self, args, kwargs)
        return result

    def __repr__(self) -> str:
        return f"<workflow {self.namespace}/{self.name}:{self.version} ({self.code})>"


@overload
def workflow(function: Callable[P, R], /) -> Workflow[P, R]: ...


@overload
def workflow(
    *,
    name: str | None = None,
    version: str | int = "1.0.0",
    namespace: str = "default",
    timeout: Length | None = None,
    deadline: Length | Deadline | None = None,
    on_complete: Workflow[..., Any] | str | None = None,
    on_fail: Workflow[..., Any] | str | None = None,
    on_cancel: Workflow[..., Any] | str | None = None,
    on_timeout: Workflow[..., Any] | str | None = None,
    strict_arguments: bool = False,
) -> Callable[[Callable[P, R]], Workflow[P, R]]: ...


def workflow(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Make a function a workflow.

    `name`: that of the function with hyphens, unless given. `version`: on record with each run; a run goes on only
    where code of its version is there. `timeout`: seconds (or a `timedelta`) after which a run ends as `timed_out`.
    `deadline`: a soft one, as of a step.
    `on_complete`, `on_fail`, `on_cancel` (terminated runs too), `on_timeout`: a workflow, or `namespace/name:version`,
    that is started once when a run ends so; it gets `run`, what there is to know of it. `strict_arguments`: code that
    calls a step with other arguments than are recorded does not match the journal, as if it called another step.
    """
    check_options("@workflow", options, OPTIONS)
    return partial(_made, **options) if function is None else _made(function, **options)


def _made(
    function: Callable[P, R],
    *,
    name: str | None = None,
    version: str | int = "1.0.0",
    namespace: str = "default",
    timeout: Length | None = None,
    deadline: Length | Deadline | None = None,
    on_complete: Workflow[..., Any] | str | None = None,
    on_fail: Workflow[..., Any] | str | None = None,
    on_cancel: Workflow[..., Any] | str | None = None,
    on_timeout: Workflow[..., Any] | str | None = None,
    strict_arguments: bool = False,
) -> Workflow[P, R]:
    check_function("@workflow", function)
    check_text("name", name)
    check_truth("strict_arguments", strict_arguments)
    named = checked_name(name) if name is not None else name_of(function.__name__)
    wanted = {"completed": on_complete, "failed": on_fail, "cancelled": on_cancel, "timed_out": on_timeout}
    hooks = {outcome: reference_of(given) for outcome, given in wanted.items() if given is not None}
    made = Workflow(
        function,
        named,
        checked_version(version),
        checked_name(namespace),
        timeout,
        hooks,
        strict_arguments,
        deadline_of(deadline),
    )
    REGISTRY.add(made)
    return made


OPTIONS: Final = frozenset(_made.__kwdefaults__ or ())
"""all that `@workflow` can be told"""
