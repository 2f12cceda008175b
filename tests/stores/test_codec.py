"""Bytes and back: no value changes on the way, and the chain leaves nothing out."""

from __future__ import annotations

import dataclasses
import json
from enum import IntEnum, StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.model import events as e
from stepwell.model.approvals import Approval, ApprovalStatus, Decision, Delegation, Verdict
from stepwell.model.errors import InvalidInput, StepwellError, StoreDamaged, StoreTooNew
from stepwell.model.people import Graph, Node, Stamp
from stepwell.model.problem import Problem, runtime, timeout
from stepwell.model.records import Attempt, Claim, Run, Scope, Signal, State, Step, Stream
from stepwell.model.states import RunStatus, StepStatus, WaitReason
from stepwell.stores.codec import DEPTH, chain, decode_events, decode_json, encode_events, encode_json
from stepwell.stores.state_codec import decode_state, encode_state

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=-(2**300), max_value=2**300)
    | st.floats(allow_nan=False)
    | st.text()
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)

EVENTS: list[e.Event] = [
    e.RunCreated("r", "default", "orders", "1.0.0", "abc", {"a": 1}),
    e.RunCreated("r", "d", "o", "1", "h", None, "k", {"t": "v"}, 5, "debug", "p", "ps", 2, "rr", {"x": [1]}),
    e.RunStarted(),
    e.RunStarted({"in": 1}, 99),
    e.RunStarted(None),
    e.RunPausing(),
    e.RunPausing("lunch"),
    e.RunPaused(),
    e.RunResumed(),
    e.RunCancelling("enough"),
    e.RunCancelled(),
    e.RunCancelled(runtime("before"), "/do/0/s"),
    e.RunCompleted(),
    e.RunCompleted(False),
    e.RunFailed(runtime("broken")),
    e.RunFailed(Problem("t", 418, "Teapot", "short", "/do/0/s"), "/do/0/s"),
    e.RunTimedOut(timeout("late")),
    e.RunTerminated("now"),
    e.RunTerminated("now", runtime("before")),
    e.RunRetried(2),
    e.ContextSet({"c": []}),
    e.VariablesSet({"v": 1}),
    e.RunCreated(
        "r", "d", "o", "1", "h", None, title="t", labels=("a", "b"), properties={"p": ""}, author="ada"
    ),
    e.RunMetadataSet(),
    e.RunMetadataSet(None, "", ["a"], {}, archived=True),
    e.RunMigrated("abc", "1.1.0"),
    e.RunMigrated("abc", "1.1.0", "0f", {"/do/0/s": "/do/1/s"}, [{"scope": "/do", "nodes": [], "steps": {}}]),
    e.VariablesSet({}, ("a", "b"), "/do/0/s"),
    e.ScopeOpened("s", "o", "/do/0/s/do", "do"),
    e.ScopeOpened("s", "o", "/do/0/s/do", "iteration", 3, [1], {"item": None}),
    e.ScopeClosed("s"),
    e.ScopeClosed("s", 0),
    e.StepScheduled("/do/0/s", "/do/0/s", "wait", "", 5, 1, True),
    e.StepStarted("/do/0/s", "/do/0/s", "set", "", {"a": 1}, 1, True, 77, [1, "2"]),
    e.StepStarted("/do/0/s", input=None, items=[]),
    e.StepWaiting("/do/0/s", WaitReason.TIMER, 5),
    e.StepPaused("/do/0/s", "/do/0/s", "set", ""),
    e.StepReleased("/do/0/s"),
    e.StepRetrying("/do/0/s", runtime("again"), 5),
    e.StepDeferred("/do/0/s", 5),
    e.StepDeferred("/do/0/s", 5, {"done": 3}),
    e.StepDeferred("/do/0/s", 5, limited=True),
    e.StepCompleted("/do/0/s", 1, "r/do/0/s"),
    e.RunContinued("next"),
    e.RunStalled(runtime("no code")),
    e.RunUnstalled(),
    e.RunCompensating(),
    e.SignalReceived("s1", "paid", {"amount": 1}, "c", "/do/0/s"),
    e.SignalTaken("s1", "/do/0/s"),
    e.StreamWritten("log", None),
    e.StepRecovered("/do/0/s", 2),
    e.StepProgressed("/do/0/s", 0.5),
    e.StepCompleted("/do/0/s"),
    e.StepCompleted("/do/0/s", ""),
    e.StepFailed("/do/0/s", runtime("x"), True),
    e.StepTimedOut("/do/0/s", timeout("x")),
    e.StepSkipped("/do/0/s", "if", "/do/0/s", "set", ""),
    e.StepCancelled("/do/0/s"),
    e.StepReopened("/do/0/s"),
    e.FollowUpOrdered("next", "ops/alert:1.0.0", "error", "/do/0/s", 2),
    e.StepReopened("/do/s", None, 5),
    e.StepReopened("/do/0/s", forgotten=("/do/1/t", "/do/2/u")),
    e.StepScheduled("/do/s", "/do/s", "step", "/do", None, 0, False, {"n": 1}),
    e.StepClaimed("/do/s", "0f" * 32),
    e.StepClaimed("/do/s", "0f" * 32, "worker", 9),
    e.StepClaimExtended("/do/s", 12),
    e.StepWithdrawn("/do/s", "the queue was down"),
    e.TurnSigned("ada", "service"),
    e.StepsPlanned("/do", [{"step": "/do/0/a", "path": "/do/0/a", "kind": "call:form", "task": "a"}], True),
    e.StepPassed("/do/0/a"),
    e.StepOffered("/do/0/a"),
    e.StepRestored("/do/0/a"),
    e.StepValuesSet("/do/0/a", {"p": 1.5}, ("q",)),
    e.StepAutoProceedSet("/do/0/a", True),
    e.StepSubmitted("/do/0/a"),
    e.StepConditionMoved("/do/0/a", {"": {"status": "failed"}, "0/1": {"matched": 2, "value": [2**70]}}),
    e.StepCaptured("/do/0/a", "pressure", "start", {"status": "succeeded", "value": 4.5}),
    e.StepActionFailed("/do/0/a", runtime("x"), True),
    e.StepNoticed("/do/0/a", 2, {"type": "leak"}),
    e.StepRepeated("/do/0/a", "/do", {"step": "/do/0/a[1]"}, [["/do/1/b", {"step": "/do/1/b[1]"}]]),
    e.StepAssigned("/do/0/a", ("ada",), ("ops",)),
    e.StepTitled("/do/0/a", "Fill tank 7"),
    e.FieldsSet({"stand": "A2"}, ("old",)),
    e.ApprovalRequested(
        "/do/0/a", "shell:ls", {"shell": {"command": "ls"}}, 2, {"people": ["ada"]}, 9, ("bob",), "asks"
    ),
    e.ApprovalDecided("/do/0/a", "approve", "pending", "fine", {"ticket": 7}, ("ada",)),
    e.ApprovalDelegated("/do/0/a", "eve", "on leave"),
    e.ApprovalExpired("/do/0/a"),
    e.StepApproved("/do/0/a"),
]


