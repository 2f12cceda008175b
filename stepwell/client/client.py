"""`Client`: start, wait, inspect, list and steer runs. Every verb returns once its outcome is durable."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stepwell.client import checkup
from stepwell.client.compare import compare
from stepwell.client.explain import explain
from stepwell.client.graph import definition_graph, run_graph
from stepwell.client.progress import Progress, progress_of
from stepwell.client.starting import check_subworkflows, fingerprint
from stepwell.client.views import View, result_view, row_view, run_view
from stepwell.definition.model import Definition
from stepwell.definition.parse import parse, parse_document
from stepwell.engine.engine import Engine
from stepwell.engine.observers import ConditionListener, VariableListener
from stepwell.model import commands as c
from stepwell.model.base import Json
from stepwell.model.errors import InvalidInput, KeyConflict, KeyTaken, RunFailed, WaitTimeout
from stepwell.model.events import RunCreated
from stepwell.model.journal import KeyClaim, RunFilter
from stepwell.model.records import State
from stepwell.ports import Observer

Source = Definition | Mapping[str, Any] | Path | str
"""A definition: parsed, as a JSON object, the path of its file, its text, or `namespace/name:version` of a stored
one."""


@dataclass(frozen=True, slots=True)
class Handle:
    """A started run. `created` is False where the key belonged to a run that was there already."""

    client: Client
    run_id: str
    created: bool = True

    async def wait(self, timeout: float | None = None) -> View:
        """See `Client.wait`."""
        return await self.client.wait(self.run_id, timeout)

    async def result(self, timeout: float | None = None) -> Json:
        """See `Client.result`."""
        return await self.client.result(self.run_id, timeout)


class Client:
    """The verbs. Made by `assembly`."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    # --- definitions ------------------------------------------------------------------------------

    async def definition(self, source: Source) -> Definition:
        """The definition that a source stands for. Raises `InvalidDefinition`, `NotFound`."""
        if isinstance(source, Definition):
            return source
        if isinstance(source, Mapping):
            return parse_document(source)
        if isinstance(source, Path):
            content = await asyncio.to_thread(_read, source)
            return parse(content, str(source))
        if "\n" in source or ": " in source or source.lstrip().startswith("{"):
            return parse(source)
        if source.endswith((".yaml", ".yml", ".json")):
            raise InvalidInput(f"{source!r} looks like a file", hint=f"pass Path({source!r})")
        namespace, _, rest = source.rpartition("/")
        name, _, version = rest.partition(":")
        return await self.engine.library.find(namespace or "default", name, version or "latest")

    async def add_definition(self, source: Source) -> Definition:
        """Store a definition, so that workflows can run it by name."""
        definition = await self.definition(source)
        await self.engine.library.add(definition)
        return definition

    # --- starting and waiting ---------------------------------------------------------------------

    async def start(
        self,
        source: Source,
        input: Json = None,
        *,
        key: str | None = None,
        tags: Mapping[str, str] | None = None,
        priority: int = 0,
        mode: str = "normal",
        variables: Mapping[str, Json] | None = None,
        rerun_of: str | None = None,
    ) -> Handle:
        """Start a run; it is on record when this returns.

        The same `key` with the same definition and input gives the run that is there already; with another one it
        raises `KeyConflict`. `mode` "debug" pauses before every task. Raises `InvalidDefinition`, `InvalidInput`,
        `StoreUnavailable`.
        """
        definition = await self.definition(source)
        await check_subworkflows(self.engine.library, definition)
        if mode not in ("normal", "debug"):
            raise InvalidInput(f"mode must be normal or debug, not {mode!r}")
        if key is not None and not 0 < len(key) <= 1_000:
            raise InvalidInput("a key has 1 to 1,000 characters")
        data = {} if input is None else input
        command = c.StartRun(
            self.engine.ids.run_id(),
            data,
            key=key,
            tags=dict(tags or {}),
            priority=priority,
            mode=mode,
            variables=dict(variables or {}),
            rerun_of=rerun_of,
        )
        claim = KeyClaim(key, fingerprint(definition, data)) if key is not None else None
        try:
            await self.engine.start(definition, command, claim)
        except KeyTaken as taken:
            if claim is None or taken.fingerprint != claim.fingerprint:
                raise KeyConflict(
                    f"key {key!r} was used for run {taken.run_id}, with another definition or input",
                    hint="use another key, or look at that run",
                ) from None
            await self.engine.recover(taken.run_id)
            return Handle(self, taken.run_id, created=False)
        return Handle(self, command.run_id)

    async def wait(self, run_id: str, timeout: float | None = None) -> View:
        """Wait until the run is terminal, whatever the state. `timeout` in seconds: raises `WaitTimeout`, the run
        goes on. The view has `time_taken` (seconds)."""
        try:
            await asyncio.wait_for(self.engine.wait(run_id), timeout)
        except TimeoutError:
            row = await self.engine.row(run_id)
            raise WaitTimeout(
                f"run {run_id} is still {row.status} after {timeout:g} s",
                hint=f"stepwell runs watch {run_id}",
            ) from None
        state = await self.engine.reload(run_id)
        taken = (state.run.ended_at or 0) - state.run.created_at
        return {**result_view(state), "time_taken": taken / 1_000_000}

    async def result(self, run_id: str, timeout: float | None = None) -> Json:
        """The output of the run. Raises `RunFailed` if it ended otherwise than completed."""
        view = await self.wait(run_id, timeout)
        if view["status"] != "completed":
            raise RunFailed(run_id, view["status"], view["error"])
        return view["output"]

    async def run(self, source: Source, input: Json = None, **options: Any) -> Json:
        """Start, wait, and give the output. Options as for `start`."""
        handle = await self.start(source, input, **options)
        return await handle.result()

    # --- looking ----------------------------------------------------------------------------------

    async def state(self, run_id: str) -> State:
        """The run's records, as its journal tells them."""
        await self.engine.row(run_id)
        return await self.engine.reload(run_id)

    async def show(self, run_id: str) -> View:
        """Everything about a run, its steps and attempts."""
        return run_view(await self.state(run_id))

    async def step(self, run_id: str, step: str) -> View:
        """One step, by id, path or (where it is unique) name. Raises `NotFound`."""
        return checkup.find_step(await self.show(run_id), step)

    async def compare(self, run_id: str, other: str) -> View:
        """Where two runs part: their outcomes, and every step that went another way."""
        return compare(await self.state(run_id), await self.state(other))

    async def list(
        self,
        *,
        status: Sequence[str] = (),
        name: str | None = None,
        namespace: str | None = None,
        tags: Mapping[str, str] | None = None,
        parent_id: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> View:
        """`{"runs": […], "next": cursor or None}`, newest first."""
        where = RunFilter(tuple(status), name, namespace, dict(tags or {}), parent_id)
        page = await self.engine.store.list_runs(where, limit, cursor)
        return {"runs": [row_view(row) for row in page.rows], "next": page.next}

    async def explain(self, run_id: str) -> View:
        """Why the run stands where it stands, and what can be done: `reason`, `next_actions`, `evidence`."""
        state = await self.state(run_id)
        alive = await self.engine.store.owner_alive(run_id)
        return explain(state, self.engine.clock.now(), carried_on=alive)

    async def progress(self, run_id: str) -> Progress:
        """How far the run is, its sub-workflows included."""
        state = await self.state(run_id)
        total = progress_of(state, await self.engine.library.get(state.run.definition_hash))
        cursor: str | None = None
        while True:
            page = await self.engine.store.list_runs(RunFilter(parent_id=run_id), 1_000, cursor)
            for row in page.rows:
                total += await self.progress(row.id)
            cursor = page.next
            if cursor is None:
                return total

    async def on_progress(self, run_id: str, hook: Callable[[Progress], None]) -> Callable[[], None]:
        """Call the hook whenever the run's progress changes; returns a function that ends it."""
        tasks: set[asyncio.Task[None]] = set()
        last: list[Progress] = []

        async def tell() -> None:
            progress = await self.progress(run_id)
            if last[-1:] != [progress]:
                last[:] = [progress]
                hook(progress)

        def observe(run: str, seq: int, at: int, event: object) -> None:
            task = asyncio.ensure_future(tell())
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        await tell()
        return self.engine.observers.on_event(observe)

    async def graph(self, source: Source | None = None, *, run_id: str | None = None) -> str:
        """A Mermaid flow chart of a definition, or of a run with its states."""
        if run_id is not None:
            state = await self.state(run_id)
            return run_graph(await self.engine.library.get(state.run.definition_hash), state)
        if source is None:
            raise InvalidInput("a graph needs a definition or a run")
        return definition_graph(await self.definition(source))

    async def history(self, run_id: str, after: int = 0) -> AsyncIterator[View]:
        """The journal of a run, event by event, in order."""
        await self.engine.row(run_id)
        for turn in await self.engine.store.turns(run_id, after):
            for view in checkup.event_views(turn):
                yield view

    # --- steering ---------------------------------------------------------------------------------

    async def pause(self, run_id: str, reason: str | None = None) -> View:
        """Start nothing new; the run is `paused` once what is in flight has ended."""
        return await self._steer(run_id, c.PauseRun(reason))

    async def resume(self, run_id: str, step: str | None = None) -> View:
        """Go on with a paused run, or let go the debugger's pause before one step (or before all)."""
        return await self._steer(run_id, c.ResumeRun(step))

    async def cancel(self, run_id: str, reason: str | None = None) -> View:
        """Interrupt what is in flight; the run is `cancelled` once that has settled."""
        abandoned = not await self.engine.store.owner_alive(run_id)
        return await self._steer(run_id, c.CancelRun(reason, abandoned))

    async def terminate(self, run_id: str, reason: str | None = None) -> View:
        """End the run at once."""
        return await self._steer(run_id, c.TerminateRun(reason))

    async def retry(self, run_id: str) -> View:
        """Go on with a failed run from what failed; what was completed is not done again."""
        view = await self._steer(run_id, c.RetryRun())
        await self.engine.recover(run_id)
        return view

    async def rerun(self, run_id: str, input: Json = None) -> Handle:
        """Start the same definition anew, with the same input unless another is given: always a new run."""
        state = await self.state(run_id)
        definition = await self.engine.library.get(state.run.definition_hash)
        data = state.run.input if input is None else input
        (first,) = await self.engine.store.turns(run_id, limit=1)
        created = first.events[0]
        return await self.start(
            definition,
            data,
            tags=state.run.tags,
            priority=state.run.priority,
            mode=state.run.mode,
            variables=created.variables if isinstance(created, RunCreated) else None,
            rerun_of=run_id,
        )

    async def _steer(self, run_id: str, command: c.Command) -> View:
        await self.engine.command(run_id, command)
        row = await self.engine.row(run_id)
        return row_view(row)

    # --- variables and listeners ------------------------------------------------------------------

    async def variables(self, run_id: str) -> dict[str, Json]:
        return dict((await self.state(run_id)).run.variables)

    async def variable(self, run_id: str, name: str, default: Json = None) -> Json:
        return (await self.variables(run_id)).get(name, default)

    async def set_variables(self, run_id: str, **values: Json) -> None:
        await self.engine.command(run_id, c.SetVariables(values))

    async def append_variable(self, run_id: str, name: str, value: Json) -> None:
        """Append to a list variable; it is made if it is not there."""
        await self.engine.command(run_id, c.SetVariables(append={name: value}))

    def on_event(self, observer: Observer) -> Callable[[], None]:
        """Hear every committed event of this engine: `(run_id, seq, at, event)`. Returns what ends it."""
        return self.engine.observers.on_event(observer)

    def on_variable(self, listener: VariableListener) -> Callable[[], None]:
        """Hear every change of a variable: `(run_id, name, old, new)`."""
        return self.engine.observers.on_variable(listener)

    def on_condition(self, listener: ConditionListener) -> Callable[[], None]:
        """Hear every condition that was evaluated: `(run_id, step, expression, result)`."""
        return self.engine.observers.on_condition(listener)

    # --- the house --------------------------------------------------------------------------------

    async def doctor(self, *, rebuild: bool = False) -> View:
        """Read everything and check it; with `rebuild` make the indexes anew from the journal."""
        return await checkup.doctor(self.engine, rebuild=rebuild)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"cannot read {path}: {error.strerror}") from error
