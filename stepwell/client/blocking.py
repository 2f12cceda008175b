"""The small blocking facade: the same verbs for programs without an event loop.

It runs the loop in a thread of its own. Every verb of `Client` that is awaited there simply returns here: most are made
from the verb itself, with its arguments and its documentation.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from functools import wraps
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, cast

from stepwell.client.client import Client
from stepwell.client.detail import Detail
from stepwell.client.verbs.base import Source
from stepwell.client.views import View
from stepwell.model.base import Json
from stepwell.model.events import SAME, MaybeSame
from stepwell.model.people import Actor

T = TypeVar("T")
P = ParamSpec("P")


class Opened(Protocol):
    """What `Stepwell.open` gives when it is awaited."""

    def __await__(self) -> Any: ...


def _blocks(
    verb: Callable[Concatenate[Any, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[BlockingStepwell, P], T]:
    """The same verb, with its arguments and its documentation, for programs without a loop."""

    @wraps(verb)
    def call(self: BlockingStepwell, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._do(verb(self.client, *args, **kwargs))

    return cast("Callable[Concatenate[BlockingStepwell, P], T]", call)


class BlockingStepwell:
    """A context manager: `with connect("orders.db") as stepwell: stepwell.run(Path("order.yaml"))`."""

    def __init__(self, opening: Opened) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="stepwell", daemon=True)
        self._thread.start()
        try:
            self.client: Client = self._do(_opened(opening))
        except BaseException:
            self._stop()
            raise

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def start(self, source: Source, *args: Any, **options: Any) -> str:
        """Start a run; returns its id. Arguments and options as for `Client.start`."""
        return self._do(self.client.start(source, *args, **options)).run_id

    def run(self, source: Source, *args: Any, **options: Any) -> Any:
        """Start, wait, and give the output."""
        return self._do(self.client.run(source, *args, **options))

    def fork(self, run_id: str, from_step: str, **options: Any) -> str:
        """A new run that goes on from a step of this one; returns its id. See `Client.fork`."""
        return self._do(self.client.fork(run_id, from_step, **options)).run_id

    signal = _blocks(Client.signal)
    get_event = _blocks(Client.get_event)

    wait = _blocks(Client.wait)
    result = _blocks(Client.result)
    show = _blocks(Client.show)
    step = _blocks(Client.step)
    list = _blocks(Client.list)
    count = _blocks(Client.count)
    matching = _blocks(Client.matching)
    status = _blocks(Client.status)
    explain = _blocks(Client.explain)
    progress = _blocks(Client.progress)
    compare = _blocks(Client.compare)
    timeline = _blocks(Client.timeline)
    graph = _blocks(Client.graph)
    graph_data = _blocks(Client.graph_data)
    doctor = _blocks(Client.doctor)
    variables = _blocks(Client.variables)
    variable = _blocks(Client.variable)
    append_variable = _blocks(Client.append_variable)
    pause = _blocks(Client.pause)
    resume = _blocks(Client.resume)
    cancel = _blocks(Client.cancel)
    terminate = _blocks(Client.terminate)
    retry = _blocks(Client.retry)
    steer_many = _blocks(Client.steer_many)
    put_file = _blocks(Client.put_file)
    read_file = _blocks(Client.read_file)
    check_files = _blocks(Client.check_files)
    sweep_files = _blocks(Client.sweep_files)
    set_attributes = _blocks(Client.set_attributes)
    create_procedure = _blocks(Client.create_procedure)
    commit_procedure = _blocks(Client.commit_procedure)
    save_draft = _blocks(Client.save_draft)
    procedures = _blocks(Client.procedures)
    show_procedure = _blocks(Client.show_procedure)
    procedure_at = _blocks(Client.procedure_at)
    procedure_history = _blocks(Client.procedure_history)
    diff_procedure = _blocks(Client.diff_procedure)
    create_branch = _blocks(Client.create_branch)
    create_tag = _blocks(Client.create_tag)
    merge_branch = _blocks(Client.merge_branch)
    roll_back_procedure = _blocks(Client.roll_back_procedure)
    plan_migration = _blocks(Client.plan_migration)
    migrate = _blocks(Client.migrate)
    metadata = _blocks(Client.metadata)
    set_metadata = _blocks(Client.set_metadata)
    search_runs = _blocks(Client.search_runs)
    search_definitions = _blocks(Client.search_definitions)

    request_approval = _blocks(Client.request_approval)
    approval = _blocks(Client.approval)
    decide_approval = _blocks(Client.decide_approval)
    delegate_approval = _blocks(Client.delegate_approval)
    pending_approvals = _blocks(Client.pending_approvals)
    inbox = _blocks(Client.inbox)
    show_step = _blocks(Client.show_step)
    update_step = _blocks(Client.update_step)
    set_values = _blocks(Client.set_values)
    start_step = _blocks(Client.start_step)
    submit_step = _blocks(Client.submit_step)
    skip_step = _blocks(Client.skip_step)
    fail_step = _blocks(Client.fail_step)
    repeat_step = _blocks(Client.repeat_step)
    assign_step = _blocks(Client.assign_step)
    set_fields = _blocks(Client.set_fields)
    begin = _blocks(Client.begin)
    succeed = _blocks(Client.succeed)
    fail = _blocks(Client.fail)
    abort = _blocks(Client.abort)
    procedure = _blocks(Client.procedure)
    audit = _blocks(Client.audit)

    def set_variables(self, run_id: str, **values: Json) -> None:
        self._do(self.client.set_variables(run_id, **values))

    def history(self, run_id: str, after: int = 0, *, detail: Detail = "full") -> Sequence[View]:
        """The journal of a run, event by event, in order. See `Client.history`."""

        async def read() -> Sequence[View]:
            return [view async for view in self.client.history(run_id, after, detail=detail)]

        return self._do(read())

    def inbox_pages(self, by: Actor | str | None = None, **where: Any) -> Sequence[View]:
        """Every line of an inbox. See `Client.inbox`."""

        async def read() -> Sequence[View]:
            return [item async for item in self.client.inbox_pages(by, **where)]

        return self._do(read())

    def rerun(self, run_id: str, input: MaybeSame = SAME, **options: Any) -> str:
        return self._do(self.client.rerun(run_id, input, **options)).run_id

    def add_definition(self, source: Source) -> str:
        """Store a definition; returns its `namespace/name:version`."""
        return self._do(self.client.add_definition(source)).reference

    def close(self) -> None:
        """Stop performing and let go of the file; open runs go on when it is opened again."""
        if self._thread.is_alive():
            try:
                self._do(self.client.engine.close())
            finally:
                self._stop()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> BlockingStepwell:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


async def _opened(opening: Opened) -> Client:
    client: Client = await opening
    return client