@pytest.mark.parametrize("event", EVENTS, ids=repr)
def test_every_event_comes_back_equal(event: e.Event) -> None:
    (back,) = decode_events(encode_events([event]), "r", 1)
    assert back == event
    assert type(back) is type(event)
    for name, value in zip(event._fields, event, strict=True):
        assert type(getattr(back, name)) is (str if isinstance(value, StrEnum) else type(value))


def test_no_class_of_events_is_left_out() -> None:
    seen = {type(event) for event in EVENTS}
    for event, name in e.NAMES.items():
        assert event in seen or not event._fields or encode_events([event("s")]), name


@pytest.mark.parametrize("event", EVENTS, ids=repr)
def test_nothing_but_what_has_its_default_is_left_out(event: e.Event) -> None:
    defaults = event._field_defaults
    given = {
        name for name, value in event._asdict().items() if name not in defaults or value != defaults[name]
    }
    (written,) = json.loads(encode_events([event]))
    assert written.keys() == {"type"} | given


def test_what_has_its_default_is_left_out() -> None:
    written = json.loads(
        encode_events([e.StepCompleted("s"), e.StepStarted("s", input=None), e.RunCompleted()])
    )
    assert written == [
        {"type": "step.completed", "step": "s"},
        {"type": "step.started", "step": "s", "input": None},
        {"type": "run.completed"},
    ]


def test_no_events_are_a_turn_too() -> None:
    assert decode_events(encode_events([]), "r", 1) == ()


@given(st.lists(values, min_size=1, max_size=4))
def test_every_value_comes_back_equal(outputs: list[Any]) -> None:
    turn = [e.StepCompleted("s", output) for output in outputs]
    back = decode_events(encode_events(turn), "r", 1)
    assert back == tuple(turn)
    assert repr(back) == repr(tuple(turn))  # 1 is not True, 0.0 is not -0.0


def test_not_a_number_survives() -> None:
    (back,) = decode_events(encode_events([e.StepProgressed("s", [float("nan"), float("-inf")])]), "r", 1)
    assert repr(back) == "StepProgressed(step='s', progress=[nan, -inf])"


def test_kinds_of_text_and_numbers_are_what_they_are_equal_to() -> None:
    class Number(IntEnum):
        SEVEN = 7

    assert decode_json(encode_json([Number.SEVEN, StepStatus.RUNNING])) == [7, "running"]


