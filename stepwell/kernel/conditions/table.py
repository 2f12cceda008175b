"""The rules of every kind of leaf."""

from __future__ import annotations

from typing import Final

from stepwell.definition.conditions import ConditionKind
from stepwell.kernel.conditions import event, expression, http, job, series, timer, webhook
from stepwell.kernel.conditions.leaf import Rules

LEAVES: Final[dict[ConditionKind, Rules]] = {
    ConditionKind.TIMER: timer.RULES,
    ConditionKind.EXPRESSION: expression.RULES,
    ConditionKind.HTTP: http.RULES,
    ConditionKind.SERIES: series.RULES,
    ConditionKind.WEBHOOK: webhook.RULES,
    ConditionKind.JOB: job.RULES,
    ConditionKind.EVENT: event.RULES,
}
