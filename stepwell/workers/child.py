"""A child process of `ChildPool`: `python -m stepwell.workers.child jq|python`. Starts fast: imports little.

What is printed goes to stderr, so that it cannot get among the answers. When stdin ends, the parent is
gone, and so is the child.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from typing import BinaryIO

from pydantic_core import from_json, to_json

from stepwell.model.base import Json

OWN_PATH = "STEPWELL_OWN_PYTHONPATH"
"""Brings the parent's PYTHONPATH, which is put back for the programs that the child starts."""

MEMORY = 1 << 30
"""Bytes of address space of a child that evaluates expressions."""

LARGEST = 16 * 1024 * 1024
"""Bytes of the value of an expression, as JSON."""


def main(kind: str) -> None:
    _restore_path()
    requests, replies = _own_pipes()
    if kind == "jq":
        serve_expressions(requests, replies)
    else:
        from stepwell.workers.child_python import serve_functions

        serve_functions(requests, replies)


def _restore_path() -> None:
    os.environ.pop("PYTHONPATH", None)
    own = os.environ.pop(OWN_PATH, None)
    if own is not None:
        os.environ["PYTHONPATH"] = own


def _own_pipes() -> tuple[BinaryIO, BinaryIO]:
    """stdin and stdout under other numbers, which programs started from here do not inherit."""
    requests, replies = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    return os.fdopen(requests, "rb"), os.fdopen(replies, "wb")


def serve_expressions(requests: BinaryIO, replies: BinaryIO) -> None:
    """Evaluate expressions, one after the other, within little memory."""
    import stepwell.definition.expression  # noqa: F401 - before we say that we are ready, and with all memory

    _limit(resource.RLIMIT_AS, MEMORY)
    _limit(resource.RLIMIT_CORE, 0)
    replies.write(b'{"ready":true}\n')
    replies.flush()
    while line := requests.readline():
        try:
            request = from_json(line)
        except ValueError as error:
            reply = _error(reason=f"cannot be given its data: {error}")
        else:
            # If the parent dies meanwhile, nobody else ends an expression that does not end by itself.
            signal.setitimer(signal.ITIMER_REAL, request["limit"] + 1)
            reply = _evaluated(request)
            signal.setitimer(signal.ITIMER_REAL, 0)
        replies.write(reply + b"\n")
        replies.flush()


def _evaluated(request: dict[str, Json]) -> bytes:
    from stepwell.definition.expression import ExpressionError, evaluate_source

    try:
        value = evaluate_source(request["source"], request["data"], request["variables"], request["now"])
        reply = to_json({"ok": value})
    except ExpressionError as error:
        return _error(message=str(error))
    except MemoryError:
        return _error(over=True, reason=f"needs more than {MEMORY >> 20} MB of memory")
    except (RecursionError, ValueError) as error:
        return _error(reason=f"has a value that cannot be written as JSON: {error}")
    if len(reply) > LARGEST:
        return _error(reason=f"has a value of more than {LARGEST >> 20} MB")
    return reply


def _error(over: bool = False, **error: str) -> bytes:
    """`message` is complete, `reason` goes behind the expression."""
    return to_json({"error": error, "over": over})


def _limit(what: int, value: int) -> None:
    try:
        resource.setrlimit(what, (value, value))
    except (ValueError, OSError):
        pass  # not on this system, or it is lower already


if __name__ == "__main__":
    main(sys.argv[1])
