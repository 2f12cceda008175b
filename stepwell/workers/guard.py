"""Evaluates expressions that might not end: in a child process, within limits of time, memory and size."""

from __future__ import annotations

from collections.abc import Mapping

from stepwell.definition.expression import ExpressionError
from stepwell.model.base import SECOND, Duration, Instant, Json
from stepwell.workers.children import ChildDied, ChildFailed, ChildOverran, ChildPool, NotRead, NotSent

SHOWN = 80


class JqGuard:
    """`ports.Guard` over child processes. Whatever an expression does, only its own evaluation fails."""

    def __init__(self, children: ChildPool | None = None) -> None:
        self._children = children or ChildPool("jq")

    async def evaluate(
        self, source: str, data: Json, variables: Mapping[str, Json], now: Instant, limit: Duration
    ) -> Json:
        """The value of a jq program. `limit` is wall time from when a child begins with it.
        Raises `ExpressionError`."""
        seconds = limit / SECOND
        request = {
            "source": source,
            "data": data,
            "variables": variables,
            "now": now,
            "limit": seconds,
        }
        try:
            return await self._children.request(request, limit=seconds)
        except ChildFailed as failure:
            if message := failure.error.get("message"):
                raise ExpressionError(message) from None
            reason = failure.error["reason"]
        except ChildOverran:
            reason = f"did not end within {seconds:g} s"
        except ChildDied as death:
            reason = f"was stopped: it took more than its memory, or broke jq ({death})"
        except NotSent as error:
            reason = f"cannot be given its data: {error}"
        except NotRead as error:
            reason = f"has a value that cannot be read: {error}"
        raise ExpressionError(f"the expression {_shown(source)} {reason}")

    async def close(self) -> None:
        await self._children.close()


def _shown(source: str) -> str:
    return source if len(source) <= SHOWN else f"{source[:SHOWN]}…"
