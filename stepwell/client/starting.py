"""What is checked before a run is started."""

from __future__ import annotations

from stepwell.definition.model import Definition
from stepwell.definition.parse import follow_ups, subworkflows
from stepwell.engine.library import Library
from stepwell.model.errors import Finding, InvalidDefinition, NotFound


async def check_subworkflows(library: Library, definition: Definition) -> None:
    """Every workflow that this one runs is known, and none runs itself again. Raises `InvalidDefinition`."""
    findings = await _circles(library, definition, ())
    findings += [
        f for f in [await _unknown(library, *wanted) for wanted in follow_ups(definition)] if f is not None
    ]
    if findings:
        raise InvalidDefinition(findings)


async def _circles(library: Library, definition: Definition, above: tuple[str, ...]) -> list[Finding]:
    trail = (*above, definition.reference)
    findings: list[Finding] = []
    for pointer, namespace, name, version in subworkflows(definition):
        unknown = await _unknown(library, pointer, namespace, name, version)
        if unknown is not None:
            findings.append(unknown)
            continue
        child = await library.find(namespace, name, version)
        if child.reference in trail:
            circle = " → ".join([*trail[trail.index(child.reference) :], child.reference])
            findings.append(
                Finding("cyclic-workflow", f"workflows run each other in a circle: {circle}", pointer)
            )
        else:
            findings += await _circles(library, child, trail)
    return findings


async def _unknown(library: Library, pointer: str, namespace: str, name: str, version: str) -> Finding | None:
    try:
        await library.find(namespace, name, version)
    except NotFound as missing:
        wanted = f"{namespace}/{name}:{version}"
        return Finding("unknown-workflow", f"workflow {wanted} is not known", pointer, hint=missing.hint)
    return None
