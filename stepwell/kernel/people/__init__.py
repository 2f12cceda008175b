"""The rules of steps that people do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from stepwell.kernel.people import ending, life, watching
from stepwell.kernel.people.repeat import repeat
from stepwell.kernel.ruling import Ruling
from stepwell.model import people_commands as p

COMMANDS: Final[dict[type[Any], Callable[[Ruling, Any], None]]] = {
    p.UpdateStep: life.update,
    p.RepeatStep: repeat,
    p.AssignStep: life.assign,
    p.SetFields: ending.set_fields,
    p.EndRun: ending.end,
    p.ReportCondition: watching.report,
}
