"""What a workflow's code can say: `await flow.sleep(60)`, `await flow.gather(…)`, `flow.now()`, …

from stepwell import flow, step, workflow
"""

from stepwell.code.verbs import (
    Child,
    RunInfo,
    close_stream,
    continue_as_new,
    gather,
    info,
    inside,
    map,
    now,
    on_failure,
    patched,
    race,
    random,
    run,
    set_event,
    sleep,
    start_child,
    uuid,
    wait_for_signal,
    wait_until,
    write_stream,
)

__all__ = [
    "Child",
    "RunInfo",
    "close_stream",
    "continue_as_new",
    "gather",
    "info",
    "inside",
    "map",
    "now",
    "on_failure",
    "patched",
    "race",
    "random",
    "run",
    "set_event",
    "sleep",
    "start_child",
    "uuid",
    "wait_for_signal",
    "wait_until",
    "write_stream",
]
