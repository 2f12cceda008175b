"""How a workflow's code ended, in words of the journal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from stepwell.code.asked import Awaited
from stepwell.code.faults import problem_of
from stepwell.model.base import Json
from stepwell.model.calls import Call, ChildCall, ContinuedAs, Ending, Raised, Returned
from stepwell.model.problem import runtime
from stepwell.workers.results import NotJson


class Continued(BaseException):
    """The code wants to go on as a new run (see `verbs.continue_as_new`)."""

    def __init__(self, make: Callable[[str], Call]) -> None:
        super().__init__("continue as new")
        self.make = make


def end_of(main: asyncio.Task[Any], write: Callable[[Any], Json]) -> Ending:
    try:
        result = main.result()
        return result if isinstance(result, ContinuedAs) else Returned(write(result))
    except NotJson as error:
        return Raised(runtime(f"what the workflow returned cannot be stored: {error}"))
    except asyncio.CancelledError:
        return Raised(runtime("the workflow's code was cancelled by itself"))
    except BaseException as error:  # noqa: BLE001 - whatever a workflow raises ends its run only
        return Raised(*problem_of(error))


async def outliving(asked: Iterable[Awaited]) -> None:
    """Until the children that outlive the run have begun: what is in flight when it ends is given up. A start that
    fails does not fail the code, which did not wait for it."""
    starts = [one.future for one in asked if isinstance(one.call, ChildCall) and not one.call.wait]
    if starts:
        await asyncio.wait(starts)


async def giving(value: Any) -> Any:
    """What a plain workflow returned, as if it had been awaited."""
    return value


async def raising(error: BaseException) -> Any:
    raise error
