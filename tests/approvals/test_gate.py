"""The gate before everything that is called: who is asked, what is performed after that (SPEC X8, Q8)."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from stepwell.definition.parse import parse
from stepwell.engine.environment import redactor
from stepwell.kernel.ruling import Environment
from stepwell.model import commands as c
from stepwell.model.actions import BearerAuth, ChildAction, HttpAction, ShellAction
from stepwell.model.approval_commands import DecideApproval, DelegateApproval
from stepwell.model.approvals import Approvers, CallPolicy, Mode, Terms, Verdict
from stepwell.model.errors import (
    AlreadyDecided,
    ApprovalClosed,
    Forbidden,
    InvalidDefinition,
    InvalidInput,
    NotFound,
    TransitionRefused,
)
from stepwell.model.people import Actor, ActorKind
from stepwell.model.problem import runtime
from tests.kernel.helpers import SECOND, Driver, anywhere, definition

ADA, BOB, EVE = Actor("ada"), Actor("bob"), Actor("eve")
YES, NO = Verdict.APPROVE, Verdict.REJECT
pytestmark = [pytest.mark.spec("X8"), pytest.mark.spec("Q8")]

PAY = """
do:
  - pay:
      call: http
      with: {method: post, endpoint: 'https://a.io/pay', body: {amount: '${ $variables.amount }'}}
      metadata: {approval: ask}
