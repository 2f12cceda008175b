"""Exceptions as data and back: a step's exception is caught in the workflow as what it was."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from types import FunctionType, ModuleType
from typing import Any, NamedTuple, TypeGuard

from stepwell.model.base import own
from stepwell.model.errors import StepFailed
from stepwell.model.problem import TIMEOUT, Problem, runtime
from stepwell.workers.calling import described
from stepwell.workers.context import StepFault
from stepwell.workers.exceptions import named, parts


class _Impossible(Exception):
    """It cannot be made here; the text says why."""


def exception_of(problem: Problem, step_id: str) -> Exception:
    """The exception that a step's problem stands for: of its own class where that is loaded here, `TimeoutError` for
    what took too long, else `StepFailed`, which says why it is not of that class. Nothing is imported for it."""
    error, why = None, ""
    if problem.exception is not None:
        kept = _Kept.of(problem.exception)
        try:
            error = kept.made()
        except _Impossible as reason:
            why = f"it is not raised as {kept.name.replace(':', '.')}: {reason}"
    if isinstance(error, StepFault):
        error.problem = problem
    if error is None and problem.type == TIMEOUT:
        error = TimeoutError(problem.detail)
    if error is None:
        error = StepFailed(step_id, problem, why)
    error.__dict__["stepwell_step"] = step_id
    error.__dict__["stepwell_problem"] = problem
    return error


def problem_of(error: BaseException) -> tuple[Problem, str | None]:
    """What the journal says of the exception that ended a workflow, and the step that it came from, if it did."""
    known = error.__dict__.get("stepwell_problem") if hasattr(error, "__dict__") else None
    if isinstance(known, Problem):
        return known, error.__dict__.get("stepwell_step")
    if isinstance(error, StepFault):
        return error.problem, None
    found = runtime(described(error))
    return Problem(found.type, found.status, found.title, found.detail, None, named(error)), None


class _Kept(NamedTuple):
    """What `workers.exceptions.named` kept; `name` is that of the class. `attributes` None: a former version did, which
    knew only of arguments."""

    name: str
    args: list[Any]
    attributes: Mapping[str, Any] | None
    notes: Sequence[str]
    lost: Mapping[str, str]

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> _Kept:
        args, attributes, notes, lost = map(told.get, ("args", "attributes", "notes", "lost"))
        return cls(
            str(told.get("type", "")),
            own(args) if isinstance(args, list) else [],
            own(attributes) if isinstance(attributes, dict) else None,
            [each for each in notes if isinstance(each, str)] if isinstance(notes, list) else [],
            {name: str(kind) for name, kind in lost.items()} if isinstance(lost, dict) else {},
        )

    def made(self) -> Exception:
        """Raises `_Impossible`."""
        kind = self._class()
        try:
            error: Exception | None = kind(*self.args)
            refused = ""
        except Exception as raised:  # noqa: BLE001 - a class whose arguments are not its `args`
            error, refused = None, f"its class does not take its arguments ({raised})"
        if self._has_all_args and (error is None or list(parts(error)[0]) != self.args):
            error = _without_init(kind, self.args)  # its __init__ takes others, or makes others of them
        if error is None or not hasattr(error, "__dict__"):
            raise _Impossible(
                (refused or "its class makes something else of its arguments") + self._missing()
            )
        self._complete(error)
        return error

    @property
    def _has_all_args(self) -> bool:
        return self.attributes is not None and not any(name.startswith("args[") for name in self.lost)

    def _class(self) -> type[Exception]:
        module, _, path = self.name.partition(":")
        if module not in sys.modules:
            raise _Impossible(f"{module} is not imported here")
        first, *inner = path.split(".")
        found = _members(sys.modules[module]).get(first)
        for part in inner:
            found = _inherited(found, part) if _is_class(found) else None
        if not _is_class(found):
            raise _Impossible(f"{module} has no {path}, where it could be found")
        if not issubclass(found, Exception):
            raise _Impossible("it is no Exception, and would pass through what catches failures")
        return found

    def _complete(self, error: Exception) -> None:
        """Raises `_Impossible` where its text cannot be had without what was lost."""
        try:
            if self.attributes:
                BaseException.__setstate__(error, dict(self.attributes))
            for note in self.notes:
                error.add_note(note)
            if self.attributes is not None:
                str(error)
        except Exception as raised:  # noqa: BLE001 - properties and texts of the user's class
            raise _Impossible(
                f"it cannot be put together ({type(raised).__name__}: {raised}){self._missing()}"
            ) from None

    def _missing(self) -> str:
        if not self.lost:
            return ""
        named = ", ".join(f"{name} ({kind})" for name, kind in self.lost.items())
        return f"; what is no JSON was not kept: {named}"


def _members(module: Any) -> Mapping[str, Any]:
    """What is in it now: one that loads what it is asked for (its own `__getattr__`, `importlib.util.LazyLoader`) is
    not asked."""
    if not issubclass(type(module), ModuleType):
        return {}
    held: Mapping[str, Any] = object.__getattribute__(module, "__dict__")
    return held


def _is_class(found: Any) -> TypeGuard[type]:
    """By what it is; what stands for something else, and would load it to say that it is a class, is none."""
    return issubclass(type(found), type)


def _inherited(kind: type, name: str) -> Any:
    return next((vars(base)[name] for base in kind.__mro__ if name in vars(base)), None)


def _without_init(kind: type[Exception], args: Sequence[Any]) -> Exception | None:
    """One with these arguments, made as those are that Python copies: what its `__init__` would do has been done, and
    is in its attributes. None where it comes out otherwise."""
    builtin = next(
        base for base in kind.__mro__ if not isinstance(vars(base).get("__init__"), FunctionType | None)
    )
    try:
        error = kind.__new__(kind, *args)
        builtin.__init__(error, *args)  # type: ignore[misc]
        return error if isinstance(error, kind) and list(parts(error)[0]) == list(args) else None
    except Exception:  # noqa: BLE001 - whatever a class of the user's makes of it
        return None
