"""The blocking facade: the same verbs for programs without an event loop.

It runs the loop in a thread of its own. Every verb of `Client` that is awaited there simply returns here, and what is
gone through with `async for` there is a plain iterator: they are made from the verbs themselves, with their arguments,
types and documentation. Runs are named by their ids, where the verbs of `Client` give a `Handle`.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from functools import wraps
from types import TracebackType
from typing import Any, Concatenate, Final, ParamSpec, Protocol, TypeVar, cast

from stepwell.client.client import Client
from stepwell.client.handle import Handle
from stepwell.client.progress import ProgressHook
from stepwell.client.verbs.base import Source
from stepwell.client.verbs.subscribe import Kinds
from stepwell.engine.feed import Handler, Subscription
from stepwell.model.errors import Conflict, StoreUnavailable

T = TypeVar("T")
P = ParamSpec("P")
Q = ParamSpec("Q")

_END: Final = object()


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

    return call


def _starts(
    verb: Callable[Concatenate[Any, P], Coroutine[Any, Any, Handle]],
) -> Callable[Concatenate[BlockingStepwell, P], str]:
    """A verb that starts a run: gives its id."""

    @wraps(verb)
    def call(self: BlockingStepwell, /, *args: P.args, **kwargs: P.kwargs) -> str:
        return self._do(verb(self.client, *args, **kwargs)).run_id

    return _said_to_give(call, verb, "str")


def _iterates(
    verb: Callable[Concatenate[Any, P], AsyncIterator[T]],
) -> Callable[Concatenate[BlockingStepwell, P], Iterator[T]]:
    """What comes, as it comes. Closing the iterator (or the facade) ends it."""

    @wraps(verb)
    def call(self: BlockingStepwell, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        return self._each(self._do(_made(lambda: verb(self.client, *args, **kwargs))))

    return _said_to_give(call, verb, "Iterator[Any]")


def _collects(
    verb: Callable[Concatenate[Any, P], AsyncIterator[T]],
) -> Callable[Concatenate[BlockingStepwell, P], Sequence[T]]:
    """All of it, once there is no more."""

    @wraps(verb)
    def call(self: BlockingStepwell, /, *args: P.args, **kwargs: P.kwargs) -> Sequence[T]:
        return tuple(self._each(self._do(_made(lambda: verb(self.client, *args, **kwargs)))))

    return _said_to_give(call, verb, "Sequence[Any]")


def _hears(
    verb: Callable[Concatenate[Any, P], Callable[[], None]],
) -> Callable[Concatenate[BlockingStepwell, P], Callable[[], None]]:
    """A listener, called on the engine's own thread: it must not wait, and cannot use these verbs."""

    @wraps(verb)
    def call(self: BlockingStepwell, /, *args: P.args, **kwargs: P.kwargs) -> Callable[[], None]:
        end = self._do(_made(lambda: verb(self.client, *args, **kwargs)))
        return lambda: self._do(_made(end))

    return call


def _said_to_give(call: Callable[Q, T], verb: Callable[..., Any], gives: str) -> Callable[Q, T]:
    """For `help` and editors that look at run time; type checkers know anyway."""
    call.__signature__ = inspect.signature(verb).replace(return_annotation=gives)  # type: ignore[attr-defined]
    return call


async def _made(make: Callable[[], T]) -> T:
    """On the loop's own thread."""
    return make()


class BlockingSubscription:
    """See `Subscription`."""

    def __init__(self, stepwell: BlockingStepwell, subscription: Subscription) -> None:
        self._stepwell, self._subscription = stepwell, subscription
        self.name = subscription.name

    @property
    def position(self) -> int:
        """Everything up to here was handled."""
        return self._subscription.position

    def caught_up(self) -> None:
        """Return when everything that is committed now was handled."""
        self._stepwell._do(self._subscription.caught_up())

    def close(self) -> None:
        """Let the handler that is at work finish, and end. A later one of this name goes on there."""
        self._stepwell._do(self._subscription.close())


