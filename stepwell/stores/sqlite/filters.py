"""Filters of runs in SQL: a condition for each field of `RunFilter`, and the values that are bound to it.

`{created_at}` and `{id}` in a condition stand for the columns of the way that the listing goes. Tags and statuses
decide on the way itself: see `listing`.
"""

from __future__ import annotations

import json
from typing import Any, Final

from stepwell.model.journal import RunFilter
from stepwell.stores.sqlite import attributes

_CONDITIONS: Final = {
    "name": "runs.name = :name",
    "namespace": "runs.namespace = :namespace",
    "version": "runs.version = :version",
    "parent_id": "runs.parent_id = :parent_id",
    "rerun_of": "runs.rerun_of = :rerun_of",
    "created_after": "{created_at} >= :created_after",
    "created_before": "{created_at} < :created_before",
    "updated_after": "runs.updated_at >= :updated_after",
    "updated_before": "runs.updated_at < :updated_before",
    "ended_after": "runs.ended_at >= :ended_after",
    "ended_before": "runs.ended_at < :ended_before",
    "overdue_at": "runs.open = 1 AND runs.due_at <= :overdue_at",
    "code": "runs.code = :code",
    "key": "runs.key = :key",
    "lease_before": "runs.lease_until <= :lease_before",
    "error_type": "CASE WHEN json_valid(runs.error) THEN json_extract(runs.error, '$.type') = :error_type"
    " OR substr(json_extract(runs.error, '$.type'), -length(:error_type) - 1) = '/' || :error_type END",
    "id_prefix": "runs.id >= :id_prefix AND runs.id < :id_prefix || char(1114111)",
    "owners": "runs.owner IN (SELECT value FROM json_each(:owners))",
    "not_owners": "runs.code IS NOT 'steps'"
    " AND (runs.owner IS NULL OR runs.owner NOT IN (SELECT value FROM json_each(:not_owners)))",
}


def conditions_of(where: RunFilter) -> list[str]:
    """What a row has to fulfil besides tags and status."""
    found = [text for field, text in _CONDITIONS.items() if getattr(where, field) is not None]
    if where.where is not None:
        found.append(attributes.condition(where.where).sql)
    if where.open is None:
        return found
    # A run that waits in a queue is open too (2), but nobody's: no engine is to carry it on yet.
    is_open = "runs.open = 1" if of_engines(where) else "runs.open <> 0"
    return [*found, is_open if where.open else "runs.open = 0"]


def of_engines(where: RunFilter) -> bool:
    """It asks for runs that an engine carries on, or should."""
    return where.owners is not None or where.not_owners is not None or where.overdue_at is not None


def values_of(where: RunFilter) -> dict[str, Any]:
    """The values of the conditions, those of the tags included."""
    values = {field: value for field in _CONDITIONS if (value := getattr(where, field)) is not None}
    for field in ("owners", "not_owners"):
        if field in values:
            values[field] = json.dumps(list(values[field]))
    for number, (name, value) in enumerate(where.tags.items()):
        values[f"tag{number}"], values[f"value{number}"] = name, value
    return values | attributes.condition(where.where).values if where.where is not None else values
