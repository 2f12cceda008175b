"""What a workflow's code can say: `await flow.sleep(60)`, `await flow.gather(…)`, `flow.now()`, …

from stepwell import flow, step, workflow
"""

from stepwell.code.others import Child, continue_as_new, run, start_child
from stepwell.code.verbs import (
    RunInfo,
    close_stream,
    gather,
    info,
    inside,
    map,
    now,
    on_failure,
    patched,
    race,
    random,
    set_attributes,
    set_event,
    signal,
    sleep,
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
    "set_attributes",
    "set_event",
    "signal",
    "sleep",
    "start_child",
    "uuid",
    "wait_for_signal",
    "wait_until",
    "write_stream",
]