class BlockingStepwell:
    """A context manager: `with connect("orders.db") as stepwell: stepwell.run(Path("order.yaml"))`. Its verbs may be
    used from any thread, but not from the engine's own: a coroutine that is performed as a step, or a listener."""

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
        if threading.current_thread() is self._thread:
            work.close()
            raise Conflict(
                "this runs on the engine's own thread, which would wait for itself",
                hint="make it a plain function (`def`), or use what `Stepwell.open` gives",
            )
        if self._loop.is_closed():
            work.close()
            raise StoreUnavailable("the engine is closed", hint="connect again")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()  # where the wait was interrupted (Ctrl-C), nobody waits any more
            raise

    def _each(self, items: AsyncIterator[T]) -> Iterator[T]:
        async def following() -> Any:
            return await anext(items, _END)

        try:
            while (item := self._do(following())) is not _END:
                yield cast("T", item)
        finally:
            if hasattr(items, "aclose") and not self._loop.is_closed():
                self._do(items.aclose())

    start = _starts(Client.start)
    start_procedure = _starts(Client.start_procedure)
    rerun = _starts(Client.rerun)
    fork = _starts(Client.fork)
    trigger_schedule = _starts(Client.trigger_schedule)
    run = _blocks(Client.run)
    signal = _blocks(Client.signal)
    get_event = _blocks(Client.get_event)
    stream = _iterates(Client.stream)

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
    files = _blocks(Client.files)
    run_files = _blocks(Client.run_files)
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

    set_variables = _blocks(Client.set_variables)
    attributes = _blocks(Client.attributes)
    state = _blocks(Client.state)
    forget_cached = _blocks(Client.forget_cached)
    definition = _blocks(Client.definition)
    stream_file = _iterates(Client.stream_file)
    backup = _blocks(Client.backup)

    schedule = _blocks(Client.schedule)
    schedules = _blocks(Client.schedules)
    schedule_view = _blocks(Client.schedule_view)
    pause_schedule = _blocks(Client.pause_schedule)
    resume_schedule = _blocks(Client.resume_schedule)
    delete_schedule = _blocks(Client.delete_schedule)
    backfill_schedule = _blocks(Client.backfill_schedule)
    upcoming = _blocks(Client.upcoming)
    firings = _blocks(Client.firings)
    queues = _blocks(Client.queues)
    queue = _blocks(Client.queue)
    put_queue = _blocks(Client.put_queue)
    pause_queue = _blocks(Client.pause_queue)
    resume_queue = _blocks(Client.resume_queue)

    plan_archive = _blocks(Client.plan_archive)
    apply_archive = _blocks(Client.apply_archive)
    verify_archive = _blocks(Client.verify_archive)
    restore_archive = _blocks(Client.restore_archive)
    finish_archives = _blocks(Client.finish_archives)
    archives = _blocks(Client.archives)
    archive_receipt = _blocks(Client.archive_receipt)
    set_retention = _blocks(Client.set_retention)
    drop_retention = _blocks(Client.drop_retention)
    retentions = _blocks(Client.retentions)
    run_retention = _blocks(Client.run_retention)

    create_from = _blocks(Client.create_from)
    edit_procedure = _blocks(Client.edit_procedure)
    discard_draft = _blocks(Client.discard_draft)
    compact_drafts = _blocks(Client.compact_drafts)
    delete_branch = _blocks(Client.delete_branch)
    delete_tag = _blocks(Client.delete_tag)
    archive_procedure = _blocks(Client.archive_procedure)
    unarchive_procedure = _blocks(Client.unarchive_procedure)
    procedure_parents = _blocks(Client.procedure_parents)
    delete_procedure = _blocks(Client.delete_procedure)
    export_procedure = _blocks(Client.export_procedure)
    import_procedure = _blocks(Client.import_procedure)

    events = _iterates(Client.events)
    cloudevents = _iterates(Client.cloudevents)
    subscriptions = _blocks(Client.subscriptions)
    unsubscribe = _blocks(Client.unsubscribe)
    on_event = _hears(Client.on_event)
    on_variable = _hears(Client.on_variable)
    on_condition = _hears(Client.on_condition)
    history = _collects(Client.history)
    inbox_pages = _collects(Client.inbox_pages)

    @wraps(Client.subscribe)
    def subscribe(
        self,
        name: str,
        handler: Handler,
        *,
        events: Kinds | None = None,
        from_: str | int = "start",
        batch: int = 100,
        cloudevents: bool = False,
    ) -> BlockingSubscription:
        """As `Client.subscribe`. A handler that is a plain function is called on a thread, where it may wait."""
        called = handler if inspect.iscoroutinefunction(handler) else _on_a_thread(handler)
        subscribing = self.client.subscribe(
            name, called, events=events, from_=from_, batch=batch, cloudevents=cloudevents
        )
        return BlockingSubscription(self, self._do(subscribing))

    @wraps(Client.on_progress)
    def on_progress(self, run_id: str, hook: ProgressHook) -> Callable[[], None]:
        end = self._do(self.client.on_progress(run_id, hook))
        return lambda: self._do(_made(end))

    def add_definition(self, source: Source) -> str:
        """Store a definition; returns its `namespace/name:version`."""
        return self._do(self.client.add_definition(source)).reference

    def close(self) -> None:
        """Stop performing and let go of the file; open runs go on when it is opened again."""
        if not self._loop.is_closed():
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


def _on_a_thread(handler: Handler) -> Handler:
    async def call(told: Any) -> None:
        await asyncio.to_thread(handler, told)

    return call


async def _opened(opening: Opened) -> Client:
    client: Client = await opening
    return client
