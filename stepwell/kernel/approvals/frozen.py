"""What was approved is what is performed: a call as JSON, without secrets, and back (SPEC Q8, X8).

What holds no secret is performed exactly as it was written down. Secrets are not written down: where one stood, the
call is evaluated again, and only the secrets are taken from that. If anything beside them would be different there, it
is not performed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from stepwell.kernel.ruling import Fault
from stepwell.model import problem
from stepwell.model.actions import (
    Action,
    BasicAuth,
    BearerAuth,
    ChildAction,
    HttpAction,
    PythonAction,
    ShellAction,
)
from stepwell.model.approvals import MASK
from stepwell.model.base import Json

_KINDS: Final[dict[str, type[Any]]] = {
    "http": HttpAction,
    "python": PythonAction,
    "shell": ShellAction,
    "workflow": ChildAction,
}
_FRESH: Final = {"run_id", "start", "author"}
"""what a call of a workflow is not asked about: it follows from the step"""


def freeze(action: Action) -> dict[str, Json]:
    """The call as JSON, with the secrets of its authentication still in it: see `masked`."""
    kind = next(name for name, cls in _KINDS.items() if isinstance(action, cls))
    members: dict[str, Json] = {}
    for name, value in action._asdict().items():
        default = action._field_defaults.get(name, Ellipsis)
        if name not in _FRESH and (default is Ellipsis or value != default):
            members[name] = _plain(value)
    return {kind: members}


def _plain(value: Any) -> Json:
    if isinstance(value, BasicAuth | BearerAuth):
        return dict(value._asdict())
    if isinstance(value, tuple):
        return list(value)
    return dict(value) if isinstance(value, dict) else value


def masked(frozen: dict[str, Json], redact: Callable[[Json], Json] | None) -> dict[str, Json]:
    """Fit to be seen, and to be written down."""
    ((kind, members),) = frozen.items()
    auth = members.get("auth")
    if auth is not None:
        hidden = {name: value if name == "username" else MASK for name, value in auth.items()}
        members = {**members, "auth": hidden}
    if redact is not None:  # the names of members are ours
        members = {name: redact(value) for name, value in members.items()}
    return {kind: members}


def thaw(
    approved: dict[str, Json],
    evaluate: Callable[[], Action],
    redact: Callable[[Json], Json] | None,
    what: str,
    run_id: str,
    author: str | None,
) -> Action:
    """The call that was approved, as `freeze` and `masked` wrote it. `run_id` and `author`: of the run
    which a call of a workflow starts. Raises `Fault` where it is not to be had any more."""
    whole = approved
    if _hides(approved):
        fresh = freeze(evaluate())
        whole = _merged(approved, fresh, masked(fresh, redact), what)
    ((kind, members),) = whole.items()
    return _action(_KINDS[kind], members, run_id, author)


def _hides(value: Json) -> bool:
    """Whether something in it was masked."""
    if isinstance(value, str):
        return MASK in value
    if isinstance(value, dict):
        return any(MASK in name or _hides(item) for name, item in value.items())
    return isinstance(value, list) and any(map(_hides, value))


def _merged(approved: Json, fresh: Json, seen: Json, what: str) -> Json:
    """What was approved, with the secrets of what was evaluated now; `seen` is that as it would be shown."""
    if approved == seen and type(approved) is type(seen):
        return fresh
    if isinstance(approved, dict) and isinstance(seen, dict) and list(approved) == list(seen):
        pairs = zip(approved.values(), fresh.items(), seen.values(), strict=True)
        return {name: _merged(was, value, shown, what) for was, (name, value), shown in pairs}
    if isinstance(approved, list) and isinstance(seen, list) and len(approved) == len(seen):
        return [_merged(*each, what) for each in zip(approved, fresh, seen, strict=True)]
    if _hides(approved):
        raise Fault(problem.approval_outdated(what))
    return approved


def _action(kind: type[Any], members: dict[str, Json], run_id: str, author: str | None) -> Action:
    given = dict(members)
    auth = given.get("auth")
    if auth is not None:
        given["auth"] = BasicAuth(**auth) if "username" in auth else BearerAuth(**auth)
    if kind is ShellAction:
        given["arguments"] = tuple(given.get("arguments", ()))
    if kind is ChildAction:
        given |= {"run_id": run_id, "author": author}
    made: Action = kind(**given)
    return made
