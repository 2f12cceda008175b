from __future__ import annotations

import math
import socket

import pytest

from stepwell.definition.schema import check, schema_errors

PERSON = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string"}, "age": {"type": "integer", "maximum": 150}},
}


@pytest.mark.spec("Q14")
def test_all_violations_at_once():
    assert check(PERSON, {"name": "Ada", "age": 36}) == ()
    found = check(PERSON, {"age": 200})
    assert len(found) == 2
    assert any(each.startswith("at /age: ") for each in found)
    assert any('"name" is a required property' in each for each in found)


def test_any_value_is_answered():
    assert check({"type": "integer"}, 2**70) == ()
    assert check({"type": "integer", "maximum": 5}, 2**70) != ()
    assert "nan is not a number" in check({"type": "number"}, math.nan)[0]
    assert check({"properties": {"a": {"type": "number"}}}, {"a": math.inf})[0].startswith("at /a: inf")
    deep = None
    for _ in range(2000):
        deep = [deep]
    assert isinstance(check({"type": "object"}, deep), tuple)


@pytest.mark.parametrize(
    "schema",
    [{"type": "strin"}, 5, "x", None, {"minimum": "a"}, {"pattern": "("}, {"$ref": "#/nowhere"}, {"$schema": "http://x/y"}],
)  # fmt: skip
def test_bad_schemas_are_found(schema):
    assert schema_errors(schema)


@pytest.mark.parametrize("uri", ["http://127.0.0.1:9/x", "https://example.com/s.json", "file:///etc/passwd"])
def test_nothing_is_fetched(uri):
    (complaint,) = schema_errors({"$ref": uri})
    assert f"{uri} is not fetched" in complaint
    assert f"{uri} is not fetched" in check({"$ref": uri}, 1)[0]


def test_not_even_from_a_server_that_is_there():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        check({"$ref": f"http://127.0.0.1:{server.getsockname()[1]}/schema.json"}, 1)
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.parametrize(
    "schema", [True, {}, PERSON, {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"}]
)
def test_good_schemas_are_fine(schema):
    assert schema_errors(schema) == ()


def test_a_slow_pattern_does_not_hang():
    check({"pattern": "^(a+)+$"}, "a" * 60 + "b")
