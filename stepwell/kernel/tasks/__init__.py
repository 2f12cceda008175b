"""One small module per kind of task: what it does when it begins, and when a list inside it is through.

`HANDLERS` is the switchboard. A handler may raise `Fault`: the step then fails with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from stepwell.definition.model import Task, TaskKind
from stepwell.kernel.data import View
from stepwell.kernel.ruling import Ruling
from stepwell.kernel.tasks import (
    attended,
    call,
    do,
    for_,
    fork,
    function,
    raise_,
    run,
    set_,
    switch,
    try_,
    wait,
)
from stepwell.model.actions import Action
from stepwell.model.records import Scope, Step

Enter = Callable[[Ruling, Step, Task, View], None]
Done = Callable[[Ruling, Step, Scope], None]
Act = Callable[[Ruling, Step, Task, View], Action]


class Handler(NamedTuple):
    """`enter`: the step has started. `done`: a list inside it is through. `action`: what a worker has to do for it;
    a kind has this or `enter`."""

    enter: Enter | None = None
    done: Done | None = None
    action: Act | None = None


HANDLERS: Final[dict[str, Handler]] = {
    TaskKind.SET: Handler(set_.enter),
    TaskKind.DO: Handler(do.enter, do.done),
    TaskKind.SWITCH: Handler(switch.enter),
    TaskKind.FOR: Handler(for_.enter, for_.done),
    TaskKind.FORK: Handler(fork.enter, fork.done),
    TaskKind.TRY: Handler(try_.enter, try_.done),
    TaskKind.RAISE: Handler(raise_.enter),
    TaskKind.WAIT: Handler(wait.enter),
    TaskKind.RUN_SHELL: Handler(action=run.shell),
    TaskKind.RUN_WORKFLOW: Handler(action=run.child),
    TaskKind.CALL_HTTP: Handler(action=call.http),
    TaskKind.CALL_PYTHON: Handler(action=call.python),
    TaskKind.CALL_FUNCTION: Handler(function.enter, function.done),
    TaskKind.CALL_FORM: Handler(attended.form, attended.done),
    TaskKind.CALL_APPROVAL: Handler(attended.approval, attended.done),
    TaskKind.CALL_CONDITION: Handler(attended.condition, attended.done),
    TaskKind.ACTION_SET: Handler(attended.set_variables),
    TaskKind.ACTION_NOTIFY: Handler(action=attended.notify),
}
