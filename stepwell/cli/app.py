"""Python workflows from the command line: `shop/orders.py:checkout` or `shop.orders:checkout`."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from stepwell.client.serving import apps
from stepwell.model.driven import DRIVEN
from stepwell.model.errors import InvalidInput

if TYPE_CHECKING:
    from stepwell.assembly import Stepwell
    from stepwell.code.workflow import Workflow

TARGET: Final = re.compile(r"(?P<place>[^:]+?\.py|[A-Za-z_][\w.]*)(?::(?P<name>\w+))?")


def is_code(target: str) -> bool:
    """Whether this names Python code, and not the file of a definition."""
    return bool(re.fullmatch(r".+\.py(:\w+)?|[A-Za-z_][\w.]*:\w+", target))


def load_workflow(target: str) -> Workflow[Any, Any]:
    """The workflow that `FILE.py:name` or `module:name` names; the name may be left out where there is only one.

    Raises `InvalidInput`.
    """
    from stepwell.code.workflow import Workflow

    found = TARGET.fullmatch(target)
    if found is None:
        raise InvalidInput(f"{target!r} names no workflow", hint="write FILE.py:function or module:function")
    module = load_app(found["place"])
    there = {name: value for name, value in vars(module).items() if isinstance(value, Workflow)}
    own = {name: value for name, value in there.items() if value.function.__module__ == module.__name__}
    if found["name"] is None and len(own) == 1:
        return next(iter(own.values()))
    workflow = there.get(found["name"] or "")
    if workflow is None:
        known = ", ".join(sorted(there)) or "none"
        what = f"has no workflow {found['name']!r}" if found["name"] else "has several workflows, or none"
        raise InvalidInput(
            f"{found['place']} {what}",
            hint=f"it has: {known}; a workflow is a function with @stepwell.workflow",
        )
    return workflow


def load_app(place: str) -> Any:
    """Import a module, or the file of one; the folder it lies in is looked in for what it imports.

    Raises `InvalidInput`.
    """
    folder, name = Path.cwd(), place
    if place.endswith(".py"):
        file = Path(place).absolute()
        if not file.is_file():
            raise InvalidInput(f"there is no file {place}")
        folder, name = file.parent, file.stem
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name.partition(".")[0] and error.name != name:
            raise InvalidInput(f"{place} imports {error.name}, which is not there") from error
        raise InvalidInput(
            f"there is no module {name}",
            hint="start in the folder that it lies in, or name its file: FILE.py",
        ) from error
    except Exception as error:
        raise InvalidInput(f"{place} cannot be imported: {type(error).__name__}: {error}") from error


async def require_code(stepwell: Stepwell, run_id: str) -> None:
    """Raises `InvalidInput` where the run's workflow is Python code that this process does not have."""
    row = await stepwell.engine.row(run_id)
    reference = f"{row.namespace}/{row.name}:{row.version}"
    if row.code is not None and row.code != DRIVEN and reference not in stepwell.engine.codebase.known():
        raise InvalidInput(
            f"the code of {row.name} {row.version} ({row.code}) is not known here",
            hint=f"name the module or file that has it:{apps([row.code])}",
        )
