"""What is common to all that workers do for a run: keys, text, HTTP exchanges, secrets."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from stepwell.definition.expression import Template
from stepwell.definition.specs import AuthSpec, DurationSpec, HttpBody
from stepwell.kernel.data import View
from stepwell.kernel.ruling import Fault
from stepwell.model import problem
from stepwell.model.actions import BasicAuth, BearerAuth, HttpAction
from stepwell.model.base import Duration, Json

_PARAMETER: Final = re.compile(r"\{([A-Za-z_][\w.-]*)\}")
_TRIES: Final = re.compile(r"/try\[\d+\](?=/\d+/)")


def idempotency_key(run_id: str, step_id: str) -> str:
    """The key that the outside sees: the same for every attempt, re-execution and retry of the block around it."""
    if "/try[" in step_id:
        step_id = _TRIES.sub("/try", step_id)
    return f"{run_id}:{step_id}"


def as_text(value: Json) -> str:
    """Text as it is, booleans and null as JSON writes them, numbers in full. Raises `Fault` for anything else."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int | float):
        return str(value)
    raise Fault(problem.configuration(f"text is needed here, not {type(value).__name__}"))


def http_action(view: View, body: HttpBody, data: Json) -> HttpAction:
    """The exchange, everything in it evaluated: `.` is `data`. Raises `Fault`."""

    def table(template: Template | None, what: str) -> dict[str, Json]:
        value = view.render(template, data) if template is not None else {}
        if value is not None and not isinstance(value, dict):
            raise Fault(problem.configuration(f"with.{what} must be an object"))
        return value or {}

    def duration(spec: DurationSpec | None) -> Duration | None:
        return None if spec is None else view.duration(spec, data)

    return HttpAction(
        method=body.method.upper(),
        uri=expand(as_text(view.render(body.uri, data)), data),
        headers={
            name: as_text(value)
            for name, value in table(body.headers, "headers").items()
            if value is not None
        },
        query=table(body.query, "query"),
        body=view.render(body.body, data) if body.body is not None else None,
        has_body=body.body is not None,
        auth=_auth(view, body.auth, data) if body.auth is not None else None,
        output=body.output,
        redirect=body.redirect,
        connect_timeout=duration(body.connect_timeout),
        read_timeout=duration(body.read_timeout),
    )


def expand(uri: str, data: Json) -> str:
    """Fill `{name}` from the members of the task's input, percent-encoded (RFC 6570, level 1)."""

    def value(match: re.Match[str]) -> str:
        found = data.get(match[1]) if isinstance(data, dict) else None
        if found is None:
            raise Fault(
                problem.configuration(f"the input has no member {match[1]} for {{{match[1]}}} in {uri}")
            )
        return quote(as_text(found), safe="")

    return _PARAMETER.sub(value, uri)


def _auth(view: View, spec: AuthSpec, data: Json) -> BasicAuth | BearerAuth:
    members = secret(view, spec.secret) if spec.secret is not None else {}

    def field(name: str, template: Template | None) -> str:
        if spec.secret is None:
            return as_text(view.render(template, data)) if template is not None else ""
        if isinstance(members, dict):
            return as_text(members.get(name, ""))
        return as_text(members)

    if spec.scheme == "basic":
        return BasicAuth(field("username", spec.username), field("password", spec.password))
    return BearerAuth(field("token", spec.token))


def secret(view: View, name: str) -> Json:
    """The value of a secret that the definition declares. Raises `Fault`."""
    if name not in view.r.definition.secrets:
        raise Fault(problem.authorization(f"secret {name} is not declared in use.secrets"))
    if name not in view.r.env.secrets:
        raise Fault(problem.authorization(f"secret {name} is not available here"))
    return view.r.env.secrets[name]
