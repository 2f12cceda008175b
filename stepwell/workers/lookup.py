"""From the name of a function in a definition to the function, within what definitions may call.

Definitions are less trusted than code: they reach the application's functions, not the standard library.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any

from stepwell.model.problem import Problem, authorization, configuration

ModulesAllowed = Callable[[str], bool] | Sequence[str] | None
"""Which modules definitions may import: a rule, a list of packages, or (None) all but Python's own."""

_NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)


class NotCallable(Exception):
    """There is no such function, or definitions may not call it: `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


def find(name: str, allowed: ModulesAllowed) -> Callable[..., Any]:
    """Import `package.module:function`. Blocks while it imports. Raises `NotCallable`."""
    if not _NAME.fullmatch(name):
        raise NotCallable(
            configuration(
                f"there is no function {name!r}: it is not registered, nor like package.module:function"
            )
        )
    module_name, _, function_name = name.partition(":")
    if refusal := _refusal(module_name, allowed):
        raise NotCallable(authorization(f"{name} may not be called: {refusal}"))
    if function_name.startswith("_"):
        raise NotCallable(
            authorization(f"{name} may not be called: a name with a leading underscore is private")
        )
    function = getattr(_imported(name, module_name), function_name, None)
    if function is None or not callable(function) or inspect.isclass(function):
        raise NotCallable(configuration(f"module {module_name} has no function {function_name}"))
    home = getattr(function, "__module__", None)
    if home != module_name and not str(home).startswith(f"{module_name}."):
        raise NotCallable(
            authorization(
                f"{name} may not be called: it is defined in {home}, not in {module_name};"
                f" wrap it in a function there, or register it"
            )
        )
    return function  # type: ignore[no-any-return]


def _refusal(module: str, allowed: ModulesAllowed) -> str | None:
    parts = module.split(".")
    if any(part.startswith("_") for part in parts):
        return "a module with a leading underscore is private"
    if parts[0] in sys.stdlib_module_names:
        return "it is of Python's standard library; write a function of your own around it"
    if parts[0] == "stepwell" and parts[1:2] != ["testing"]:
        return "it is a part of the engine"
    if allowed is None:
        return None
    if callable(allowed):
        within = allowed(module)
    else:
        within = any(module == each or module.startswith(f"{each}.") for each in allowed)
    return None if within else f"module {module} is not among those that this engine allows"


def _imported(name: str, module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and (module == error.name or module.startswith(f"{error.name}.")):
            raise NotCallable(
                configuration(
                    f"{name} cannot be called: there is no module {error.name}; start the engine where it can be"
                    f" imported (its folder: stepwell serve --path FOLDER)"
                )
            ) from None
        raise NotCallable(_broken(name, module, error)) from error
    except BaseException as error:  # a module can raise anything, SystemExit included; the engine survives
        raise NotCallable(_broken(name, module, error)) from error


def _broken(name: str, module: str, error: BaseException) -> Problem:
    return configuration(
        f"{name} cannot be called: importing {module} failed with {type(error).__name__}: {error}"
    )
