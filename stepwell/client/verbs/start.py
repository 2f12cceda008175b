"""Starting runs and waiting for them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stepwell.client.starting import check_subworkflows
from stepwell.client.verbs.base import Source, Verbs
from stepwell.client.views import View, result_view
from stepwell.code.workflow import Workflow
from stepwell.engine.requests import fingerprint
from stepwell.model import commands as c
from stepwell.model.attributes import normal_all
from stepwell.model.base import Json
from stepwell.model.errors import InvalidInput, KeyConflict, KeyTaken, RunFailed, WaitTimeout
from stepwell.model.journal import KeyClaim


@dataclass(frozen=True, slots=True)
class Handle:
    """A started run. `created` is False where the key belonged to a run that was there already."""

    client: StartVerbs
    run_id: str
    created: bool = True

    async def wait(self, timeout: float | None = None) -> View:
        """See `Client.wait`."""
        return await self.client.wait(self.run_id, timeout)

    async def result(self, timeout: float | None = None) -> Any:
        """See `Client.result`."""
        return await self.client.result(self.run_id, timeout)


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
    ) -> Handle:
        """Start a run; it is on record when this returns.

        A definition takes its input as the one argument; a Python workflow the arguments of its function.
        The same `key` with the same definition and input gives the run that is there already; with another one it
        raises `KeyConflict`. `mode` "debug" pauses before every task. `attributes` are
        what the run is searched by (see `list`). Raises `InvalidDefinition`, `InvalidInput`,
        `StoreUnavailable`.
        """
        definition = await self.definition(source)
        await check_subworkflows(self.engine.library, definition)
        if mode not in ("normal", "debug"):
            raise InvalidInput(f"mode must be normal or debug, not {mode!r}")
        if key is not None and not 0 < len(key) <= 1_000:
            raise InvalidInput("a key has 1 to 1,000 characters")
        data = _input(source, args, kwargs or {})
        command = c.StartRun(
            self.engine.ids.run_id(),
            data,
            key=key,
            tags=dict(tags or {}),
            priority=priority,
            mode=mode,
            variables=dict(variables or {}),
            rerun_of=rerun_of,
            attributes=normal_all(attributes or {}),
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
            run_id = await asyncio.wait_for(self._last_of_chain(run_id), timeout)
        except TimeoutError:
            row = await self.engine.row(run_id)
            raise WaitTimeout(
                f"run {run_id} is still {row.status} after {timeout:g} s",
                hint=f"stepwell runs watch {run_id}",
            ) from None
        state = await self.engine.reload(run_id)
        taken = (state.run.ended_at or 0) - state.run.created_at
        return {**result_view(state), "time_taken": taken / 1_000_000}

    async def _last_of_chain(self, run_id: str) -> str:
        """Wait for the run, and for those that it continued as; returns the id of the last one."""
        while True:
            await self.engine.wait(run_id)
            if (await self.engine.row(run_id)).status != "continued":
                return run_id
            run_id = (await self.engine.reload(run_id)).run.continued_to or run_id

    async def result(self, run_id: str, timeout: float | None = None) -> Any:
        """The output of the run (of a Python workflow that is imported here: as its function's annotation says).

        Raises `RunFailed` if it ended otherwise than completed.
        """
        view = await self.wait(run_id, timeout)
        if view["status"] != "completed":
            raise RunFailed(run_id, view["status"], view["error"])
        return self.engine.codebase.result((await self.engine.row(run_id)), view["output"])

    async def run(self, source: Source, *args: Any, **options: Any) -> Any:
        """Start, wait, and give the output. Options as for `start`."""
        handle = await self.start(source, *args, **options)
        return await handle.result()


def _input(source: Source, args: tuple[Any, ...], keywords: Mapping[str, Any]) -> Json:
    """What the run gets. Raises `InvalidInput`."""
    if isinstance(source, Workflow):
        return source.arguments.write(args, keywords)
    if len(args) > 1 or keywords:
        raise InvalidInput("a definition takes one argument: its input")
    return {} if not args or args[0] is None else args[0]
