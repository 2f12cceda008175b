"""A workflow as data: what a checked document means. Built by `parse`, read by the kernel, never changed.

Every `Template` may hold `${…}` expressions; every `Expression` is one bare jq expression. A `pointer` is the
JSON pointer of a task in its document, with `/` and `~` escaped: `/do/0/tryGetPet/try/0/getPet`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from stepwell.definition.conditions import CaptureSpec, Condition
from stepwell.definition.expression import Expression, Template
from stepwell.definition.forms.field import Field
from stepwell.definition.specs import (
    NO_INPUT,
    NO_OPTIONS,
    NO_OUTPUT,
    ApprovalSpec,
    DeadlineSpec,
    DurationSpec,
    HttpBody,
    InputSpec,
    Options,
    OutputSpec,
)
from stepwell.model.approvals import CallPolicy
from stepwell.model.base import Json
from stepwell.model.driven import DRIVEN
from stepwell.model.people import NOBODY, Assignment
from stepwell.model.policy import Backoff, FailurePolicy


class TaskKind(StrEnum):
    """The kinds of task that can run. `call` splits by what is called, `run` by what is run."""

    SET = "set"
    DO = "do"
    SWITCH = "switch"
    FOR = "for"
    FORK = "fork"
    TRY = "try"
    RAISE = "raise"
    WAIT = "wait"
    RUN_SHELL = "run:shell"
    RUN_WORKFLOW = "run:workflow"
    CALL_HTTP = "call:http"
    CALL_PYTHON = "call:python"
    CALL_FUNCTION = "call:function"
    CALL_FORM = "call:form"
    CALL_APPROVAL = "call:approval"
    CALL_CONDITION = "call:condition"
    ACTION_SET = "action:set"
    ACTION_NOTIFY = "action:notify"


@dataclass(frozen=True, slots=True)
class SetBody:
    value: Template


@dataclass(frozen=True, slots=True)
class DoBody:
    do: TaskList


@dataclass(frozen=True, slots=True)
class SwitchCase:
    """`when` None is the default case."""

    name: str
    when: Expression | None
    then: str


@dataclass(frozen=True, slots=True)
class SwitchBody:
    cases: tuple[SwitchCase, ...]


@dataclass(frozen=True, slots=True)
class ForBody:
    """`each` and `at` are variable names without `$`."""

    each: str
    in_: Expression
    at: str
    while_: Expression | None
    do: TaskList


@dataclass(frozen=True, slots=True)
class ForkBody:
    branches: TaskList
    compete: bool


@dataclass(frozen=True, slots=True)
class JitterSpec:
    from_: DurationSpec
    to: DurationSpec


@dataclass(frozen=True, slots=True)
class RetrySpec:
    """`catch.retry`, references resolved. `count` is retries after the first try."""

    when: Expression | None = None
    except_when: Expression | None = None
    delay: DurationSpec | None = None
    backoff: Backoff = Backoff.CONSTANT
    count: int | None = None
    attempt_duration: DurationSpec | None = None
    duration: DurationSpec | None = None
    jitter: JitterSpec | None = None


@dataclass(frozen=True, slots=True)
class CatchSpec:
    """`errors_with`: wanted values of type, status, instance, title, detail (or `details`)."""

    errors_with: Mapping[str, Json] = field(default_factory=dict)
    as_: str = "error"
    when: Expression | None = None
    except_when: Expression | None = None
    retry: RetrySpec | None = None
    do: TaskList | None = None
    then: str | None = None
    """`catch.then` (flow directive after the error was caught), None if absent"""


@dataclass(frozen=True, slots=True)
class TryBody:
    try_: TaskList
    catch: CatchSpec


@dataclass(frozen=True, slots=True)
class RaiseBody:
    """Members of the error to raise; absent ones are None. References (`use.errors`) are resolved."""

    type: Template
    status: Template
    title: Template | None = None
    detail: Template | None = None
    instance: Template | None = None


@dataclass(frozen=True, slots=True)
class WaitBody:
    duration: DurationSpec


@dataclass(frozen=True, slots=True)
class ShellBody:
    """`arguments`: a template of a list, or of an object whose entries become `name value`."""

    command: Template
    arguments: Template | None
    environment: Template | None
    stdin: Template | None
    await_: bool
    returns: str
    """stdout, stderr, code, all or none"""


@dataclass(frozen=True, slots=True)
class SubworkflowBody:
    namespace: str
    name: str
    version: str
    """a semantic version, or `latest`"""
    input: Template | None
    await_: bool
    returns: str


@dataclass(frozen=True, slots=True)
class PythonBody:
    """`function` is `package.module:name`, or the name under which a function was registered."""

    function: str
    arguments: Template | None
    process: bool


@dataclass(frozen=True, slots=True)
class FunctionBody:
    """A call of `use.functions.<name>`: `target` is that task, `with_` becomes its input."""

    name: str
    target: Task
    with_: Template | None


@dataclass(frozen=True, slots=True)
class Notice:
    """An event action: `position` in the list of actions. `severities` are by how the step ended."""

    position: int
    type: Template
    title: Template
    severities: Mapping[str, str]
    labels: Template | None = None
    properties: Template | None = None


@dataclass(frozen=True, slots=True)
class AttendedBody:
    """What a person does, or what is only waited for: a form, an approval, a condition.

    `actions` are carried out in order once it holds, each as a task; `notices` on every end.
    """

    fields: tuple[Field, ...] = ()
    auto_proceed: bool = False
    content: str = ""
    actions: TaskList | None = None
    notices: tuple[Notice, ...] = ()
    verdict: bool = False
    """it is a verification: it passes, fails, or is referred to others"""
    refer: Assignment = NOBODY
    condition: Condition | None = None
    """what must hold before it is completed"""
    captures: tuple[CaptureSpec, ...] = ()
    approval: ApprovalSpec | None = None
    """what is asked of whom, where it is an approval"""
    title: Template | None = None
    """where it is computed"""
    given: Mapping[str, Json] = field(default_factory=dict)
    """`with`, as written"""


@dataclass(frozen=True, slots=True)
class VariablesBody:
    """Set variables of the run."""

    values: Template


@dataclass(frozen=True, slots=True)
class NotifyBody:
    """Tell somebody: `channel` is the name of a notifier that the engine was given."""

    channel: Template
    title: Template | None
    message: Template


Body = (
    SetBody
    | DoBody
    | SwitchBody
    | ForBody
    | ForkBody
    | TryBody
    | RaiseBody
    | WaitBody
    | ShellBody
    | SubworkflowBody
    | HttpBody
    | PythonBody
    | FunctionBody
    | AttendedBody
    | VariablesBody
    | NotifyBody
)


@dataclass(frozen=True, slots=True)
class Task:
    """One named task. `position` is its place in its list."""

    name: str
    kind: TaskKind
    pointer: str
    position: int
    body: Body
    if_: Expression | None = None
    input: InputSpec = NO_INPUT
    output: OutputSpec = NO_OUTPUT
    export: OutputSpec = NO_OUTPUT
    timeout: DurationSpec | None = None
    then: str = "continue"
    """continue, exit, end, or the name of a task in the same list"""
    options: Options = NO_OPTIONS
    document: Json = None
    """the task as written: `$task.definition`"""

    @property
    def attended(self) -> bool:
        """People do it, or it only waits: nobody performs it."""
        return isinstance(self.body, AttendedBody)

    @property
    def plain(self) -> bool:
        """Its output is handed on as it is: nothing shapes, checks or exports it."""
        output, export = self.output, self.export
        return output.as_ is None and output.schema is None and export.as_ is None and export.schema is None


@dataclass(frozen=True, slots=True)
class TaskList:
    """Tasks in order; `index` finds one by name. `pointer` is that of the list: `/do`, `/do/0/x/try`."""

    pointer: str
    tasks: tuple[Task, ...]
    index: Mapping[str, int]
    after: Mapping[str, tuple[str, ...]] | None = None
    """by task, the tasks that have to let go before it begins: the list is a graph. None: one after the other"""


FAIL_FAST = FailurePolicy()


@dataclass(frozen=True, slots=True)
class Section:
    """A heading over steps, for the eye only. It has no state."""

    id: str
    title: str = ""
    description: str = ""
    sections: tuple[Section, ...] = ()


@dataclass(frozen=True, slots=True)
class Procedure:
    """What makes a workflow a procedure that people run (`metadata.procedure` of the document; SPEC N1, N15)."""

    fields: tuple[Field, ...] = ()
    sections: tuple[Section, ...] = ()
    labels: tuple[str, ...] = ()
    properties: Mapping[str, Json] = field(default_factory=dict)
    description: str = ""
    attachments: tuple[Json, ...] = ()
    closes: bool = True
    """the run completes once every step has let go; else a person has to say so"""


@dataclass(frozen=True, slots=True)
class Definition:
    """A checked workflow. `hash` is the SHA-256 (hex) of its canonical JSON: two equal documents share it."""

    namespace: str
    name: str
    version: str
    dsl: str
    do: TaskList
    document: Mapping[str, Json]
    hash: str
    title: str = ""
    summary: str = ""
    tags: Mapping[str, Json] = field(default_factory=dict)
    metadata: Mapping[str, Json] = field(default_factory=dict)
    input: InputSpec = NO_INPUT
    output: OutputSpec = NO_OUTPUT
    timeout: DurationSpec | None = None
    deadline: DeadlineSpec | None = None
    """a soft one (`metadata.deadline`): nothing ends because of it"""
    secrets: frozenset[str] = frozenset()
    failure_policy: FailurePolicy = FAIL_FAST
    hooks: Mapping[str, str] = field(default_factory=dict)
    """workflows (`namespace/name:version`) to start when a run is completed, failed, cancelled or timed_out"""
    procedure: Procedure | None = None
    """people run it"""
    hanging: frozenset[str] = frozenset()
    """pointers of the tasks whose condition hangs on data of the run"""
    policy: CallPolicy | None = None
    """what it may call, and what it asks about before (`metadata.policy`)"""
    tasks: Mapping[str, Task] = field(default_factory=dict)
    """every task of the document, those of `use.functions` included, by pointer"""

    code: str | None = field(init=False, default=None)
    """the Python function that is this workflow, `package.module:name` (`metadata.code`, see `stepwell.code`): its
    tasks only stand for it. None: the tasks are the workflow"""
    driven: bool = field(init=False, default=False)
    """a program of its own performs the tasks and says how they end (see `stepwell.steps`): no engine does"""

    def __post_init__(self) -> None:
        """Every turn asks for them, so they are looked up once."""
        code = self.metadata.get("code")
        object.__setattr__(self, "code", code if isinstance(code, str) else None)
        object.__setattr__(self, "driven", code == DRIVEN)

    @property
    def reference(self) -> str:
        """`namespace/name:version`, as messages show it."""
        return f"{self.namespace}/{self.name}:{self.version}"
