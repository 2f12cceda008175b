"""A workflow that a step runs: started once, however often it is asked for, and waited for."""

from __future__ import annotations

import asyncio
import logging
from typing import Final, Protocol

from stepwell.definition.model import Definition
from stepwell.engine.library import Library
from stepwell.engine.requests import fingerprint
from stepwell.model import commands as c
from stepwell.model import problem
from stepwell.model.actions import ChildAction, Failed, Outcome, Succeeded
from stepwell.model.base import Duration
from stepwell.model.errors import (
    InvalidDefinition,
    InvalidInput,
    KeyConflict,
    KeyTaken,
    NotFound,
    SeqConflict,
    StepwellError,
    StoreUnavailable,
)
from stepwell.model.journal import KeyClaim, RunRow
from stepwell.model.problem import Problem
from stepwell.model.records import State
from stepwell.model.states import RunStatus
from stepwell.ports import Clock, Store

log = logging.getLogger("stepwell.engine")

DEEPEST: Final = 32
"""How many workflows may be inside each other."""

SOON: Final[Duration] = 10_000
"""How long to wait for a run that is going on as another one just now."""

RETRY_AFTER: Final[Duration] = 1_000_000
"""How long to wait for a store that is sick."""


class Family(Protocol):
    """What this needs of the engine."""

    store: Store
    library: Library
    clock: Clock
    closing: bool

    async def start(
        self, definition: Definition, command: c.StartRun, claim: KeyClaim | None = None
    ) -> None: ...

    async def command(self, run_id: str, command: c.Command) -> None: ...

    async def wait(self, run_id: str) -> object: ...

    async def row(self, run_id: str) -> RunRow: ...

    async def reload(self, run_id: str) -> State: ...

    async def recover(self, only: str | None = None) -> int: ...


async def perform_child(family: Family, action: ChildAction, parent_id: str, parent_step: str) -> Outcome:
    """Start the child, and wait for its end if the action says so. Cancelling this cancels the child."""
    if action.depth > DEEPEST:
        return Failed(problem.runtime(f"more than {DEEPEST} workflows are inside each other"))
    while True:
        try:
            return await _follow(family, action, parent_id, parent_step)
        except StoreUnavailable as error:
            log.warning("run %s: %s; trying again", action.run_id, error)
            await family.clock.wait_until(family.clock.now() + RETRY_AFTER)
        except NotFound as error:
            return Failed(problem.configuration(str(error)))
        except (InvalidDefinition, InvalidInput) as error:
            return Failed(problem.validation(str(error)))
        except StepwellError as error:
            return Failed(problem.runtime(str(error)))


async def _follow(family: Family, action: ChildAction, parent_id: str, parent_step: str) -> Outcome:
    run_id = action.run_id
    try:
        run_id = await _start(family, action, parent_id, parent_step)
        if not action.wait:
            return Succeeded({"run_id": run_id} if action.start else action.input)
        while True:
            await family.wait(run_id)
            state = await family.reload(run_id)
            if state.run.continued_to is None:
                return _outcome(state)
            run_id = state.run.continued_to
    except asyncio.CancelledError:
        wanted = action.wait or "continued_from" in action.start
        if wanted and not family.closing:  # then both go on when the store is opened again
            await _cancel(family, run_id)
        raise


async def _start(family: Family, action: ChildAction, parent_id: str, parent_step: str) -> str:
    """Returns the id of the run: another one than was asked for if the key that was given belongs to it."""
    if await family.store.row(action.run_id) is not None:  # before a crash, or a retry of the parent
        await family.recover(only=action.run_id)
        return action.run_id
    definition = await family.library.find(action.namespace, action.name, action.version)
    if "continued_from" not in action.start and (
        wrong := family.library.input_problems(definition, action.input)
    ):
        raise InvalidInput(f"{definition.reference} does not take this input: {'; '.join(wrong)}")
    command = _command(action, parent_id, parent_step)
    if command.queue is not None and command.queue not in (known := await family.store.queues.names()):
        raise NotFound(f"there is no queue {command.queue!r}: known are {', '.join(sorted(known))}")
    key = (
        None if command.continued_from is not None else command.key
    )  # the first run of the chain has claimed it
    claim = KeyClaim(key, fingerprint(definition, action.input)) if key is not None else None
    try:
        await family.start(definition, command, claim)
    except SeqConflict:  # another engine started it first
        log.info("run %s was started by another engine", action.run_id)
    except KeyTaken as taken:
        if claim is None or taken.fingerprint != claim.fingerprint:
            raise KeyConflict(f"key {key!r} was used for run {taken.run_id}, with another input") from None
        await family.recover(only=taken.run_id)
        return taken.run_id
    return action.run_id


def _command(action: ChildAction, parent_id: str, parent_step: str) -> c.StartRun:
    start = {"author": action.author, **action.start}
    if "continued_from" in action.start:  # no child, but the same workflow once more
        return c.StartRun(action.run_id, action.input, depth=action.depth, **start)
    return c.StartRun(
        action.run_id,
        action.input,
        parent_id=parent_id,
        parent_step=parent_step,
        depth=action.depth,
        detached=not action.wait,
        **start,
    )


async def _cancel(family: Family, run_id: str) -> None:
    """The parent wants it no more: cancel, and let it settle."""
    while True:
        try:
            await family.command(run_id, c.CancelRun("the workflow that started it was cancelled"))
            await family.wait(run_id)
            return
        except StoreUnavailable:
            await family.clock.wait_until(family.clock.now() + RETRY_AFTER)
        except NotFound:
            return
        except StepwellError as refused:  # it has ended by itself, or goes on as another one
            following = (await family.reload(run_id)).run.continued_to
            if following is None and not refused.retry:
                return
            if following is None:
                await family.clock.wait_until(family.clock.now() + SOON)
            run_id = following or run_id


def _outcome(state: State) -> Outcome:
    run = state.run
    if run.status is RunStatus.COMPLETED:
        return Succeeded(run.output)
    if run.error is not None:
        found = run.error
        detail = f"run {run.id} of {run.namespace}/{run.name}: {found.detail or found.title}"
        return Failed(Problem(found.type, found.status, found.title, detail, None, found.exception))
    return Failed(problem.runtime(f"run {run.id} of {run.namespace}/{run.name} was {run.status}"))
