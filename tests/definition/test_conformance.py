"""The standard's own documents: its examples, its invalid fixtures, the definitions of its conformance kit."""

from __future__ import annotations

import re
import textwrap

import pytest

from stepwell.definition.parse import parse
from stepwell.model.errors import InvalidDefinition, NotSupported
from tests.definition.helpers import STANDARD, needs_standard

pytestmark = [needs_standard, pytest.mark.spec("B2")]

NOT_YET = {
    "accumulate-room-readings": ["listen", "OpenAPI", "OpenAPI"],
    "authentication-oauth2": ["OAuth2"],
    "authentication-oauth2-secret": ["OAuth2"],
    "authentication-oidc": ["OpenID"],
    "authentication-oidc-secret": ["OpenID"],
    "call-asyncapi-publish": ["AsyncAPI"],
    "call-asyncapi-subscribe-consume-amount": ["AsyncAPI"],
    "call-asyncapi-subscribe-consume-forever-foreach": ["AsyncAPI", "emit"],
    "call-asyncapi-subscribe-consume-until": ["AsyncAPI"],
    "call-asyncapi-subscribe-consume-while": ["AsyncAPI"],
    "call-custom-function-cataloged": ["addresses"],
    "call-grpc": ["gRPC"],
    "call-mcp": ["MCP"],
    "call-openapi": ["OpenAPI"],
    "call-openapi-redirect": ["OpenAPI"],
    "emit": ["emit"],
    "for": ["listen"],
    "listen-to-all": ["listen"],
    "listen-to-all read-envelope": ["listen"],
    "listen-to-any": ["listen"],
    "listen-to-any-filter": ["listen"],
    "listen-to-any-forever-foreach": ["listen"],
    "listen-to-any-until-condition": ["listen"],
    "listen-to-any-until-consumed": ["listen"],
    "listen-to-one": ["listen"],
    "mock-service-extension": ["extensions"],
    "run-container": ["containers"],
    "run-container-cleanup-always": ["containers"],
    "run-container-cleanup-eventually": ["containers"],
    "run-container-stdin-and-arguments": ["containers"],
    "run-container-with-name": ["containers"],
    "run-container-with-pull-policy": ["containers"],
    "run-return-all": ["containers"],
    "run-return-code": ["containers"],
    "run-return-none": ["containers"],
    "run-return-stderr": ["containers"],
    "run-script-with-stdin-and-arguments": ["scripts"],
    "schedule-event-driven": ["schedules"],
    "set": ["schedules"],
    "set-expression": ["schedules"],
    "try-catch-then": ["emit"],
}
"""Examples that cannot run yet, and the features that they are refused for, in their order."""

EXAMPLES = sorted(STANDARD.glob("examples/*.yaml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples(path):
    features = NOT_YET.get(path.stem)
    if features is None:
        assert parse(path.read_bytes(), path.name).tasks
        return
    with pytest.raises(NotSupported) as caught:
        parse(path.read_bytes(), path.name)
    found = caught.value.findings
    assert len(found) == len(features)
    assert all(feature in finding.message for feature, finding in zip(features, found, strict=True))


def test_the_table_names_no_stranger():
    assert {path.stem for path in EXAMPLES} >= set(NOT_YET)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("extra-property-in-call", [("unknown-property", 12, 7)]),
        (
            "listen-any-until-any-until",
            [("duplicate-key", 7, 1), ("not-supported", 9, 7), ("unknown-property", 14, 13)],
        ),
        ("two-tasks-in-one-item", [("task-item", 12, 5)]),
    ],
)
def test_invalid_fixtures(name, expected):
    path = STANDARD / "invalid" / f"{name}.yaml"
    with pytest.raises(InvalidDefinition) as caught:
        parse(path.read_bytes(), path.name)
    assert not isinstance(caught.value, NotSupported)
    assert [(f.code, f.line, f.column) for f in caught.value.findings] == expected


def _kit():
    for path in sorted(STANDARD.glob("ctk/features/*.feature")):
        for number, text in enumerate(
            re.findall(r'definition:\s*"""yaml\n(.*?)"""', path.read_text(), re.DOTALL)
        ):
            yield pytest.param(textwrap.dedent(text), id=f"{path.stem}-{number}")


@pytest.mark.parametrize("text", list(_kit()))
def test_definitions_of_the_conformance_kit(text):
    try:
        assert parse(text).tasks
    except NotSupported as refused:
        assert {f.message.split(":")[0] for f in refused.findings} <= {"emit tasks", "OpenAPI calls (`call"}
