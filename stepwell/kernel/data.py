"""What an expression can see, and what comes of it: the data flow of the language.

Open Workflow DSL 1.0.3, "Data Flow" and "Runtime Expressions": input is checked, then shaped; output is shaped, then
checked; export sees the shaped output.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

from stepwell.definition.duration import DurationError, parse_duration
from stepwell.definition.expression import Expression, ExpressionError, Template, truth
from stepwell.definition.model import Task
from stepwell.definition.schema import check
from stepwell.definition.specs import DurationSpec, InputSpec, OutputSpec
from stepwell.kernel import references
from stepwell.kernel.ruling import Condition, Fault, Ruling
from stepwell.model import problem
from stepwell.model.base import Duration, Instant, Json, iso
from stepwell.model.records import Scope, Step

_SECRET: Final = re.compile(
    r"""\$secrets\s*(?:\.\s*([A-Za-z_]\w*)|\.?\s*\[\s*"([^"\\]*)"\s*\]|\.\s*"([^"\\]*)")"""
)

NOTHING: Final = object()


class View:
    """What expressions of one task see. `task`, `step` and `output` are absent before there are any."""

    __slots__ = ("input", "output", "r", "scope", "step", "task")

    def __init__(
        self,
        r: Ruling,
        scope: Scope | None,
        task: Task | None = None,
        step: Step | None = None,
        input: Json = None,
        output: Json = NOTHING,
    ) -> None:
        self.r, self.scope, self.task, self.step = r, scope, task, step
        self.input, self.output = input, output

    def evaluate(self, expression: Expression, data: Json) -> Json:
        """Raises `Fault` (expression error; authorization error for a secret that is not to be had)."""
        variables = (
            {name: self._variable(name, expression) for name in expression.names} if expression.names else {}
        )
        try:
            return self.r.env.evaluate(expression, data, variables, self.r.now)
        except ExpressionError as error:
            raise Fault(problem.expression(f"{expression.source}: {error}")) from error

    def render(self, template: Template, data: Json) -> Json:
        if template.constant:
            return template.render(_never)
        return template.render(lambda expression: self.evaluate(expression, data))

    def condition(self, expression: Expression, data: Json) -> bool:
        """Evaluate a condition, for the listeners too."""
        result = truth(self.evaluate(expression, data))
        where = self.step.id if self.step is not None else self.task.pointer if self.task is not None else ""
        self.r.heard(Condition(where, expression.source, result))
        return result

    def duration(self, spec: DurationSpec, data: Json) -> Duration:
        """Raises `Fault` where the value is not a duration."""
        if spec.constant is not None:
            return spec.constant
        assert spec.template is not None
        try:
            return parse_duration(self.render(spec.template, data))
        except DurationError as error:
            raise Fault(problem.configuration(str(error))) from error

    def with_variables(self, extra: Mapping[str, Json]) -> View:
        """The same view with some more variables (the caught error)."""
        scope = Scope("", None, "", "", variables={**variables_of(self.r, self.scope), **extra})
        return View(self.r, scope, self.task, self.step, self.input, self.output)

    def _variable(self, name: str, expression: Expression) -> Json:
        if name == "secrets":
            return self._secrets(expression)
        getter = _GLOBALS.get(name)
        if getter is not None:
            return getter(self)
        scope = self.scope
        while scope is not None:
            if scope.variables is not None and name in scope.variables:
                return scope.variables[name]
            scope = parent_scope(self.r, scope)
        if name == "steps":
            return references.steps(self.r, self.scope, self.step, expression.source)
        if name == "fields":
            return references.fields(self.r, expression.source)
        raise Fault(problem.expression(f"{expression.source}: there is no variable ${name} here"))

    def _secrets(self, expression: Expression) -> Json:
        for match in _SECRET.finditer(expression.source):
            name = match[1] or match[2] or match[3]
            if name not in self.r.definition.secrets:
                raise Fault(problem.authorization(f"secret {name} is not declared in use.secrets"))
            if name not in self.r.env.secrets:
                raise Fault(problem.authorization(f"secret {name} is not available here"))
        return {k: v for k, v in self.r.env.secrets.items() if k in self.r.definition.secrets}


def _never(expression: Expression) -> Json:
    raise AssertionError(expression)


def parent_scope(r: Ruling, scope: Scope) -> Scope | None:
    """The scope of the step that owns this one."""
    return r.draft.scope(r.draft.step(scope.owner).scope) if scope.owner else None


def variables_of(r: Ruling, scope: Scope | None) -> dict[str, Json]:
    """All variables that the scope and those around it add; the inner ones win."""
    found: dict[str, Json] = {}
    while scope is not None:
        found = {**(scope.variables or {}), **found}
        scope = parent_scope(r, scope)
    return found


@lru_cache(4_096)
def moment(at: Instant | None) -> Json:
    """An instant as the language shows it (`$task.startedAt`, `$workflow.startedAt`)."""
    if at is None:
        return None
    return {"iso8601": iso(at), "epoch": {"seconds": at // 1_000_000, "milliseconds": at // 1_000}}


def _task(view: View) -> Json:
    task, step = view.task, view.step
    return {
        "name": task.name if task else None,
        "reference": task.pointer if task else None,
        "definition": task.document if task else None,
        "input": view.scope.flow if view.scope and not step else step.input if step else None,
        "output": None if view.output is NOTHING else view.output,
        "startedAt": moment((step.started_at if step else None) or view.r.now),
    }


def _workflow(view: View) -> Json:
    run = view.r.draft.run
    return {
        "id": run.id,
        "definition": view.r.definition.document,
        "input": run.input,
        "startedAt": moment(run.started_at or view.r.now),
    }


_GLOBALS: Final[dict[str, Callable[[View], Json]]] = {
    "context": lambda view: view.r.draft.run.context,
    "input": lambda view: view.input,
    "output": lambda view: None if view.output is NOTHING else view.output,
    "task": _task,
    "workflow": _workflow,
    "runtime": lambda view: dict(view.r.env.runtime),
    "variables": lambda view: view.r.draft.run.variables,
    "authorization": lambda view: None,
}


def shape_input(view: View, spec: InputSpec, raw: Json) -> Json:
    """Check the raw input, then shape it. Returns the very same object where nothing shapes it."""
    if spec.schema is not None:
        _check(spec.schema, raw, "input")
    return raw if spec.from_ is None else view.render(spec.from_, raw)


def shape_output(view: View, spec: OutputSpec, raw: Json, what: str = "output") -> Json:
    """Shape the raw output, then check it."""
    shaped = raw if spec.as_ is None else view.render(spec.as_, raw)
    if spec.schema is not None:
        _check(spec.schema, shaped, what)
    return shaped


def _check(schema: Json, value: Json, what: str) -> None:
    violations = check(schema, value)
    if violations:
        raise Fault(problem.validation(f"{what} does not match its schema: " + "; ".join(violations)))