"""


def begun(
    source: str,
    policy: CallPolicy | None = None,
    *,
    by: Actor | None = None,
    secrets: dict[str, Any] | None = None,
    variables: dict[str, Any] | None = None,
) -> Driver:
    driver = Driver(definition(source), secrets=secrets)
    driver.env = Environment(anywhere, 0.5, secrets or {}, redactor(secrets or {}), policy=policy)
    start = c.StartRun("run", {"id": 7}, variables=variables or {"amount": 5})
    driver.send(start if by is None else c.Signed(by, start))
    return driver


def say(driver: Driver, who: Actor, verdict: Verdict = YES, **more: Any) -> None:
    driver.send(c.Signed(who, DecideApproval(verdict, **more)))


def approval(driver: Driver, step: str = "/do/0/pay") -> Any:
    return driver.state.approvals[step]


def test_it_waits_and_nothing_is_performed() -> None:
    d = begun(PAY)
    assert (d.step("pay").status, d.step("pay").reason, d.pending) == ("waiting", "approval", {})
    asked = approval(d)
    assert (asked.what, asked.reason) == ("http:POST https://a.io/pay", "the task asks before it")
    assert asked.arguments == {"http": {"method": "POST", "uri": "https://a.io/pay", "headers": {}, "query": {},
                                        "body": {"amount": 5}, "has_body": True}}  # fmt: skip
    assert d.replayed() == d.state


def test_what_is_approved_is_what_is_performed() -> None:
    d = begun(PAY)
    d.send(c.SetVariables({"amount": 5_000_000}))
    say(d, ADA, comment="fine", metadata={"ticket": 3})
    assert d.pending["/do/0/pay"].action == HttpAction(
        "POST", "https://a.io/pay", {}, {}, {"amount": 5}, True
    )
    (decision,) = approval(d).decisions
    assert (decision.by, decision.comment, decision.metadata) == ("ada", "fine", {"ticket": 3})
    # also after a crash of the engine that performed it
    d.pending.clear()
    d.send(c.Recover(("/do/0/pay",)))
    assert d.pending["/do/0/pay"].action.body == {"amount": 5}
    d.complete("pay", {"ok": True})
    assert d.output == {"ok": True}
    assert d.events().count("approval.requested") == 1
    assert d.replayed() == d.state


def test_all_attempts_of_a_policy_perform_what_was_approved() -> None:
    policy = "{error: {action: retry, count: 3, interval: PT1S}}"
    d = begun(PAY.replace("approval: ask", f"approval: ask, errorPolicy: {policy}"))
    say(d, ADA)
    d.fail("pay", runtime("the line is down"))
    d.send(c.SetVariables({"amount": 9}))
    d.now += SECOND
    d.send(c.FireTimer("/do/0/pay", "wake"))
    assert (d.pending["/do/0/pay"].attempt, d.pending["/do/0/pay"].action.body) == (2, {"amount": 5})


def test_a_retry_of_the_run_asks_again_on_the_arguments_of_then() -> None:
    d = begun(PAY)
    say(d, ADA)
    d.fail("pay", runtime("the line is down"))
    d.send(c.RetryRun())
    assert d.step("pay").reason == "approval"
    assert (approval(d).number, approval(d).decisions) == (2, [])
    assert approval(d, "/do/0/pay@1").decisions[0].by == "ada"
    say(d, ADA)
    assert d.take("pay").attempt == 2


def test_rejected_it_fails_and_can_be_caught() -> None:
    d = begun(PAY)
    say(d, BOB, NO, comment="too much")
    assert d.status == "failed"
    error = d.state.run.error
    assert (error.type, error.status) == ("https://stepwell.dev/errors/approval-rejected", 403)
    assert error.detail == "http:POST https://a.io/pay: rejected by bob: too much"
    caught = begun("""
    do:
      - attempt:
          try:
            - pay: {run: {shell: {command: 'pay'}}, metadata: {approval: ask}}
          catch:
            errors: {with: {type: 'https://stepwell.dev/errors/approval-rejected'}}
            as: refusal
            do: [{note: {set: {refused: '${ $refusal.detail }'}}}]
    """)
    say(caught, BOB, NO)
    assert (caught.status, caught.output) == ("completed", {"refused": "shell:pay: rejected by bob"})


def test_in_time_or_not_at_all() -> None:
    d = begun(PAY.replace("approval: ask", "approval: {need: 2, expires: PT1H}"))
    due = d.now + 3600 * SECOND
    assert [(t.purpose, t.due) for t in d.timers] == [("wake", due)]
    say(d, ADA)
    d.now = due
    with pytest.raises(ApprovalClosed, match="expired"):
        say(d, BOB)
    d.send(c.FireTimer("/do/0/pay", "wake"))
    assert d.state.run.error.type.endswith("approval-expired")
    assert d.state.run.error.detail == "http:POST https://a.io/pay: 1 of 2 approved in time"
    assert approval(d).status == "expired"
    with pytest.raises(ApprovalClosed, match="expired"):
        say(d, BOB)
    assert d.replayed() == d.state


def test_the_loser_is_told_who_won() -> None:
    d = begun(PAY)
    say(d, ADA)
    for again in (BOB, ADA):
        with pytest.raises(ApprovalClosed, match="approved by ada"):
            say(d, again, NO)


def test_a_quorum_of_different_people() -> None:
    d = begun(
        PAY.replace("approval: ask", "approval: {need: 2, approvers: {people: [ada, bob], groups: [ops]}}")
    )
    say(d, ADA)
    with pytest.raises(AlreadyDecided):
        say(d, ADA)
    with pytest.raises(Forbidden, match="eve may not"):
        say(d, EVE)
    assert d.pending == {}
    d.send(c.Signed(BOB, DelegateApproval("kim", comment="on leave")))
    with pytest.raises(Forbidden):
        say(d, BOB)
    say(d, Actor("kim"))
    assert [each.chain for each in approval(d).decisions] == [(), ("bob",)]
    assert "/do/0/pay" in d.pending
    assert d.replayed() == d.state


def test_who_asked_for_it_may_not_approve_it() -> None:
    d = begun(PAY, by=ADA)
    with pytest.raises(Forbidden, match="whoever asked"):
        say(d, ADA)
    with pytest.raises(Forbidden, match="whoever asked"):  # nor say no: that is cancelling the run
        say(d, ADA, NO)
    say(d, BOB)
    assert "/do/0/pay" in d.pending
    own = begun(PAY.replace("approval: ask", "approval: {selfApproval: true}"), by=ADA)
    say(own, ADA)
    assert "/do/0/pay" in own.pending


def test_an_approval_that_nobody_could_give_fails_at_once() -> None:
    d = begun(PAY.replace("approval: ask", "approval: {approvers: {people: [ada]}}"), by=ADA)
    assert d.status == "failed"
    assert "can never be approved: 1 of ada have to, and ada asked for it" in (d.state.run.error.detail or "")


def test_only_people_decide_and_they_say_who_they_are() -> None:
    d = begun(PAY)
    with pytest.raises(InvalidInput, match="whose"):
        d.send(DecideApproval(YES))
    with pytest.raises(Forbidden, match="a person's"):
        say(d, Actor("robot", ActorKind.SERVICE))
    with pytest.raises(NotFound):
        say(d, ADA, step="/do/7/other")
    with pytest.raises(NotFound):
        say(d, ADA, step="other")
    say(d, ADA, step="pay")


def test_secrets_are_masked_and_taken_anew() -> None:
    source = """
    use: {secrets: [token]}
    do:
      - pay:
          call: http
          with:
            method: get
            endpoint:
              uri: 'https://a.io/pay'
              authentication: {bearer: {token: '${ $secrets.token }'}}
            headers: {x-key: '${ "k-" + $secrets.token }', x-amount: '${ $variables.amount }'}
          metadata: {approval: ask}
    """
    d = begun(source, secrets={"token": "s3cret"})
    frozen = approval(d).arguments["http"]
    assert frozen["auth"] == {"token": "***"}
    assert frozen["headers"] == {"x-key": "k-***", "x-amount": "5"}
    d.send(c.SetVariables({"amount": 6}))
    say(d, ADA)
    action = d.pending["/do/0/pay"].action
    assert action.headers == {"x-key": "k-s3cret", "x-amount": "5"}
    assert action.auth == BearerAuth("s3cret")
    assert "s3cret" not in repr([event for turn in d.journal for event in turn.events])


def test_what_differs_beside_a_secret_is_not_performed() -> None:
    source = """
    use: {secrets: [token]}
    do:
      - pay:
          run: {shell: {command: '${ "pay " + $variables.amount + " " + $secrets.token }'}}
          metadata: {approval: ask}
    """
    d = begun(source, secrets={"token": "s3cret"}, variables={"amount": "5"})
    assert approval(d).what == "shell:pay 5 ***"
    d.send(c.SetVariables({"amount": "6"}))
    say(d, ADA)
    assert (d.status, d.pending) == ("failed", {})
    assert d.state.run.error.type == "https://stepwell.dev/errors/approval-outdated"


def test_every_kind_of_call_is_asked_about() -> None:
    engine = CallPolicy(Mode.ASK)
    shell = begun("do: [{a: {run: {shell: {command: ls, arguments: ['-l', 'a b']}}}}]", engine)
    assert approval(shell, "/do/0/a").what == "shell:ls -l 'a b'"
    say(shell, ADA)
    assert shell.pending["/do/0/a"].action == ShellAction("ls", ("-l", "a b"))
    python = begun("do: [{a: {call: python, with: {function: 'm:f', arguments: {n: '${ .id }'}}}}]", engine)
    assert approval(python, "/do/0/a").arguments == {"python": {"function": "m:f", "arguments": {"n": 7}}}
    say(python, ADA)
    assert python.pending["/do/0/a"].action.arguments == {"n": 7}
    child = begun(
        "do: [{a: {run: {workflow: {namespace: n, name: w, version: '1.0.0', input: {x: 1}}}}}]", engine
    )
    assert approval(child, "/do/0/a").what == "run:workflow n/w"
    say(child, ADA)
    action = child.pending["/do/0/a"].action
    assert isinstance(action, ChildAction)
    assert (action.input, action.depth, bool(action.run_id)) == ({"x": 1}, 1, True)
    assert child.step("a").reason == "children"


def test_denied_it_fails_and_nobody_is_asked() -> None:
    engine = CallPolicy(Mode.AUTO, block=("shell:rm *",))
    d = begun("do: [{a: {run: {shell: {command: 'rm x'}}, metadata: {approval: ask}}}]", engine)
    assert d.state.run.error.type == "https://stepwell.dev/errors/policy-denied"
    assert d.state.run.error.detail == "shell:rm x: the engine blocks shell:rm *"
    assert d.state.approvals == {}


def test_the_policy_of_a_document() -> None:
    source = """
    document:
      dsl: '1.0.3'
      namespace: test
      name: flow
      version: '1.0.0'
      metadata:
        policy: {mode: ask, allow: ['shell:ls'], need: 2, approvers: {groups: [ops]}, expires: PT1M}
    do:
      - look: {run: {shell: {command: ls}}}
      - act: {run: {shell: {command: make}}}
    """

    d = Driver(parse(textwrap.dedent(source))).start()
    d.complete("look")
    asked = approval(d, "/do/1/act")
    assert (asked.need, asked.approvers, asked.due) == (2, {"groups": ["ops"]}, d.now + 60 * SECOND)
    assert asked.reason == "the workflow asks before it"


def test_a_pause_holds_back_what_was_approved_and_what_was_rejected() -> None:
    for verdict, after in ((YES, "running"), (NO, "failed")):
        d = begun(PAY)
        d.send(c.PauseRun())
        assert d.status == "paused"
        say(d, ADA, verdict)
        assert (d.step("pay").status, d.pending, d.status) == ("waiting", {}, "paused")
        d.send(c.ResumeRun())
        assert d.step("pay").status == after
        assert d.replayed() == d.state


def test_time_goes_on_in_a_pause() -> None:
    d = begun(PAY.replace("approval: ask", "approval: {expires: PT1M}"))
    d.send(c.PauseRun())
    d.now += 61 * SECOND
    d.send(c.FireTimer("/do/0/pay", "wake"))
    with pytest.raises(ApprovalClosed, match="expired"):
        say(d, ADA)
    d.send(c.ResumeRun())
    d.send(c.FireTimer("/do/0/pay", "wake"))
    assert d.state.run.error.type.endswith("approval-expired")


@pytest.mark.parametrize("end", [c.CancelRun(), c.TerminateRun()])
def test_a_run_that_is_stopped_has_nothing_to_decide(end: Any) -> None:
    d = begun(PAY)
    d.send(end)
    assert d.step("pay").status == "cancelled"
    with pytest.raises(TransitionRefused, match="nothing left to decide"):
        say(d, ADA)


def test_a_guest_notes_the_decision_and_the_engine_goes_on() -> None:
    d = begun(PAY)
    ours, d.env = d.env, d.env._replace(begins=0)
    say(d, ADA)
    assert (d.pending, d.step("pay").status) == ({}, "waiting")
    d.env = ours
    d.send(c.Proceed())
    assert d.step("pay").status == "running"
    assert d.take("pay").action.body == {"amount": 5}


def test_the_attempt_begins_with_the_approval() -> None:
    policy = "{start: {action: fail, after: PT1M}}"
    d = begun(PAY.replace("approval: ask", f"approval: ask, errorPolicy: {policy}"))
    d.now += 3600 * SECOND
    say(d, ADA)
    assert [t.due for t in d.timers if t.purpose == "start"] == [d.now + 60 * SECOND]


@pytest.mark.parametrize(
    "wrong",
    [
        "metadata: {approval: maybe}",
        "metadata: {approval: {need: 0}}",
        "metadata: {approval: {need: 2, approvers: {people: [ada]}}}",
        "metadata: {approval: {approvers: {person: [ada]}}}",
        "metadata: {approval: {expires: soon}}",
        "metadata: {approval: {what: x}}",
    ],
)
def test_what_is_no_approval_is_refused(wrong: str) -> None:
    with pytest.raises(InvalidDefinition):
        definition(f"do: [{{a: {{run: {{shell: {{command: ls}}}}, {wrong}}}}}]")


@pytest.mark.parametrize("task", ["set: {a: 1}", "do: []", "call: form", "call: f"])
def test_what_is_not_called_cannot_be_approved(task: str) -> None:
    head = "use: {functions: {f: {run: {shell: {command: ls}}}}}\n"
    with pytest.raises(InvalidDefinition, match="what is called"):
        definition(f"{head}do: [{{a: {{{task}, metadata: {{approval: ask}}}}}}]")


NOBODY = [
    None,
    {"people": None},
    {"people": []},
    {"groups": []},
    {"people": "ada"},
    {"people": [None]},
    {"roles": [" "]},
    7,
]


@pytest.mark.parametrize("nobody", NOBODY)
def test_approvers_that_come_to_nothing_are_not_everybody(nobody: Any) -> None:
    source = "do: [{a: {run: {shell: {command: ls}}, metadata: {approval: {approvers: '${ .who }'}}}}]"
    d = Driver(definition(source)).start({"who": nobody})
    assert d.state.run.error.type.endswith("configuration")
    assert d.pending == {}


def test_terms_from_the_input_are_checked_when_they_are_known() -> None:
    source = "do: [{a: {run: {shell: {command: ls}}, metadata: {approval: {need: '${ .n }', approvers: '${ .who }'}}}}]"
    good = Driver(definition(source)).start({"who": {"people": ["ada"]}, "n": 1})
    assert approval(good, "/do/0/a").approvers == {"people": ["ada"]}
    for need in (None, 0, 2, "1", True, 1.5):
        bad = Driver(definition(source)).start({"who": {"people": ["ada"]}, "n": need})
        assert bad.state.run.error.type.endswith("configuration"), need


def test_a_policy_joins_the_terms_of_those_who_ask() -> None:
    engine = CallPolicy(Mode.ASK, terms=Terms(2, Approvers(groups=("ops",)), 60 * SECOND))
    d = begun(
        PAY.replace("approval: ask", "approval: {approvers: {people: [eve]}, selfApproval: true}"), engine
    )
    asked = approval(d)
    assert (asked.need, asked.approvers, asked.reason) == (
        2,
        {"groups": ["ops"]},
        "the engine asks before it",
    )
    with pytest.raises(Forbidden):
        say(d, EVE)


def test_a_question_whose_answer_is_wanted_whatever_it_is() -> None:
    source = """
    do:
      - ask:
          call: approval
          with: {title: 'Go?', refused: complete, expires: PT1M, actions: [{set: {went: true}}]}
      - then: {set: {was: '${ .decision }', why: '${ .reason }'}}
    """
    d = begun(source)
    say(d, ADA, NO, comment="rain")
    assert d.output == {"was": "rejected", "why": "Go?: rejected by ada: rain"}
    assert "went" not in d.state.run.variables
    late = begun(source)
    late.advance(61)
    assert late.output["was"] == "expired"
    fine = begun(source)
    say(fine, ADA)
    assert fine.output == {"was": "approved", "why": None}
    assert fine.state.run.variables["went"] is True


@pytest.mark.parametrize(
    "wrong",
    [
        "{mode: maybe}", "{allow: [billing]}", "{block: 'shell:*'}", "{block: [7]}", "{need: 0}", "{expires: PT0S}",
        "{expires: soon}", "{expires: '${ 1 }'}", "{approvers: {people: []}}", "{approvers: {people: [' ']}}",
        "{approvers: [ada]}", "{approvers: {person: [ada]}}", "{need: 2, approvers: {people: [ada, ada]}}",
        "{selfApproval: maybe}", "{moed: ask}", "ask", "[]", "{approvers: {people: ['${ .x }', 7]}}",
    ],
)  # fmt: skip
def test_a_policy_of_a_document_that_is_none_is_refused(wrong: str) -> None:
    head = f"document: {{dsl: '1.0.3', namespace: n, name: w, version: '1.0.0', metadata: {{policy: {wrong}}}}}\n"
    with pytest.raises(InvalidDefinition):
        parse(head + "do: []")
