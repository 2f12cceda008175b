"""The empty object that all records share: nobody writes into it, and it is an empty object in every other way."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from pydantic_core import to_json

from stepwell.model.base import nothing, own


def assign(given: dict[str, Any]) -> None:
    given["a"] = 1


def merge(given: dict[str, Any]) -> None:
    given |= {"a": 1}


WRITING: dict[str, Callable[[dict[str, Any]], object]] = {
    "[]=": assign,
    "|=": merge,
    "update": lambda given: given.update({"a": 1}),
    "update by keyword": lambda given: given.update(a=1),
    "update by pairs": lambda given: given.update([("a", 1)]),
    "setdefault": lambda given: given.setdefault("a", 1),
    "setdefault to None": lambda given: given.setdefault("a"),
}


@pytest.mark.parametrize("write", WRITING.values(), ids=WRITING)
def test_nobody_writes_into_it(write: Callable[[dict[str, Any]], object]) -> None:
    with pytest.raises(TypeError, match="everybody's empty object"):
        write(nothing())
    assert nothing() == {}


def remove(given: dict[str, Any]) -> None:
    del given["a"]


def test_what_takes_away_finds_nothing_and_does_no_harm() -> None:
    for missing in (remove, lambda given: given.pop("a"), dict.popitem, lambda given: given.popitem()):
        with pytest.raises(KeyError):
            missing(nothing())
    assert nothing().pop("a", 1) == 1
    nothing().clear()
    assert nothing() == {}


def test_it_is_an_empty_object() -> None:
    assert nothing() is nothing()
    assert nothing() == {} and dict.__eq__({}, nothing()) and not nothing() and len(nothing()) == 0
    assert json.dumps(nothing()) == "{}" and to_json(nothing()) == b"{}"
    assert isinstance(nothing(), dict)


COPYING: dict[str, Callable[[dict[str, Any]], Any]] = {
    "copy.copy": copy.copy,
    "copy.deepcopy": copy.deepcopy,
    "copy.deepcopy of what holds it": lambda given: copy.deepcopy([given])[0],
    **{
        f"pickle {protocol}": lambda given, protocol=protocol: pickle.loads(pickle.dumps(given, protocol))
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
    },
    "dict.copy": lambda given: given.copy(),
    "dict": dict,
    "**": lambda given: {**given},
    "|": lambda given: given | {},
    "own": own,
    "own of what holds it": lambda given: own({"a": given})["a"],
}


@pytest.mark.parametrize("copied", COPYING.values(), ids=COPYING)
def test_a_copy_of_it_is_one_s_own(copied: Callable[[dict[str, Any]], Any]) -> None:
    mine = copied(nothing())
    assert type(mine) is dict and mine == {} and mine is not nothing()
    mine["a"] = 1
    assert nothing() == {} and copied(nothing()) == {}


def test_own_is_a_copy_down_to_the_leaves() -> None:
    given = {"list": [{"deep": [1]}, (2, [3])], "text": "a", "big": 2**70, "none": None, "yes": True}
    mine = own(given)
    assert mine == {**given, "list": [{"deep": [1]}, [2, [3]]]}
    mine["list"][0]["deep"].append(2)
    mine["list"][1][1].append(4)
    mine["list"].append(5)
    assert given["list"] == [{"deep": [1]}, (2, [3])]
    for leaf in ("a", 2**70, 1.5, None, False):
        assert own(leaf) is leaf
