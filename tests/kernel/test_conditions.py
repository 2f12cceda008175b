"""Trees of conditions, driven by hand: what each answer, each instant and each signal makes of them."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from stepwell.definition.building.conditions import read_condition
from stepwell.definition.building.parts import Uses
from stepwell.definition.conditions import Condition
from stepwell.definition.duration import parse_duration
from stepwell.definition.expression import ExpressionError, truth
from stepwell.kernel.conditions import tree
from stepwell.kernel.conditions.leaf import Ask, Wake, Want
from stepwell.kernel.ruling import Fault
from stepwell.model import problem
from stepwell.model.actions import Failed, Outcome, Succeeded
from stepwell.model.base import SECOND
from stepwell.model.conditions import flat, moved, stopped
from stepwell.model.records import Signal
from tests.kernel.helpers import anywhere

START = 1_000 * SECOND


class Bench:
    """A condition, its tree, and data: a `Ground`. `journal` counts what was written down."""

    def __init__(self, condition: Any, **data: Any) -> None:
        found = read_condition(condition, Uses({}))
        assert found is not None
        self.condition: Condition = found
        self.now, self.data, self.tree = START, data, None
        self.signals: list[Signal] = []
        self.wants: list[Want] = []
        self.journal = 0

    # the ground

    def evaluate(self, expression: Any, data: Any) -> Any:
        try:
            return anywhere(expression, data, {"variables": self.data}, self.now)
        except ExpressionError as error:
            raise Fault(problem.expression(str(error))) from error

    def render(self, template: Any) -> Any:
        return template.render(lambda expression: self.evaluate(expression, None))

    def duration(self, spec: Any) -> int:
        return spec.constant if spec.constant is not None else parse_duration(self.render(spec.template))

    def holds(self, expression: Any) -> bool:
        return truth(self.evaluate(expression, None))

    def says(self, expression: Any, answer: Any) -> bool:
        return truth(self.evaluate(expression, answer))

    def take(self, name: str, correlation: str | None) -> Signal | None:
        found = next(
            (s for s in self.signals if s.name == name and correlation in (None, s.correlation)), None
        )
        if found is not None:
            self.signals.remove(found)
        return found

    # what happens

    def _take(self, found: tree.Moved | None) -> tree.Moved | None:
        if found is not None:
            self.tree = moved(self.tree, found.changes)
            self.wants = found.wants
            self.journal += bool(found.changes)
        return found

    def begin(self) -> Bench:
        self._take(tree.begin(self.condition, self))
        return self

    def hear(self, outcome: Any, leaf: str = "", number: int | None = None) -> tree.Moved | None:
        asked = self[leaf]["number"] if number is None else number
        outcome = outcome if isinstance(outcome, Failed) else Succeeded(outcome)
        return self._take(tree.hear(self.condition, self.tree, leaf, asked, outcome, self))

    def after(self, seconds: float, leaf: str | None = None) -> Bench:
        self.now += round(seconds * SECOND)
        self._take(tree.look(self.condition, self.tree, self, None if leaf is None else [leaf]))
        return self

    def signal(self, name: str, correlation: str | None = None) -> bool:
        return (
            self._take(
                tree.offer(self.condition, self.tree, Signal("s1", name, 1, self.now, correlation), self)
            )
            is not None
        )

    def cancel(self) -> None:
        self.tree = stopped(self.tree, self.now)

    def __getitem__(self, path: str) -> dict[str, Any]:
        return flat(self.tree)[path]

    def status(self, path: str = "") -> str:
        return str(self[path]["status"])

    def why(self, path: str = "") -> tuple[str, str]:
        return self.status(path), self[path].get("reason", "")

    @property
    def asks(self) -> list[str]:
        return [want.leaf for want in self.wants if isinstance(want, Ask)]

    @property
    def wakes(self) -> dict[str, float]:
        return {want.leaf: (want.at - self.now) / SECOND for want in self.wants if isinstance(want, Wake)}


HTTP = {"http": {"endpoint": "http://stand/state"}}


def failing(status: int = 500, **members: Any) -> Failed:
    return Failed(problem.communication(status, "no"), **members)


# --- leaves ---------------------------------------------------------------------------------------


@pytest.mark.spec("N7")
def test_a_timer_holds_no_sooner_than_it_says() -> None:
    bench = Bench({"timer": "PT10S"}).begin()
    assert bench.status() == "in_progress" and bench.wakes == {"": 10.0}
    assert bench.after(9.999).status() == "in_progress"
    assert bench.after(0.001).status() == "satisfied"
    assert (bench[""]["submitted_at"], bench[""]["ended_at"]) == (START, START + 10 * SECOND)


@pytest.mark.spec("N7")
def test_a_timer_of_nothing_holds_at_once() -> None:
    assert Bench({"timer": "PT0S"}).begin().status() == "satisfied"


@pytest.mark.spec("N7")
def test_an_expression_is_looked_at_again_when_data_change() -> None:
    bench = Bench({"expression": '${ $variables.valve == "open" }'}, valve="shut").begin()
    assert bench.status() == "in_progress"
    written = bench.journal
    assert bench.after(1).status() == "in_progress" and bench.journal == written
    bench.data["valve"] = "open"
    assert bench.after(0).status() == "satisfied"


@pytest.mark.spec("N7")
def test_an_expression_that_cannot_be_computed_fails_and_says_so() -> None:
    bench = Bench({"expression": "${ $variables.valve | error }"}, valve="x").begin()
    assert bench.why() == ("failed", "misconfigured") and bench[""]["fault"]


@pytest.mark.spec("N7")
def test_a_service_is_asked_until_its_answer_says_yes() -> None:
    bench = Bench({"http": {**HTTP["http"], "every": "PT5S", "until": "${ .ready }"}}).begin()
    assert bench.status() == "submitted" and bench.asks == [""]
    bench.hear({"ready": False})
    assert bench.status() == "in_progress" and bench.wakes == {"": 5.0}
    written = bench.journal
    bench.after(5, "")
    assert bench.asks == [""]
    bench.hear({"ready": False})
    assert bench.journal == written, "the same answer again is not worth a row"
    assert bench.wakes == {"": 5.0}, "… but it is asked again, later"
    bench.hear(failing(503))
    assert bench[""]["code"] == 503 and bench.journal == written + 1
    bench.hear({"ready": True})
    assert bench.status() == "satisfied" and bench.wants == []


@pytest.mark.spec("N7")
def test_an_answer_can_say_no_and_exchanges_may_fail_so_often_in_a_row() -> None:
    bench = Bench(
        {"http": {**HTTP["http"], "until": "${ .ok }", "fail": "${ .broken }", "attempts": 2}}
    ).begin()
    bench.hear(failing())
    bench.hear({"ok": False})
    bench.hear(failing())
    assert bench.status() == "in_progress", "they were not in a row"
    bench.hear(failing())
    assert bench.why() == ("failed", "attempts")
    other = Bench({"http": {**HTTP["http"], "until": "${ .ok }", "fail": "${ .broken }"}}).begin()
    other.hear({"broken": True})
    assert other.why() == ("failed", "answer") and "fault" not in other[""]


@pytest.mark.spec("N7")
def test_a_service_that_never_says_yes_runs_out_of_time() -> None:
    bench = Bench({"http": {**HTTP["http"], "until": "${ .ok }", "timeout": "PT30S"}}).begin()
    bench.hear({"ok": False})
    assert bench.after(29.9, "").status() == "in_progress"
    assert bench.after(0.1, "").why() == ("failed", "timeout")


@pytest.mark.spec("N7")
def test_another_run_decides_by_how_it_ends() -> None:
    bench = Bench({"job": {"run": "r7"}}).begin()
    bench.hear({"status": "running"})
    assert (bench[""]["run"], bench[""]["job"], bench.wakes) == ("r7", "running", {"": 2.0})
    bench.hear({"status": "completed"})
    assert bench.status() == "satisfied"
    for status in ("failed", "cancelled", "timed_out", "terminated"):
        other = Bench({"job": {"run": "r7"}}).begin()
        other.hear({"status": status})
        assert other.why() == ("failed", "job_failed") and status in other[""]["detail"]
    nobody = Bench({"job": {"run": "r7"}}).begin()
    nobody.hear({"status": None})
    assert nobody.why() == ("failed", "job_not_found")


@pytest.mark.spec("N7")
def test_a_signal_is_for_the_leaf_that_waits_for_it() -> None:
    bench = Bench({"event": {"name": "ready", "correlation": "A2", "timeout": "PT1M"}}).begin()
    assert not bench.signal("steady", "A2") and not bench.signal("ready", "B1")
    assert bench.signal("ready", "A2") and bench.status() == "satisfied" and bench[""]["signal"] == "s1"
    assert Bench({"event": {"name": "ready", "timeout": "PT1M"}}).begin().after(60).why() == (
        "failed",
        "timeout",
    )
    early = Bench({"event": "ready"})
    early.signals.append(Signal("s0", "ready", 1, 0))
    assert early.begin().status() == "satisfied" and early.signals == []


# --- series ---------------------------------------------------------------------------------------

CHANNEL = {"source": {"file": "stand.csv"}, "channel": "p"}


def series(**members: Any) -> dict[str, Any]:
    return {"series": {**CHANNEL, "comparator": ">", "threshold": 5, **members}}


def samples(*values: Any, at: float = 0, step: float = 1) -> dict[str, Any]:
    """So many seconds after the start."""
    return {
        "samples": [
            (START + round((at + place * step) * SECOND), value) for place, value in enumerate(values)
        ]
    }


@pytest.mark.spec("N7")
def test_samples_in_a_row_are_counted_over_reports_and_none_twice() -> None:
    bench = Bench(series(consecutive=4)).begin()
    bench.hear(samples(6, 7))
    assert (bench[""]["matched"], bench[""]["first_match_at"]) == (2, START)
    bench.hear(samples(6, 7, 8))
    assert bench[""]["matched"] == 3, "two of them were counted before"
    bench.hear(samples(4, at=3))
    assert (bench[""]["matched"], "first_match_at" in bench[""]) == (0, False)
    bench.hear(samples(6, 6, 6, at=4))
    assert bench.status() == "in_progress"
    bench.hear(samples(6, at=7))
    assert (bench.status(), bench[""]["sample_at"]) == ("satisfied", START + 7 * SECOND)


@pytest.mark.spec("N7")
def test_held_is_measured_by_the_samples_own_times() -> None:
    bench = Bench(series(held="PT5S")).begin()
    bench.hear(samples(6, 6, at=0, step=4))
    assert bench.after(100).status() == "in_progress", "a channel that is silent does not hold"
    bench.hear(samples(6, at=5))
    assert bench.status() == "satisfied"
    broken = Bench(series(held="PT5S")).begin()
    broken.hear(samples(6, 6, 5, 6, 6, 6, at=0, step=2))
    assert broken.status() == "in_progress" and broken[""]["first_match_at"] == START + 6 * SECOND


@pytest.mark.spec("N7")
def test_what_was_measured_before_the_watching_began_counts_within_the_window_only() -> None:
    bench = Bench(series()).begin()
    bench.hear(samples(6, at=-1))
    assert bench.status() == "in_progress"
    wide = Bench(series(window="PT10S")).begin()
    wide.hear(samples(6, at=-1))
    assert wide.status() == "satisfied"


@pytest.mark.spec("N7")
@pytest.mark.parametrize(
    ("comparator", "threshold", "value", "holds"),
    [
        (">", 5, 5, False), (">=", 5, 5, True), ("<", 5, 4.5, True), ("<=", 5, 5.5, False),
        ("=", "open", "open", True), ("=", 1, True, False), ("=", 1, 1.0, True), ("!=", "open", "shut", True),
        ("exists", None, "anything", True), (">", 5, "6", False), (">", 5, None, False), (">", "a", "b", True),
        (">", 5, True, False), (">", 5, float("nan"), False), ("<", 2**70, 2**70 - 1, True),
    ],
)  # fmt: skip
def test_comparing(comparator: str, threshold: Any, value: Any, holds: bool) -> None:
    spec = series(comparator=comparator, threshold=threshold)
    if threshold is None:
        del spec["series"]["threshold"]
    bench = Bench(spec).begin()
    bench.hear(samples(value))
    assert (bench.status() == "satisfied") is holds


@pytest.mark.spec("N7")
def test_no_data_is_waited_for_and_a_channel_that_is_not_there_is_not() -> None:
    bench = Bench(series(timeout="PT60S")).begin()
    for _ in range(3):
        bench.hear({"samples": []})
    assert bench.after(59).status() == "in_progress"
    assert bench.after(1).why() == ("failed", "timeout") and bench[""]["detail"] == "there were no data"
    for missing in ("source_not_found", "channel_not_found"):
        other = Bench(series(timeout="PT60S")).begin()
        other.hear({"missing": missing, "detail": "nowhere"})
        assert other.why() == ("failed", missing) and other[""]["fault"]


@pytest.mark.spec("N7")
def test_a_source_that_cannot_be_read_for_a_moment_is_read_again() -> None:
    bench = Bench(series()).begin()
    bench.hear({"error": "it is being written"})
    assert bench.status() == "in_progress" and bench.wakes == {"": 1.0}
    bench.hear({**samples(1), "more": True, "position": {"offset": 10}})
    assert bench.asks == [""] and bench[""]["position"] == {"offset": 10}


# --- webhooks -------------------------------------------------------------------------------------

HOOK = {"webhook": {"endpoint": "http://ops/hook", "secret": "hook", "payload": {"a": 1}}}


@pytest.mark.spec("N8")
@pytest.mark.parametrize(
    "reason", ["refused", "redirected", "bad_payload", "response_too_large", "misconfigured"]
)
def test_some_answers_are_final(reason: str) -> None:
    bench = Bench(HOOK).begin()
    bench.hear({"reason": reason, "code": 400, "delivery": "d1"})
    assert bench.why() == ("failed", reason) and len(bench[""]["attempts"]) == 1


@pytest.mark.spec("N8")
@pytest.mark.parametrize("reason", ["server_error", "network", "request_timeout"])
def test_others_are_tried_again_later_each_time(reason: str) -> None:
    bench = Bench({"webhook": {**HOOK["webhook"], "attempts": 4, "cap": "PT40S"}}).begin()
    waits = []
    for number in (1, 2, 3):
        bench.hear({"reason": reason, "delivery": f"d{number}"})
        waits.append(bench.wakes[""])
        bench.after(bench.wakes[""], "")
        assert bench.asks == [""]
    assert waits == [15.0, 30.0, 40.0]
    bench.hear({"reason": reason, "delivery": "d4"})
    assert bench.why() == ("failed", reason)
    assert [each["delivery"] for each in bench[""]["attempts"]] == ["d1", "d2", "d3", "d4"]


@pytest.mark.spec("N8")
def test_a_webhook_is_delivered_once_and_has_so_long() -> None:
    bench = Bench(HOOK).begin()
    bench.hear({"reason": "server_error", "code": 503, "delivery": "d1"})
    bench.hear({"code": 204, "delivery": "d2"})
    assert bench.status() == "satisfied" and bench[""]["code"] == 204
    late = Bench({"webhook": {**HOOK["webhook"], "timeout": "PT20S"}}).begin()
    late.hear({"reason": "network", "delivery": "d1"})
    assert late.after(20, "").why() == ("failed", "timeout") and "1 attempts" in late[""]["detail"]


# --- groups ---------------------------------------------------------------------------------------

ON, OFF = {"timer": "PT0S"}, {"event": {"name": "never", "timeout": "PT0S"}}
WAITS = {"event": "never"}
BROKEN = {"expression": "${ $variables.x | error }"}
STATES = {"satisfied": ON, "failed": OFF, "in_progress": WAITS}


def group(kind: str, *parts: str) -> str:
    bench = Bench({kind: [STATES[part] for part in parts]}, x="no").begin()
    return bench.after(0).status()


@pytest.mark.spec("N7")
def test_groups_follow_from_their_parts_in_every_order() -> None:
    wanted = {
        "all": {
            ("satisfied", "satisfied"): "satisfied",
            ("satisfied", "in_progress"): "in_progress",
            ("satisfied", "failed"): "failed",
            ("failed", "in_progress"): "failed",
        },
        "any": {
            ("satisfied", "in_progress"): "satisfied",
            ("satisfied", "failed"): "satisfied",
            ("failed", "in_progress"): "in_progress",
            ("failed", "failed"): "failed",
        },
    }
    for kind, cells in wanted.items():
        for parts, status in cells.items():
            for order in permutations(parts):
                assert group(kind, *order) == status, (kind, order)


@pytest.mark.spec("N7")
def test_what_is_open_in_a_group_that_ends_is_cancelled() -> None:
    bench = Bench({"any": [{"timer": "PT5S"}, {"all": [HTTP, {"not": {"event": "abort"}}]}]}).begin()
    assert bench.asks == ["1/0"]
    bench.after(5)
    assert {path: bench.status(path) for path in flat(bench.tree)} == {
        "": "satisfied", "0": "satisfied", "1": "cancelled", "1/0": "cancelled", "1/1": "cancelled", "1/1/0": "cancelled",
    }  # fmt: skip
    assert bench.wants == []


@pytest.mark.spec("N7")
def test_not_turns_answers_around_and_faults_not() -> None:
    assert Bench({"not": ON}).begin().why() == ("failed", "held")
    assert (
        Bench({"not": {"event": {"name": "abort", "timeout": "PT9S"}}}).begin().after(9).status()
        == "satisfied"
    )
    bench = Bench({"not": BROKEN}, x="no").begin()
    assert bench.why() == ("failed", "child_failed") and bench[""]["fault"]
    deeper = Bench({"not": {"any": [OFF, BROKEN]}}, x="no").begin().after(0)
    assert deeper.why() == ("failed", "child_failed"), "a fault below counts too"
    assert "misconfigured" in deeper[""]["detail"]


# --- what is late, and who takes over -------------------------------------------------------------


@pytest.mark.spec("N10")
def test_what_comes_after_a_cancel_is_noted_once_and_changes_nothing() -> None:
    bench = Bench({"all": [HTTP, {"timer": "PT5S"}]}).begin()
    bench.cancel()
    assert bench.status() == "cancelled"
    found = bench.hear({"anything": 1}, "0")
    assert found is not None and list(found.changes) == ["0"] and found.wants == []
    assert bench["0"]["late"] == {"at": bench.now, "status": "satisfied"} and bench.status("0") == "cancelled"
    assert bench.hear({"anything": 1}, "0") is None


@pytest.mark.spec("N7")
def test_an_answer_to_what_was_asked_before_is_not_heard_again() -> None:
    bench = Bench(HOOK).begin()
    bench.hear({"reason": "network", "delivery": "d1"})
    assert bench[""]["number"] == 2
    assert bench.hear({"reason": "network", "delivery": "d1"}, number=1) is None
    assert bench.hear({"code": 200}, leaf="7", number=1) is None


@pytest.mark.spec("N7")
def test_whoever_takes_over_asks_for_all_that_is_open_and_counters_go_on() -> None:
    bench = Bench({"all": [series(consecutive=3), {"timer": "PT60S"}, HTTP]}).begin()
    bench.hear(samples(6, 6), "0")
    bench.now += 30 * SECOND
    assert tree.wants(bench.condition, bench.tree, bench.now) == [
        Ask("0", 2), Wake("1", START + 60 * SECOND), Ask("2", 1),
    ]  # fmt: skip
    bench.hear(samples(6, at=2), "0")
    assert bench.status("0") == "satisfied"


@pytest.mark.spec("N7")
def test_what_cannot_be_asked_fails_the_leaf() -> None:
    bench = Bench({"all": [HTTP, {"timer": "PT5S"}]}).begin()
    bench._take(
        tree.refuse(bench.condition, bench.tree, "0", problem.configuration("no such address"), bench)
    )
    assert bench.why() == ("failed", "child_failed") and "no such address" in bench[""]["detail"]
    assert bench.status("1") == "cancelled"


def test_outcomes_of_any_kind_do_no_harm() -> None:
    """A worker that broke, or was stopped, has said nothing about the world."""
    from stepwell.model.actions import Interrupted, Postponed

    odd: list[Outcome] = [failing(), Interrupted(), Postponed(1)]
    for condition in (HTTP, series(), HOOK, {"job": {"run": "r"}}):
        for outcome in odd:
            bench = Bench(condition).begin()
            bench._take(tree.hear(bench.condition, bench.tree, "", 1, outcome, bench))
            assert bench.status() == "in_progress"
