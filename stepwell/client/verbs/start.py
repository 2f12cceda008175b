"""Starting runs and waiting for them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from datetime import datetime
from typing import Any, Final, Unpack, cast

from stepwell.client.about import About, check_about, checked_about, filed, start_options, version_of
from stepwell.client.attached import check_files
from stepwell.client.handle import Counter, Handle
from stepwell.client.queueing import Span, queueing
from stepwell.client.starting import check_subworkflows
from stepwell.client.verbs.base import Source, Verbs
from stepwell.client.verbs.queues import unknown_queue
from stepwell.client.versions.picking import picked
from stepwell.client.views import View, error_view, result_view
from stepwell.code.workflow import Workflow
from stepwell.definition.model import Definition
from stepwell.engine.ended import end_of
from stepwell.engine.requests import fingerprint
from stepwell.model import commands as c
from stepwell.model import starting
from stepwell.model.base import Json
from stepwell.model.errors import (
    InvalidInput,
    KeyConflict,
    KeyTaken,
    RunFailed,
    SeqConflict,
    TransitionRefused,
    UniqueTaken,
    WaitTimeout,
)
from stepwell.model.events import RunCreated
from stepwell.model.journal import KeyClaim, RunRow
from stepwell.model.states import RunStatus
from stepwell.workers.copies import own_copy


def _check_together(*, held: bool, queue: str | None) -> None:
    if held and queue is not None:
        raise InvalidInput(
            "a run waits in a queue, or until a person begins it", hint="leave one of them out"
        )


def _used_before(what: str, run_id: str) -> KeyConflict:
    return KeyConflict(
        f"{what} was used for run {run_id}, with another definition or input",
        hint="use another one, or look at that run",
    )


class StartVerbs(Verbs):
    """Start, wait, result."""

    async def start(
        self,
        source: Source,
        *args: Any,
        kwargs: Mapping[str, Any] | None = None,
        key: str | None = None,
        tags: Mapping[str, str] | None = None,
        priority: int = 0,
        mode: str = "normal",
        variables: Mapping[str, Json] | None = None,
        rerun_of: str | None = None,
        attributes: Mapping[str, Any] | None = None,
        id: str | None = None,
        queue: str | None = None,
        delay: Span | None = None,
        deadline: Span | datetime | None = None,
        partition: str | None = None,
        unique: str | None = None,
        debounce: Span | None = None,
        held: bool = False,
        **about: Unpack[About],
    ) -> Handle:
        """Start a run; it is on record when this returns.

        A definition takes its input as the one argument; a Python workflow the arguments of its function.
        The same `key` (or `id`, the run's own) with the same definition and input gives the run that is there already;
        with another one it raises `KeyConflict`. `mode` "debug" pauses before every task. `attributes` are
        what the run is searched by (see `list`).

        `queue`: it waits there, and begins (in this process or another) when the queue's limits allow it: runs of a
        higher `priority` first, and the `partition`s of a queue in turn. `delay` (seconds): not before. `deadline`
        (seconds, or when): it must have ended by then, begun or not. `unique`: while a run of the queue with this key
        is open, that one is given back. `debounce` (seconds, with `unique`): it begins so long after the last such
        start, with the input of the last. `held`: it waits until a person begins it (see `begin`).
        `about`: see `About`. Raises `InvalidDefinition`, `InvalidInput`, `NotFound`, `StoreUnavailable`.
        """
        definition, commit = await self._picked(source, about)
        await check_subworkflows(self.engine.library, definition)
        _check_together(held=held, queue=queue)
        wanted = queueing(
            self.engine.clock.now(), queue=queue, delay=delay, deadline=deadline, partition=partition,
            unique=unique, debounce=debounce, key=key,
        )  # fmt: skip
        await self._check_queue(wanted.queue)
        command = c.StartRun(
            self.engine.ids.run_id() if id is None else starting.run_id(id),
            self._input(source, definition, args, kwargs),
            key=starting.key(key),
            tags=starting.tags(tags),
            priority=starting.priority(priority),
            mode=starting.mode(mode),
            variables=own_copy(starting.variables(variables)),
            rerun_of=None if rerun_of is None else starting.run_id(rerun_of),
            attributes=starting.attributes(attributes),
            held=held,
            **wanted._asdict(),
            **checked_about(filed(definition, about)),
            commit=commit,
        )
        return await self._start(definition, command)

    async def _picked(self, source: Source, about: About) -> tuple[Definition, str | None]:
        """The definition, and the commit where a version of a procedure is named. Raises for unknown options."""
        check_about("start", source, about, _OPTIONS)
        version = version_of(about)
        if version is None:
            return await self.definition(source), None
        return await picked(self.engine, source, *version)

    async def _start(self, definition: Definition, command: c.StartRun) -> Handle:
        """Create the run, or find the one that its key, its id or its unique key stands for."""
        if definition.procedure is not None:
            await check_files(self.blobs, command.input)
        claim = None
        if command.key is not None:
            claim = KeyClaim(command.key, fingerprint(definition, command.input))
        while True:
            try:
                await self.engine.start(definition, command, claim)
                return self._handle(command.run_id)
            except KeyTaken as taken:
                if claim is None or taken.fingerprint != claim.fingerprint:
                    raise _used_before(f"key {command.key!r}", taken.run_id) from None
                await self.engine.recover(taken.run_id)
                return self._handle(taken.run_id, created=False)
            except UniqueTaken as taken:
                if not command.debounced or await self._put_off(taken.run_id, command):
                    return self._handle(taken.run_id, created=False)
            except SeqConflict:
                await self.engine.store.flush()  # its first turn may still be on its way
                wanted = fingerprint(definition, command.input)
                if await self._first_print(command.run_id) not in (wanted, None):
                    raise _used_before(f"id {command.run_id!r}", command.run_id) from None
                if await self.engine.store.row(command.run_id) is not None:
                    await self.engine.recover(command.run_id)
                    return self._handle(command.run_id, created=False)

    def _input(self, source: Source, definition: Definition, args: tuple[Any, ...], keywords: object) -> Json:
        """What the run gets. Raises `InvalidInput`, also where it does not fit the code that is known here."""
        given = input_of(source, args, keywords)
        self.engine.codebase.check_input(definition, given)
        return given

    def _handle(self, run_id: str, created: bool = True) -> Handle:
        return Handle(cast(Counter, self), run_id, created)

    async def _put_off(self, run_id: str, command: c.StartRun) -> bool:
        """The run waits longer, and for another input; False if it has begun meanwhile. One that was started without
        `debounce`, or that goes on for another one, stays as it is."""
        assert command.due is not None
        if not (await self.engine.reload(run_id)).run.debounced:
            return True
        try:
            await self.engine.command(run_id, c.RescheduleRun(command.due, command.input))
        except TransitionRefused:
            return False
        return True

    async def _first_print(self, run_id: str) -> str | None:
        """The fingerprint of the start that created the run; None where that start failed."""
        first = await self.engine.store.turns(run_id, limit=1)
        if not first:
            return None
        created = first[0].events[0]
        assert isinstance(created, RunCreated)
        return fingerprint(await self.engine.library.get(created.definition_hash), created.input)

    async def _check_queue(self, queue: str | None) -> None:
        if queue is not None and queue not in self._queues_known:
            known = list(await self.engine.store.queues.names())
            self._queues_known.update(known)
            if queue not in known:
                raise unknown_queue(queue, known)

    async def wait(self, run_id: str, timeout: float | None = None) -> View:
        """Wait until the run is terminal, whatever the state. `timeout` in seconds: raises `WaitTimeout`, the run
        goes on. The view has `time_taken` (seconds)."""
        state = await self.engine.reload((await self._end_of(run_id, timeout)).id)
        taken = (state.run.ended_at or 0) - state.run.created_at
        return {**result_view(state), "time_taken": taken / 1_000_000}

    def _end_of(self, run_id: str, timeout: float | None) -> Awaitable[RunRow]:
        """Wait for the end of the run, or of the last one that it continued as; gives that one's row."""
        return self.engine.wait(run_id, follow=True) if timeout is None else self._end_within(run_id, timeout)

    async def _end_within(self, run_id: str, timeout: float) -> RunRow:
        if isinstance(timeout, bool) or not isinstance(timeout, int | float):
            raise InvalidInput(f"timeout is a number of seconds, not {timeout!r}")
        try:
            return await asyncio.wait_for(self.engine.wait(run_id, follow=True), timeout)
        except TimeoutError:
            row = await self.engine.row(run_id)
            while row.status == RunStatus.CONTINUED.value:
                row = await self.engine.row((await self.engine.reload(row.id)).run.continued_to or run_id)
            goes_on = "" if row.id == run_id else f" went on as run {row.id}, which"
            with self.hints():
                raise WaitTimeout(
                    f"run {run_id}{goes_on} is still {row.status} after {timeout:g} s",
                    hint=f"stepwell runs watch {row.id}",
                ) from None

    async def result(self, run_id: str, timeout: float | None = None) -> Any:
        """The output of the run (of a Python workflow that is imported here: as its function's annotation says).

        Raises `RunFailed` if it ended otherwise than completed.
        """
        row = await self._end_of(run_id, timeout)
        end = self.engine.ended.find(row) or end_of((await self.engine.reload(row.id)).run)
        with self.hints():
            if end.status is not RunStatus.COMPLETED:
                raise RunFailed(row.id, end.status.value, error_view(end.error), reason=end.reason, by=end.by)
        return self.engine.codebase.result(row, end.output)

    async def run(self, source: Source, *args: Any, **options: Any) -> Any:
        """Start, wait, and give the output. Options as for `start`."""
        handle = await self.start(source, *args, **options)
        return await handle.result()


def input_of(source: Source, args: tuple[Any, ...], keywords: object) -> Json:
    """What the run gets. Raises `InvalidInput`."""
    named = starting.variables(keywords, "kwargs")
    if isinstance(source, Workflow):
        try:
            return source.arguments.write(args, named)
        except InvalidInput as error:
            if error.hint:
                error.hint += "; those given by their names go into kwargs={…}"
            raise
    if len(args) > 1 or named:
        raise InvalidInput("a definition takes one argument: its input")
    return {} if not args or args[0] is None else own_copy(args[0])


_OPTIONS: Final = start_options(StartVerbs.start)
