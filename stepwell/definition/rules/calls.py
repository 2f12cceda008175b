"""`call:` tasks, by what they call."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from stepwell.definition.rules.common import (
    DATA,
    DURATION,
    ENDPOINT,
    EXTERNAL,
    LITERAL,
    ONLY_EXPRESSION,
    STRINGS,
    TEMPLATE,
    among,
)
from stepwell.definition.rules.events import MESSAGE, SUBSCRIPTION
from stepwell.definition.rules.nouns import (
    Anything,
    Either,
    Examiner,
    Flag,
    Many,
    Record,
    Scope,
    Shape,
    Text,
    Whole,
    kind_of,
    nearest,
)
from stepwell.definition.rules.people import actions_of, forms_of
from stepwell.model.base import Json

_ANSWER: Final = among("raw", "content", "response")
_PAIRS: Final = Either(record=STRINGS, text=ONLY_EXPRESSION)
_HTTP: Final = Record(
    {
        "method": Text(pattern=re.compile(r"[A-Za-z]+"), like="an HTTP method"),
        "endpoint": ENDPOINT,
        "headers": _PAIRS,
        "query": _PAIRS,
        "body": DATA,
        "output": _ANSWER,
        "redirect": Flag(),
    },
    required=("method", "endpoint"),
)
_PYTHON: Final = Record(
    {
        "function": Text(
            pattern=re.compile(r"[^\s$:]+(:[^\s$:]+)?"), like="`package.module:name` or a registered name"
        ),
        "arguments": Either(record=DATA, many=DATA, text=ONLY_EXPRESSION),
        "process": Flag(),
    },
    required=("function",),
)
_OPENAPI: Final = Record(
    {
        "document": EXTERNAL,
        "operationId": LITERAL,
        "parameters": DATA,
        "authentication": "authentication",
        "output": _ANSWER,
        "redirect": Flag(),
    },
    required=("document", "operationId"),
)
_GRPC: Final = Record(
    {
        "proto": EXTERNAL,
        "service": Record(
            {
                "name": LITERAL,
                "host": Text(
                    pattern=re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9.-]{0,61}[a-zA-Z0-9])?"), like="a host"
                ),
                "port": Whole(0, 65535),
                "authentication": "authentication",
            },
            required=("name", "host"),
        ),
        "method": LITERAL,
        "arguments": DATA,
    },
    required=("proto", "service", "method"),
)
_PROTOCOLS: Final = (
    "amqp amqp1 anypointmq googlepubsub http ibmmq jms kafka mercure mqtt mqtt5 nats pulsar redis sns solace sqs "
    "stomp ws"
)


def _asyncapi_hook(checker: Examiner, value: Json, pointer: str, scope: Scope) -> None:
    for one, other in (("operation", "channel"), ("message", "subscription")):
        if (one in value) == (other in value):
            checker.complain("one-of", f"exactly one of `{one}` and `{other}` must be there", pointer)


_ASYNCAPI: Final = Record(
    {
        "document": EXTERNAL,
        "channel": LITERAL,
        "operation": LITERAL,
        "server": Record({"name": LITERAL, "variables": DATA}, required=("name",)),
        "protocol": among(*_PROTOCOLS.split()),
        "message": MESSAGE,
        "subscription": SUBSCRIPTION,
        "authentication": "authentication",
    },
    required=("document",),
    hook=_asyncapi_hook,
)
_PARAMETERS: Final = Either(record=DATA, text=TEMPLATE)
_A2A: Final = Record(
    {
        "agentCard": EXTERNAL,
        "server": ENDPOINT,
        "method": among(
            "message/send",
            "message/stream",
            "tasks/get",
            "tasks/list",
            "tasks/cancel",
            "tasks/resubscribe",
            *(f"tasks/pushNotificationConfig/{verb}" for verb in ("set", "get", "list", "delete")),
            "agent/getAuthenticatedExtendedCard",
        ),
        "parameters": _PARAMETERS,
    },
    required=("method",),
)
_MCP: Final = Record(
    {
        "protocolVersion": LITERAL,
        "method": among(
            "tools/list",
            "tools/call",
            "prompts/list",
            "prompts/get",
            "resources/list",
            "resources/read",
            "resources/templates/list",
        ),
        "parameters": _PARAMETERS,
        "timeout": DURATION,
        "transport": Record(
            {
                "http": Record({"endpoint": ENDPOINT, "headers": STRINGS}, ("endpoint",), others=Anything()),
                "stdio": Record(
                    {"command": TEMPLATE, "arguments": Many(TEMPLATE), "environment": STRINGS},
                    ("command",),
                    others=Anything(),
                ),
                "options": STRINGS,
            },
            one_of=("http", "stdio"),
        ),
        "client": Record({"name": LITERAL, "version": LITERAL}, ("name", "version"), others=Anything()),
    },
    required=("method", "transport"),
    others=Anything(),
)

STANDARD: Final[Mapping[str, Shape]] = {
    "http": _HTTP,
    "grpc": _GRPC,
    "openapi": _OPENAPI,
    "asyncapi": _ASYNCAPI,
    "a2a": _A2A,
    "mcp": _MCP,
}
_UNDONE: Final = {
    "grpc": "gRPC calls (`call: grpc`)",
    "openapi": "OpenAPI calls (`call: openapi`)",
    "asyncapi": "AsyncAPI calls (`call: asyncapi`)",
    "a2a": "A2A calls (`call: a2a`)",
    "mcp": "MCP calls (`call: mcp`)",
}
BUILT_IN: Final[Mapping[str, Shape]] = {"python": _PYTHON, **forms_of(actions_of(_HTTP, _PYTHON))}
"""What Stepwell adds to the standard, and can run."""
PLANNED: Final = frozenset({"worker", "state"})


def call(checker: Examiner, task: Mapping[str, Json], pointer: str, scope: Scope) -> Shape:
    """The shape of `with`, by what is called; complains about a call of nothing known."""
    target = task["call"]
    place = f"{pointer}/call"
    if not isinstance(target, str):
        checker.complain("type", f"`call` must be text, not {kind_of(target)}", place)
        return Anything()
    if target in _UNDONE:
        checker.not_yet(_UNDONE[target], place)
    if target in STANDARD:
        return STANDARD[target]
    functions = checker.used("functions")
    if target in functions:
        checker.calls.append((pointer, target))
        return Either(record=DATA, text=ONLY_EXPRESSION)
    if target in BUILT_IN:
        return BUILT_IN[target]
    if target in PLANNED:
        checker.not_yet(f"the built-in function `{target}`", place)
    elif "://" in target or target.startswith("file:"):
        checker.not_yet("functions from addresses (`call: https://…`)", place, "copy it into `use.functions`")
    elif "@" in target:
        checker.not_yet(
            f"functions from catalogs (`call: {target[:60]}`)", place, "copy it into `use.functions`"
        )
    else:
        known = [*functions, *STANDARD, *BUILT_IN]
        hint = nearest(target, known) or "define it under `use.functions`, or call one of " + ", ".join(
            [*STANDARD, *BUILT_IN]
        )
        checker.complain("unknown-reference", f"there is no function `{target[:60]}`", place, hint)
    return DATA


def with_required(target: Json) -> bool:
    """Whether a call of it says nothing without `with`."""
    return (
        isinstance(target, str)
        and target not in ("form", "approval")
        and (target in STANDARD or target in BUILT_IN)
    )
