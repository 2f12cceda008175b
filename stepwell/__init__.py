"""Durable execution for code, services and people, on one SQLite file.

    import stepwell

    async with stepwell.Stepwell.open("orders.db") as engine:
        print(await engine.run(Path("order.yaml"), {"id": 7}))

What this page names is public; everything else may change. Names are looked up on first use, so that importing the
package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stepwell import flow as flow
    from stepwell.assembly import Stepwell as Stepwell
    from stepwell.assembly import connect as connect
    from stepwell.client.blocking import BlockingStepwell as BlockingStepwell
    from stepwell.client.handle import Handle as Handle
    from stepwell.code.options import Retry as Retry
    from stepwell.code.policies import Policy as Policy
    from stepwell.code.sparing import Cache as Cache
    from stepwell.code.step import step as step
    from stepwell.code.workflow import workflow as workflow
    from stepwell.definition.parse import parse as parse
    from stepwell.model.errors import Conflict as Conflict
    from stepwell.model.errors import InvalidDefinition as InvalidDefinition
    from stepwell.model.errors import InvalidInput as InvalidInput
    from stepwell.model.errors import KeyConflict as KeyConflict
    from stepwell.model.errors import NotFound as NotFound
    from stepwell.model.errors import NotSupported as NotSupported
    from stepwell.model.errors import RunFailed as RunFailed
    from stepwell.model.errors import StepFailed as StepFailed
    from stepwell.model.errors import StepwellError as StepwellError
    from stepwell.model.errors import StoreError as StoreError
    from stepwell.model.errors import StoreUnavailable as StoreUnavailable
    from stepwell.model.errors import TransitionRefused as TransitionRefused
    from stepwell.model.errors import WaitTimeout as WaitTimeout
    from stepwell.model.queues import Queue as Queue
    from stepwell.model.states import RunStatus as RunStatus
    from stepwell.model.states import StepStatus as StepStatus
    from stepwell.workers.context import CallAgain as CallAgain
    from stepwell.workers.context import StepFault as StepFault
    from stepwell.workers.context import current as current

__version__ = "0.1.0"

_PLACES = {
    "flow": "flow",
    "Stepwell": "assembly",
    "connect": "assembly",
    "BlockingStepwell": "client.blocking",
    "Handle": "client.handle",
    "Retry": "code.options",
    "Policy": "code.policies",
    "Cache": "code.sparing",
    "step": "code.step",
    "workflow": "code.workflow",
    "parse": "definition.parse",
    **dict.fromkeys(
        (
            "StepwellError", "InvalidDefinition", "NotSupported", "InvalidInput", "NotFound", "Conflict",
            "TransitionRefused", "KeyConflict", "RunFailed", "StepFailed", "WaitTimeout", "StoreError",
            "StoreUnavailable",
        ),
        "model.errors",
    ),
    "Queue": "model.queues",
    **dict.fromkeys(("RunStatus", "StepStatus"), "model.states"),
    **dict.fromkeys(("current", "StepFault", "CallAgain"), "workers.context"),
}  # fmt: skip

# Written out: what is computed, type checkers do not see.
__all__ = [
    "flow", "Stepwell", "connect", "BlockingStepwell", "Handle", "Retry", "Policy", "Cache", "step", "workflow",
    "parse", "StepwellError", "InvalidDefinition", "NotSupported", "InvalidInput", "NotFound", "Conflict",
    "TransitionRefused", "KeyConflict", "RunFailed", "StepFailed", "WaitTimeout", "StoreError", "StoreUnavailable",
    "Queue", "RunStatus", "StepStatus", "current", "StepFault", "CallAgain",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'stepwell' has no attribute {name!r}")
    module = import_module(f"stepwell.{_PLACES[name]}")
    value = module if name == "flow" else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
