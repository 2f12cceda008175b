"""Conditions and captures as documents say them: what is read, and what is refused, all at once."""

from __future__ import annotations

from typing import Any

import pytest

from stepwell.definition.building.conditions import read_captures, read_condition
from stepwell.definition.building.parts import Uses
from stepwell.definition.conditions import (
    Comparator,
    Condition,
    ConditionKind,
    HttpSpec,
    Moment,
    SeriesSpec,
    WebhookSpec,
)
from stepwell.definition.rules.checker import Checker
from stepwell.definition.rules.conditions import CAPTURES, CONDITION, MOST_NODES
from stepwell.definition.rules.document import SHAPES
from stepwell.definition.rules.nouns import Anything, Record
from stepwell.model.base import SECOND

USE = {"secrets": ["hook"]}
SHAPE = Record({"use": Anything(), "condition": CONDITION, "captures": CAPTURES})
CHANNEL = {"source": {"file": "stand.csv"}, "channel": "chamber_pressure"}
SERIES = {**CHANNEL, "comparator": ">", "threshold": 5}


def complaints(condition: Any, captures: Any = None) -> list[tuple[str, str]]:
    """(pointer, code) of everything that is wrong."""
    document = {"use": USE, "condition": condition, "captures": captures or []}
    return sorted((issue.pointer, issue.code) for issue in Checker(document, SHAPES).run(SHAPE))


def read(condition: Any) -> Condition:
    assert complaints(condition) == []
    found = read_condition(condition, Uses({"use": USE}))
    assert found is not None
    return found


@pytest.mark.spec("N7")
def test_a_tree_is_read_with_the_place_of_every_node() -> None:
    tree = read(
        {
            "all": [
                {"timer": "PT10S"},
                {"any": [{"expression": "${ $variables.ok }"}, {"not": {"event": "abort"}}]},
                {"job": {"run": "${ .run }"}},
            ]
        }
    )
    assert [(node.path, node.kind.value) for node in tree.walk()] == [
        ("", "all"),
        ("0", "timer"),
        ("1", "any"),
        ("1/0", "expression"),
        ("1/1", "not"),
        ("1/1/0", "event"),
        ("2", "job"),
    ]
    found = tree.find("1/1/0")
    assert found is not None and found.leaf and found.kind is ConditionKind.EVENT


@pytest.mark.spec("N7")
def test_what_is_left_out_has_its_usual_value() -> None:
    http = read({"http": {"endpoint": "http://stand/status"}}).spec
    assert isinstance(http, HttpSpec)
    assert (http.request.method, http.every.constant, http.until, http.attempts) == (
        "GET",
        5 * SECOND,
        None,
        None,
    )
    series = read({"series": SERIES}).spec
    assert isinstance(series, SeriesSpec)
    assert (series.comparator, series.consecutive, series.every.constant) == (Comparator.MORE, 1, SECOND)


@pytest.mark.spec("N8")
def test_a_webhook_has_three_attempts_fifteen_seconds_apart_within_ten_minutes() -> None:
    hook = read({"webhook": {"endpoint": "http://ops/hook", "secret": "hook"}}).spec
    assert isinstance(hook, WebhookSpec)
    assert (hook.attempts, hook.interval, hook.cap, hook.timeout) == (
        3,
        15 * SECOND,
        300 * SECOND,
        600 * SECOND,
    )
    assert hook.exponential and hook.secret == "hook"


@pytest.mark.spec("N8")
def test_the_limits_of_webhooks_are_held() -> None:
    wrong = {
        "endpoint": "http://ops/hook",
        "secret": "other",
        "attempts": 11,
        "interval": "PT4S",
        "timeout": "P2D",
        "cap": "${ .cap }",
    }
    assert complaints({"webhook": wrong}) == [
        ("/condition/webhook/attempts", "value"),
        ("/condition/webhook/cap", "duration"),
        ("/condition/webhook/interval", "duration"),
        ("/condition/webhook/secret", "unknown-reference"),
        ("/condition/webhook/timeout", "duration"),
    ]


@pytest.mark.spec("N7")
@pytest.mark.parametrize(
    ("condition", "where", "code"),
    [
        ({}, "/condition", "required"),
        ("PT5S", "/condition", "type"),
        ({"timer": "soon"}, "/condition/timer", "duration"),
        ({"timer": "PT1S", "event": "x"}, "/condition/event", "one-of"),
        ({"all": []}, "/condition/all", "value"),
        ({"not": [{"timer": "PT1S"}]}, "/condition/not", "type"),
        ({"when": "x"}, "/condition", "required"),
        ({"any": [{"expression": "${ $nobody }"}]}, "/condition/any/0/expression", "unknown-variable"),
        ({"http": {"endpoint": "http://a", "every": "PT0S"}}, "/condition/http/every", "duration"),
        ({"http": {"until": "${ true }"}}, "/condition/http", "required"),
        ({"series": {**CHANNEL, "comparator": ">"}}, "/condition/series", "required"),
        ({"series": {**SERIES, "comparator": "=>"}}, "/condition/series/comparator", "value"),
        ({"series": {**SERIES, "consecutive": 0}}, "/condition/series/consecutive", "value"),
        ({"series": {**SERIES, "source": {}}}, "/condition/series/source", "required"),
        ({"job": {"http": {"endpoint": "http://a"}}}, "/condition/job/http", "required"),
        ({"all": [{"timer": "PT1S"}] * MOST_NODES}, "/condition", "condition"),
    ],
)
def test_what_makes_no_sense_is_refused_where_it_stands(condition: Any, where: str, code: str) -> None:
    assert (where, code) in complaints(condition)


def test_a_condition_that_is_too_deep_is_refused_without_falling_into_it() -> None:
    deep: Any = {"timer": "PT1S"}
    for _ in range(150):
        deep = {"not": deep}
    assert complaints(deep) == [("/condition", "condition")]


@pytest.mark.spec("N14")
def test_captures_are_read_and_each_output_is_measured_once_at_each_moment() -> None:
    both = {**CHANNEL, "field": "pressure", "at": ["start", "completion"], "onFailure": "fail"}
    assert complaints({"timer": "PT1S"}, [both]) == []
    (found,) = read_captures([both], Uses({}))
    assert (found.at, found.required) == ((Moment.START, Moment.COMPLETION), True)
    (plain,) = read_captures([{**CHANNEL, "field": "pressure"}], Uses({}))
    assert (plain.at, plain.required) == ((Moment.COMPLETION,), False)
    again = {**CHANNEL, "field": "pressure", "at": "start"}
    assert complaints({"timer": "PT1S"}, [both, again]) == [("/captures/1/at", "duplicate-capture")]
    assert ("/captures/0/field", "value") in complaints({"timer": "PT1S"}, [{**CHANNEL, "field": "a-b"}])
