"""JSON Schema: checks values, and schemas themselves. Nothing is ever fetched."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Final, NoReturn

import jsonschema_rs

from stepwell.model.base import Json

_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
_DRAFTS: Final[dict[str, Any]] = {
    _DRAFT: jsonschema_rs.Draft202012Validator,
    "https://json-schema.org/draft/2019-09/schema": jsonschema_rs.Draft201909Validator,
    "http://json-schema.org/draft-07/schema": jsonschema_rs.Draft7Validator,
    "http://json-schema.org/draft-06/schema": jsonschema_rs.Draft6Validator,
    "http://json-schema.org/draft-04/schema": jsonschema_rs.Draft4Validator,
}
_LONGEST_MESSAGE: Final = 300
_MOST_VIOLATIONS: Final = 100
_CACHED: Final = 1000

_validators: dict[int, tuple[Json, Any]] = {}


def check(schema: Json, value: Json) -> tuple[str, ...]:
    """All violations (the first hundred), each as `at /path: message`; none where the value is valid.

    Raises `ValueError` for a schema that `schema_errors` complains of.
    """
    try:
        errors = list(_violations(_validator(schema).iter_errors(value)))
    except ValueError as error:
        return (f"at /: it cannot be checked: {_short(str(error))}",)
    return tuple(f"at {pointer(path)}: {_message(message, value, path)}" for path, message in errors)


def schema_errors(schema: Json) -> tuple[str, ...]:
    """What is wrong with a schema, in the form of `check`."""
    if not isinstance(schema, dict | bool):
        return ("at /: a schema is an object, true or false",)
    draft = schema.get("$schema", _DRAFT) if isinstance(schema, dict) else _DRAFT
    if not isinstance(draft, str) or draft.removesuffix("#") not in _DRAFTS:
        return (f"at /$schema: {_short(repr(draft))} is not a draft of JSON Schema that is known here",)
    try:
        found = _violations(_meta(draft.removesuffix("#")).iter_errors(schema))
        errors = [f"at {pointer(path)}: {_short(message)}" for path, message in found]
        if not errors:
            _compile(schema)
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        errors = [f"at /: {_reason(error)}"]
    return tuple(errors)


def pointer(path: Sequence[str | int]) -> str:
    """A JSON pointer; `/` alone stands for the whole value, so that messages read well."""
    return "/" + "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in path)


def _validator(schema: Json) -> Any:
    """Compiled once per schema object; the object is kept, so that its identity stays its own."""
    found = _validators.get(id(schema))
    if found is None:
        if len(_validators) >= _CACHED:
            _validators.clear()
        found = _validators[id(schema)] = (schema, _compile(schema))
    return found[1]


def _compile(schema: Json) -> Any:
    """Raises `ValueError`."""
    try:
        return jsonschema_rs.validator_for(schema, retriever=_refuse)
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as error:
        raise ValueError(_reason(error)) from None


@cache
def _meta(draft: str) -> Any:
    return _DRAFTS[draft]({"$ref": draft}, retriever=_refuse)


def _refuse(uri: str) -> NoReturn:
    raise LookupError(f"{uri} is not fetched: put what it holds under $defs")


def _violations(errors: Iterable[Any]) -> Iterable[tuple[list[str | int], str]]:
    for count, error in enumerate(errors):
        if count == _MOST_VIOLATIONS:
            return
        yield error.instance_path, error.message


def _message(message: str, value: Json, path: Sequence[str | int]) -> str:
    for part in path:
        value = value[part]
    if isinstance(value, float) and not math.isfinite(value):
        return f"{value} is not a number that JSON knows"
    return _short(message)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_MESSAGE else text[:_LONGEST_MESSAGE] + "…"


def _reason(error: Exception) -> str:
    return _short(str(error).partition("\n")[0])
