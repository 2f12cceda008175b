"""What several kinds of task say: how data is shaped, times, an HTTP exchange, and the engine's own options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from stepwell.definition.expression import Expression, Template
from stepwell.model.base import Duration, Json
from stepwell.model.ledger import Rate
from stepwell.model.people import NOBODY, Assignment


@dataclass(frozen=True, slots=True)
class InputSpec:
    """`input:` of a workflow or task. `schema` is a JSON Schema document; `from_` shapes the raw input."""

    schema: Json = None
    from_: Template | None = None


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """`output:` and `export:`. `as_` shapes the value, `schema` is checked on the result."""

    as_: Template | None = None
    schema: Json = None


@dataclass(frozen=True, slots=True)
class DurationSpec:
    """Microseconds, or a template that gives an ISO 8601 string or a duration object."""

    constant: Duration | None = None
    template: Template | None = None


@dataclass(frozen=True, slots=True)
class DeadlineSpec:
    """A soft deadline (`metadata.deadline`): expected within `after`; see `model.deadline`."""

    after: DurationSpec
    warn: DurationSpec | None = None
    escalate: DurationSpec | None = None


@dataclass(frozen=True, slots=True)
class CacheSpec:
    """How long a result is kept, and what for: the key is computed from the task's input."""

    key: Expression
    ttl: Duration


@dataclass(frozen=True, slots=True)
class ApprovalSpec:
    """What is asked of whom: of `call: approval` (`what`, `arguments` and `metadata` belong to it), or before a call
    (`metadata.approval` of a task). `own`: who asked for it may decide too."""

    need: Template | None = None
    approvers: Template | None = None
    expires: DurationSpec | None = None
    own: Template | None = None
    what: Template | None = None
    arguments: Template | None = None
    metadata: Template | None = None
    fails: bool = True
    """the step fails where it is refused; else it completes all the same"""


@dataclass(frozen=True, slots=True)
class Options:
    """What Stepwell reads from a task's `metadata` (DESIGN §4); `raw` is all of it, as written."""

    optional: bool = False
    priority: int = 0
    concurrency: int | None = None
    """`for`: how many iterations at once; None is the standard's one after the other"""
    schedule: DurationSpec | None = None
    """delay before the step starts"""
    debug_pause: bool = False
    irreversible: bool = False
    deadline: DeadlineSpec | None = None
    """a soft one: nothing ends because of it"""
    policy: dict[str, Json] | None = None
    """`errorPolicy` as a step's options say it (see `model.recourse`)"""
    completion: Duration | None = None
    """the time limit of its completion"""
    cache: CacheSpec | None = None
    rate: Rate | None = None
    """its name is empty unless one was given"""
    auto_start: bool = True
    """off: a person begins it"""
    required: bool = False
    """nobody may skip it"""
    assign: Assignment = NOBODY
    """who is to do it"""
    title: str = ""
    description: str = ""
    approval: ApprovalSpec | None = None
    """people are asked before it is called"""
    section: str = ""
    """the section of the procedure that it is shown in"""
    attachments: tuple[Json, ...] = ()
    raw: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AuthSpec:
    """`scheme` is basic or bearer. `secret` names a whole credential in `$secrets` (`use:`)."""

    scheme: str
    secret: str | None = None
    username: Template | None = None
    password: Template | None = None
    token: Template | None = None


@dataclass(frozen=True, slots=True)
class HttpBody:
    """`uri` may hold RFC 6570 level-1 `{name}` parameters, filled from the task's input."""

    method: str
    uri: Template
    auth: AuthSpec | None
    headers: Template | None
    query: Template | None
    body: Template | None
    output: str
    """content, raw or response"""
    redirect: bool
    connect_timeout: DurationSpec | None = None
    read_timeout: DurationSpec | None = None


NO_INPUT: Final = InputSpec()
NO_OUTPUT: Final = OutputSpec()
NO_OPTIONS: Final = Options()
