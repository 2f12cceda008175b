"""Documents in, definitions out. All problems of a document are reported at once, each with its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final

from pydantic_core import to_json

from stepwell.definition.building.approvals import call_policy
from stepwell.definition.building.parts import deadline, failure_policy, input_spec, output_spec, timeout
from stepwell.definition.building.people import hanging, in_order, procedure
from stepwell.definition.building.recourse import hooks, split
from stepwell.definition.building.tasks import TaskBuilder
from stepwell.definition.model import Definition, SubworkflowBody
from stepwell.definition.rules.checker import NOT_SUPPORTED
from stepwell.definition.rules.document import check
from stepwell.definition.source import Source, of_value, read
from stepwell.model.base import Json
from stepwell.model.errors import Finding, InvalidDefinition, NotSupported

NOWHERE: Final = "<definition>"
INCOMPLETE: Final = "incomplete"
"""The code of what a draft still lacks."""


def parse(text: str | bytes, file: str = NOWHERE) -> Definition:
    """A definition from YAML or JSON. Raises `InvalidDefinition`; `NotSupported` where nothing is wrong but
    that it uses what is not done yet."""
    return _definition(read(text, file))


def parse_document(document: Mapping[str, Json], file: str = NOWHERE) -> Definition:
    """The same from a document that was read before. Findings have pointers, but no lines."""
    return _definition(of_value(document, file))


def findings(text: str | bytes, file: str = NOWHERE, *, draft: bool = False) -> list[Finding]:
    """Everything that `parse` would complain of, in document order. Of a draft, what is only missing yet has the code
    `incomplete`."""
    return _findings(read(text, file), draft=draft)


def problems(source: Source, *, draft: bool = False) -> list[Finding]:
    """The same of a document that was read."""
    return _findings(source, draft=draft)


def subworkflows(definition: Definition) -> Sequence[tuple[str, str, str, str]]:
    """(pointer of the task, namespace, name, version) of every workflow that this one starts."""
    return [
        (task.pointer, task.body.namespace, task.body.name, task.body.version)
        for task in definition.tasks.values()
        if isinstance(task.body, SubworkflowBody)
    ]


def follow_ups(definition: Definition) -> Sequence[tuple[str, str, str, str]]:
    """(pointer, namespace, name, version) of every workflow that is started because of what happens in this one."""
    found = [(f"/document/metadata/hooks/{outcome}", given) for outcome, given in definition.hooks.items()]
    for task in definition.tasks.values():
        for strike, rule in (task.options.policy or {}).get("policy", {}).items():
            if "workflow" in rule:
                found.append((f"{task.pointer}/metadata/errorPolicy/{strike}/workflow", rule["workflow"]))
    return [(pointer, *split(reference)) for pointer, reference in found]


def content_hash(document: Json) -> str:
    """SHA-256 (hex) of the canonical JSON of a document: members sorted, no spaces."""
    return sha256(to_json(_sorted(document), inf_nan_mode="constants")).hexdigest()


def _sorted(value: Json) -> Json:
    if isinstance(value, Mapping):
        return {name: _sorted(value[name]) for name in sorted(value)}
    if isinstance(value, list):
        return list(map(_sorted, value))
    return value


def _definition(source: Source) -> Definition:
    found = _findings(source)
    if any(finding.code != NOT_SUPPORTED for finding in found):
        raise InvalidDefinition(found)
    if found:
        raise NotSupported(found)
    return _built(source.value)


def _findings(source: Source, *, draft: bool = False) -> list[Finding]:
    issues = list(source.issues)
    if source.text is not None or not issues:  # it could be read to its end
        issues += check(source.value)
    if draft:
        issues = [issue._replace(code=INCOMPLETE) if issue.lacking else issue for issue in issues]
    return source.findings(issues)


def _built(document: Mapping[str, Json]) -> Definition:
    head = document["document"]
    builder = TaskBuilder(document)
    do = builder.task_list(document["do"], "/do")
    builder.all_functions()
    metadata = head.get("metadata") or {}
    if "procedure" in metadata:
        do = in_order(do)
    return Definition(
        namespace=head["namespace"],
        name=head["name"],
        version=head["version"],
        dsl=head["dsl"],
        do=do,
        document=document,
        hash=content_hash(document),
        title=head.get("title", ""),
        summary=head.get("summary", ""),
        tags=head.get("tags") or {},
        metadata=metadata,
        input=input_spec(document),
        output=output_spec(document),
        timeout=timeout(document, builder.uses),
        secrets=builder.uses.secrets(),
        failure_policy=failure_policy(metadata),
        deadline=deadline(metadata),
        hooks=hooks(metadata),
        procedure=procedure(metadata),
        hanging=hanging(builder.tasks.values()),
        policy=call_policy(metadata.get("policy")),
        tasks=builder.tasks,
    )
