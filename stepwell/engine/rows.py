"""The index row of a run, made from its state: what the store writes beside a turn, and `doctor --rebuild` again."""

from __future__ import annotations

from stepwell.model.journal import RunRow
from stepwell.model.records import Run


def row_of(run: Run) -> RunRow:
    """Everything but the owner, which is the store's business."""
    return RunRow(
        id=run.id,
        namespace=run.namespace,
        name=run.name,
        version=run.version,
        definition_hash=run.definition_hash,
        status=run.status.value,
        created_at=run.created_at,
        updated_at=run.updated_at or run.created_at,
        ended_at=run.ended_at,
        priority=run.priority,
        tags=run.tags,
        key=run.key,
        parent_id=run.parent_id,
        rerun_of=run.rerun_of,
        error=run.error.as_json() if run.error is not None else None,
        attributes=run.attributes,
        code=run.code,
    )
