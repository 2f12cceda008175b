"""What functions return, as JSON: no value changes."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import pathlib
import uuid
from typing import Any, NamedTuple

import pytest

from stepwell.workers.results import NotJson, jsonable


class Color(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 2**70


class Word(enum.StrEnum):
    YES = "yes"


class Text(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "not this"


class Pair(NamedTuple):
    a: int
    b: Any


@dataclasses.dataclass
class Item:
    name: str
    color: Color


AT = datetime.datetime(2024, 1, 2, 3, 4, 5, 678, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("value", "json"),
    [
        (None, None),
        (True, True),
        (10**50, 10**50),
        ({"a": [1, {"b": ()}]}, {"a": [1, {"b": []}]}),
        (Color.RED, "red"),
        (Level.HIGH, 2**70),
        (Word.YES, "yes"),
        ({Word.YES: 1}, {"yes": 1}),
        (Text("this"), "this"),
        ({Text("this"): 1}, {"this": 1}),
        (Pair(1, Color.RED), [1, "red"]),
        (Item("a", Color.RED), {"name": "a", "color": "red"}),
        (AT, "2024-01-02T03:04:05.000678+00:00"),
        (AT.date(), "2024-01-02"),
        (decimal.Decimal("1.10"), "1.10"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (pathlib.PurePosixPath("/a/b"), "/a/b"),
        ({"n": float("inf")}, {"n": float("inf")}),
    ],
)
def test_values(value, json):
    result = jsonable(value)
    assert result == json
    assert type(result) is type(json)


def test_pydantic_models():
    pydantic = pytest.importorskip("pydantic", reason="pydantic is not installed, nor needed")
    model = pydantic.create_model("Model", at=datetime.datetime, big=int)
    assert jsonable([model(at=AT, big=2**80)]) == [{"at": "2024-01-02T03:04:05.000678+00:00", "big": 2**80}]


def test_containers_are_copied():
    inner = [1]
    result = jsonable({"a": inner})
    inner.append(2)
    assert result == {"a": [1]}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [0, {1, 2}]}, "a set at $.a[1]"),
        ({"a": b"x"}, "a bytes at $.a"),
        ({"a": {1: 2}}, "a key of type int at $.a"),
        ([print], "a builtin_function_or_method at $[0]"),
        ({"c": Color}, "a enum.EnumType at $.c"),
        ({"i": [Item("a", object())]}, "a object at $.i[0].color"),
        (Item, "a type at $"),
    ],
)
def test_what_json_cannot_hold(value, text):
    with pytest.raises(NotJson) as caught:
        jsonable(value)
    assert text in str(caught.value)


def test_what_holds_itself():
    value: list[Any] = []
    value.append(value)
    with pytest.raises(NotJson, match="holds itself"):
        jsonable(value)
