"""What a worker is asked to do for a step: fully evaluated, ready to perform. Never stored (it may hold secrets)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from stepwell.model.base import Duration, Instant, Json
from stepwell.model.problem import Problem, runtime


class BasicAuth(NamedTuple):
    username: str
    password: str


class BearerAuth(NamedTuple):
    token: str


class HttpAction(NamedTuple):
    """One HTTP exchange. `output` is content, raw or response; durations in microseconds."""

    method: str
    uri: str
    headers: Mapping[str, str]
    query: Mapping[str, Json]
    body: Json = None
    has_body: bool = False
    auth: BasicAuth | BearerAuth | None = None
    output: str = "content"
    redirect: bool = False
    connect_timeout: Duration | None = None
    read_timeout: Duration | None = None


class ShellAction(NamedTuple):
    """`sh -c command sh arguments…`; `returns` is stdout, stderr, code, all or none."""

    command: str
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = {}
    stdin: str | None = None
    wait: bool = True
    returns: str = "stdout"


class PythonAction(NamedTuple):
    """Call a function: `package.module:name` or a registered name. Arguments by keyword (object) or position (list)."""

    function: str
    arguments: Json = None
    process: bool = False


class CodeAction(NamedTuple):
    """Call this very function with these very arguments: a step of a workflow that is Python code."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any]
    is_async: bool
    write: Callable[[Any], Json]
    """makes JSON of the result"""
    retryable: Callable[[BaseException], bool] | None = None
    """whether another attempt may help after this exception; None: always"""


class ChildAction(NamedTuple):
    """Start another workflow under a run id that is a function of the parent's step (so starting twice is harmless)."""

    run_id: str
    namespace: str
    name: str
    version: str
    input: Json
    wait: bool = True
    depth: int = 1
    start: Mapping[str, Any] = {}
    """further members of `StartRun`"""
    author: str | None = None
    """on whose behalf it is started"""


class SignalAction(NamedTuple):
    """Send a signal to another run. `signal` is its id: sending it twice is harmless."""

    run_id: str
    signal: str
    name: str
    value: Json = None
    correlation: str | None = None


class NotifyAction(NamedTuple):
    """Tell a channel (a notifier that the engine was given) something."""

    channel: str
    title: str | None
    message: str


class WebhookAction(NamedTuple):
    """Deliver a signed message, once. `timestamp` is in seconds since 1970; text as `payload` is JSON already.

    `Succeeded` tells `{delivery, code}`, and where it was not taken `reason` (a `conditions.Reason`) and `detail`.
    """

    uri: str
    secret: str
    event: str
    delivery: str
    timestamp: int
    payload: Json = None
    headers: Mapping[str, str] = {}


class SampleAction(NamedTuple):
    """Read the samples of a channel from a file, a service or a registered function, one of which is given.

    Those at `since` or later, and later than `after`, in the order of their times; with `latest` the last one only.
    `position` is what the report before said. `Succeeded` tells `{samples: [[instant, value], …], position, more}`;
    or `{missing, detail}` (a `conditions.Reason`) where nothing will ever come; or `{error}` where it may be tried
    again.
    """

    channel: str
    since: Instant
    now: Instant
    file: str | None = None
    http: HttpAction | None = None
    name: str | None = None
    tags: Mapping[str, str] = {}
    after: Instant | None = None
    position: Json = None
    latest: bool = False


class WatchAction(NamedTuple):
    """See where another run stands. `Succeeded` tells `{status, run}`; no status: there is no such run."""

    run_id: str


Action = (
    HttpAction
    | ShellAction
    | PythonAction
    | CodeAction
    | ChildAction
    | SignalAction
    | WebhookAction
    | SampleAction
    | WatchAction
    | NotifyAction
)


class Succeeded(NamedTuple):
    """The action was done; `output` is the step's raw output. `source`: it was not done, but kept from this run and
    step."""

    output: Json
    source: str | None = None


class Failed(NamedTuple):
    """The action failed; `problem` needs no instance, the kernel knows the step."""

    problem: Problem
    retry: bool = True
    """False: another attempt cannot help"""
    after: Duration | None = None
    """how long to wait before another attempt; None: as the policy says"""


class Postponed(NamedTuple):
    """The work is not done yet: call again after so long. Spends no attempt. `limited`: it waits for its slot in a
    rate."""

    after: Duration
    progress: Json = None
    limited: bool = False


class Interrupted(NamedTuple):
    """The action was stopped because it was asked to."""


Outcome = Succeeded | Failed | Postponed | Interrupted


def leaving(error: GeneratorExit, outcome: Callable[[], Outcome]) -> None:
    """Let the exception say what came of the action if nobody threw its coroutine away. Only who drives that knows: a
    function may raise a `GeneratorExit` too."""
    error.__dict__["stepwell_outcome"] = outcome


def left_with(error: GeneratorExit) -> Outcome:
    """What came of it."""
    outcome: Callable[[], Outcome] | None = error.__dict__.pop("stepwell_outcome", None)
    return Failed(runtime("GeneratorExit")) if outcome is None else outcome()