class _Odd(dict):  # type: ignore[type-arg]
    pass


def test_subclasses_of_boxes_are_what_they_are_equal_to() -> None:
    assert decode_json(encode_json(_Odd(a=_Odd()))) == {"a": {}}


def nested(depth: int) -> Any:
    value: Any = 0
    for number in range(depth):
        value = [value] if number % 2 else {"a": value}
    return value


@pytest.mark.parametrize("depth", [10, 190, 199, 200, 201, 254, 255, 256, 300, DEPTH])
def test_deep_values_survive(depth: int) -> None:
    value = nested(depth)
    (back,) = decode_events(encode_events([e.StepCompleted("s", value)]), "r", 1)
    assert back == e.StepCompleted("s", value)


@pytest.mark.parametrize("depth", [DEPTH + 1, 5_000])
def test_deeper_values_are_refused(depth: int) -> None:
    with pytest.raises(InvalidInput):
        encode_json(nested(depth))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({1}, "type set"),
        (frozenset(), "type frozenset"),
        (b"abc", "type bytes"),
        (bytearray(b"\xff"), "cannot be stored"),
        ((1, 2), "type tuple"),
        ({"a": [{"b": (1,)}]}, "type tuple"),
        ({1: 2}, "key 1 is not text"),
        ({None: 2}, "key None is not text"),
        ({True: 2}, "key True is not text"),
        ({float("nan"): 2}, "key nan is not text"),
        ({("a",): 2}, "cannot be stored"),
        (1j, "type complex"),
        (object(), "cannot be stored"),
        (e.SAME, "type Same"),
        ([e.SAME], "type Same"),
        (runtime("x"), "type Problem"),
        (iter([1]), "cannot be stored"),
        ("\ud800", "cannot be stored"),
        ({"\udfff": 1}, "cannot be stored"),
        ([10**4300], "4300 digits"),
        ([-(10**5000)], "4300 digits"),
    ],
)
def test_what_would_change_is_refused(value: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        encode_json(value)
    with pytest.raises(InvalidInput, match=message):
        encode_events([e.StepProgressed("s", value)])


def test_the_longest_number_and_long_digits_in_text_survive() -> None:
    value = [10**4300 - 1, "7" * 10_000]
    assert decode_json(encode_json(value)) == value


def test_a_loop_is_refused() -> None:
    value: list[Any] = []
    value += [value, value]
    with pytest.raises(InvalidInput):
        encode_json(value)


@pytest.mark.parametrize(
    "body", [b"", b"[", b"nonsense", b'[{"type":5}]', b'{"a":1}', b"[[]]", b"\x80", b"1"]
)
def test_rubbish_is_damage(body: bytes) -> None:
    with pytest.raises((StoreDamaged, StoreTooNew)) as caught:
        decode_events(body, "run-7", 3)
    assert "run run-7: turn 3" in str(caught.value)


@given(st.binary(max_size=60))
def test_no_bytes_whatever_raise_anything_else(body: bytes) -> None:
    try:
        decode_events(body, "r", 1)
        decode_state(body)
    except StepwellError:
        pass


def test_every_part_of_a_turn_is_in_its_hash() -> None:
    digests = {
        chain(b"", "r", 1, 1, b"[]"),
        chain(bytes(31) + b"\1", "r", 1, 1, b"[]"),
        chain(b"", "s", 1, 1, b"[]"),
        chain(b"", "r", 2, 1, b"[]"),
        chain(b"", "r", 1, 2, b"[]"),
        chain(b"", "r", 1, 1, b"[ ]"),
        chain(b"", "r[", 1, 1, b"]"),
        chain(b"", "", 1, 1, b"r[]"),
        chain(b"", "r", 1, -1, b"[]"),
    }
    assert len(digests) == 9
    assert {len(digest) for digest in digests} == {32}


@pytest.mark.parametrize(("run_id", "seq", "at"), [("\ud800", 1, 1), ("r", 2**63, 1), ("r", 1, -(2**64))])
def test_what_has_no_frame_is_refused(run_id: str, seq: int, at: int) -> None:
    with pytest.raises(InvalidInput):
        chain(b"", run_id, seq, at, b"[]")


def full_state() -> State:
    problem = Problem("t", 500, "T", "d", "/do/0/s")
    run = Run(
        "r", "default", "orders", "1.0.0", "abc", 1, RunStatus.FAILED, 7, {"i": 2**70}, [1], "out", {"v": None}, problem,
        "/do/0/s", {"/do/0/s": problem}, "why", "tea", 1, 2, 3, 4, 5, 6, "k", {"t": "v"}, 1, "debug", "p", "ps", 2, True, "rr", 3,
        {StepStatus.FAILED: 1}, "shop:order", 4, problem, ("s1",), "older", "newer", "other",
        {"tier": "gold"}, "mail", 11, "eu", "once", True, 2, {"due": 5}, 1, {"/do/0/s": 9}, ("next",),
        "Hotfire", "on the stand", ("engine",), {"stand": "A2"}, "ada", True,
        True, True, {"stand": "A2"}, {"started": Stamp(5, "ada", "why")}, "0f", "abd",
        4, 5, True, {"/do/0/s": 3}, ("/do/1/t",),
    )  # fmt: skip
    attempt = Attempt(1, 1, 2, 3, 4, 5, 2, "x", "ref", {"o": 1.5}, problem)
    step = Step(
        "/do/0/s[1]", "/do/0/s~1t", "fork", "", 1, "p", 2, (1, 0), StepStatus.WAITING, WaitReason.CHILDREN, 3, True,
        {"a": 1}, None, problem, "skip", [attempt, Attempt(2, 9)], 7, 1, 2, 3, 4, 5, 6, 0.5, {"f": []}, 2,
        [1, [2]], 1, True, {"retries": 3}, 2, {"due": 5}, 1,
        Claim("0f", 1, "worker", 9), True, "r/do/0/s", True,
    )  # fmt: skip
    scope = Scope(
        "s",
        "/do/0/s",
        "/do/0/s/do",
        "iteration",
        3,
        (1,),
        1,
        {"f": 1},
        {"item": 1},
        False,
        True,
        True,
        {0: 2, 7: 1},
        True,
    )
    node = Node(
        "/do/0/s[1]", "s", ("/do/1/t",), False, True, True, {"people": ["ada"]}, 3, {"p": 1}, {"started": Stamp(5)},
        4, True, True, "/do/0/s", "/do/0/s[2]", {"status": "satisfied"}, {"p/start": {"value": 1}}, {"0": {"status": "error"}},
        "0e", "Fill it in",
    )  # fmt: skip
    approval = Approval(
        "/do/0/s", "shell:ls", {"shell": {}}, 3, 2, {"people": ["ada"]}, 9, ("bob",), "asks", {"n": 1}, 2,
        ApprovalStatus.REJECTED, True, [Decision("ada", Verdict.REJECT, 4, "no", [1], ("eve",))],
        [Delegation("eve", "ada", 3, "on leave")], 5,
    )  # fmt: skip
    return State(
        run,
        {"/do/0/s[1]": step, "plain": Step("plain", "/p", "set", "", 1)},
        {"": Scope("", None, "/do", "do"), "s": scope},
        {"b": None, "a": None},
        bytes(range(32)),
        {"s1": Signal("s1", "paid", {"a": 1}, 5, "c", "/do/0/s"), "s2": Signal("s2", "paid", None, 6)},
        {"log": Stream("log", [1, None], True)},
        {node.id: node},
        {"/do": Graph("/do", {"s": node.id}, {"/do/1/t": (node.id,)}, 1)},
        {"/do/0/s": approval},
    )


def test_a_state_comes_back_exactly() -> None:
    state = full_state()
    for record in (
        state.run,
        *state.steps.values(),
        *state.scopes.values(),
        *state.nodes.values(),
        *state.approvals.values(),
    ):
        for field in dataclasses.fields(
            record
        ):  # nothing that was added since is left at its default in this test
            if record in (state.steps["plain"], state.scopes[""]):
                continue
            assert getattr(record, field.name) != field.default or field.name == "output", field.name
    back = decode_state(encode_state(state))
    assert back == state
    assert repr(back) == repr(state)
    assert list(back.open_steps) == ["b", "a"]
    assert type(back.run.status) is RunStatus
    assert type(back.steps["/do/0/s[1]"].index) is tuple


def test_an_empty_state_comes_back_exactly() -> None:
    state = State(Run("r", "default", "orders", "1.0.0", "abc", 1))
    assert decode_state(encode_state(state)) == state
    assert len(encode_state(state)) < 400


@given(values, values, st.dictionaries(st.integers(min_value=0), st.integers(), max_size=4))
def test_any_values_in_a_state_come_back(output: Any, variable: Any, visits: dict[int, int]) -> None:
    state = full_state()
    state.run.output = output
    state.run.variables = {"x": variable}
    state.scopes["s"].visits = visits
    assert repr(decode_state(encode_state(state))) == repr(state)


def test_a_snapshot_of_another_version_is_not_there() -> None:
    body = encode_state(full_state())
    document = json.loads(body)
    for changed in ({"format": 2}, {"shape": "other"}, {"state": {}}, {"state": None}, {"state": {"run": 5}}):
        assert decode_state(json.dumps({**document, **changed}).encode()) is None
    for rubbish in (b"", b"[]", b"null", b"{}", body[:-1], b"7"):
        assert decode_state(rubbish) is None
