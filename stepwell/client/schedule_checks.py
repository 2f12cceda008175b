"""Whether a schedule's next start will go through, and what `doctor` says of those that will not."""

from __future__ import annotations

from stepwell.client.starting import check_subworkflows
from stepwell.definition.model import Definition
from stepwell.engine.library import Library
from stepwell.engine.reading import Reading
from stepwell.model.errors import StepwellError, StoreError
from stepwell.model.journal import StoreFinding
from stepwell.model.schedules import Orders


async def scheduled_definition(library: Library, orders: Orders) -> Definition:
    """The definition that a slot starts now. Raises `NotFound`."""
    if orders.definition is not None:
        return await library.get(orders.definition)
    namespace, _, name = orders.reference.rpartition("/")
    return await library.find(namespace, name, "latest")


async def problem_of(library: Library, orders: Orders) -> str | None:
    """Why the next start will fail, as far as that can be known now."""
    try:
        await check_subworkflows(library, await scheduled_definition(library, orders))
    except StepwellError as error:
        return error.message
    return None


async def schedule_findings(engine: Reading) -> list[StoreFinding]:
    """Every schedule that cannot start its next run (an error), or could not start its last one (a notice)."""
    findings = []
    try:
        schedules = await engine.store.schedules.all()
    except StoreError as error:
        return [StoreFinding("schedules_unreadable", None, error.message, error.hint)]
    for schedule in schedules:
        problem = await problem_of(engine.library, schedule.orders)
        if problem is not None:
            action = f"set it anew with a definition: stepwell schedules set {schedule.name} FILE"
            findings.append(
                StoreFinding("schedule_broken", None, f"schedule {schedule.name}: {problem}", action)
            )
        elif schedule.last_error is not None:
            message = f"schedule {schedule.name}: its last start failed: {schedule.last_error}"
            action = f"mend what it names, then: stepwell schedules trigger {schedule.name}"
            findings.append(StoreFinding("schedule_failing", None, message, action))
    return findings
