"""What is checked before a definition is stored, and before a run of it is started: the workflows that it runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from stepwell.definition.model import Definition, SubworkflowBody
from stepwell.definition.parse import follow_ups
from stepwell.definition.semver import LATEST, matches, semver_key
from stepwell.engine.children import DEEPEST
from stepwell.engine.library import Library
from stepwell.model.errors import Finding, InvalidDefinition, NotFound

Reference = tuple[str, str, str]


async def check_subworkflows(library: Library, definition: Definition, *, adding: bool = False) -> None:
    """Every workflow that this one runs is known (unless it is only `adding` it: they may come later), takes the input
    that it is given where that is constant, and none runs itself again. Raises `InvalidDefinition`: all of it."""
    if not (definition.tasks or definition.hooks):
        return
    if definition.code is not None and not (definition.driven or definition.hooks):
        return  # its task only stands for it
    look = _Look(library, definition, adding)
    depth = await look.into(definition, (), "")
    findings = look.findings
    if depth > DEEPEST:
        message = f"{depth} workflows are inside each other; {DEEPEST} may be"
        findings.append(Finding("too-deep", message, look.deepest))
    if not adding:
        for wanted in follow_ups(definition):
            findings += [f for f in [await _unknown(library, *wanted)] if f is not None]
    if findings:
        raise InvalidDefinition(findings)


class _Child(NamedTuple):
    pointer: str
    body: SubworkflowBody

    @property
    def reference(self) -> Reference:
        return self.body.namespace, self.body.name, self.body.version


def children(definition: Definition) -> Iterator[_Child]:
    """The workflows that it runs."""
    for task in definition.tasks.values():
        if isinstance(task.body, SubworkflowBody):
            yield _Child(task.pointer, task.body)


class _Look:
    """Goes once through every workflow that can be reached; each way back into one that is still being looked at is a
    circle of its own."""

    def __init__(self, library: Library, new: Definition, adding: bool) -> None:
        self.findings: list[Finding] = []
        self.deepest = ""
        self._library, self._new, self._adding = library, new, adding
        self._depths: dict[str, int] = {}

    async def into(self, definition: Definition, above: tuple[str, ...], pointer: str) -> int:
        """How many workflows are inside each other from here on. `pointer`: of the task of the new definition that
        leads here."""
        trail = (*above, definition.reference)
        if len(trail) > DEEPEST + 1:
            return 1
        depth = 1
        for child in children(definition):
            found = await self._find(child, definition)
            if found is None:
                continue
            at = pointer or child.pointer
            if found.reference in trail:
                circle = " → ".join([*trail[trail.index(found.reference) :], found.reference])
                message = f"workflows run each other in a circle: {circle}"
                self.findings.append(Finding("cyclic-workflow", message, at))
                continue
            if definition is self._new:
                self._check_input(child, found)
            known = self._depths.get(found.reference)
            if known is None:
                known = self._depths[found.reference] = await self.into(found, trail, at)
            if known + 1 > depth:
                depth, self.deepest = known + 1, at if definition is self._new else self.deepest
        return depth

    async def _find(self, child: _Child, definition: Definition) -> Definition | None:
        """The new definition itself, where it will be what is meant."""
        try:
            stored = await self._library.find(*child.reference)
        except NotFound as missing:
            if self._is_new(child):
                return self._new
            if not self._adding and definition is self._new:
                self.findings.append(_missing(child.pointer, child.reference, missing))
            elif not self._adding:
                message = f"{definition.reference} runs {_text(child.reference)}, which is not known"
                self.findings.append(Finding("unknown-workflow", message, hint=missing.hint))
            return None
        if self._is_new(child) and semver_key(self._new.version) >= semver_key(stored.version):
            return self._new
        return stored

    def _is_new(self, child: _Child) -> bool:
        named = child.reference[:2] == (self._new.namespace, self._new.name)
        return named and (child.body.version == LATEST or matches(self._new.version, child.body.version))

    def _check_input(self, child: _Child, found: Definition) -> None:
        given = child.body.input
        if given is None or not given.constant:
            return
        for problem in self._library.input_problems(found, given.source):
            message = f"{found.reference} does not take this input: {problem}"
            self.findings.append(Finding("workflow-input", message, f"{child.pointer}/run/workflow/input"))


async def _unknown(library: Library, pointer: str, namespace: str, name: str, version: str) -> Finding | None:
    try:
        await library.find(namespace, name, version)
    except NotFound as missing:
        return _missing(pointer, (namespace, name, version), missing)
    return None


def _missing(pointer: str, reference: Reference, missing: NotFound) -> Finding:
    return Finding(
        "unknown-workflow", f"workflow {_text(reference)} is not known", pointer, hint=missing.hint
    )


def _text(reference: Reference) -> str:
    namespace, name, version = reference
    return f"{namespace}/{name}:{version}"
