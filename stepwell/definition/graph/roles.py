"""What a task is in the graph of its definition (SPEC S7)."""

from __future__ import annotations

from enum import StrEnum

from stepwell.definition.model import AttendedBody, SubworkflowBody, SwitchBody, Task


class Role(StrEnum):
    """A node can have several. `conditional`: it is not always done, or leads one of several ways. `split`: several
    ways lead on from it; `join`: several lead to it."""

    START = "start"
    END = "end"
    TASK = "task"
    CONDITIONAL = "conditional"
    SPLIT = "split"
    JOIN = "join"
    SUB_WORKFLOW = "sub_workflow"
    VERIFICATION = "verification"
    SECTION = "section"


def roles(task: Task, coming: int, leading: int) -> tuple[Role, ...]:
    """`coming`, `leading`: how many others lead to it, and it leads to."""
    body = task.body
    found = {
        Role.CONDITIONAL: task.if_ is not None or isinstance(body, SwitchBody),
        Role.SPLIT: leading > 1,
        Role.JOIN: coming > 1,
        Role.SUB_WORKFLOW: isinstance(body, SubworkflowBody),
        Role.VERIFICATION: isinstance(body, AttendedBody) and body.verdict,
    }
    return (Role.TASK, *(role for role, holds in found.items() if holds))
