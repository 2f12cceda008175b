"""Who may decide, and what follows: the rules on one approval (SPEC X8, Q8)."""

from __future__ import annotations

from typing import Any

import pytest

from stepwell.kernel.approvals.rules import chain_of, decided, delegated, objection, reachable, says
from stepwell.model.approvals import (
    Approval,
    ApprovalStatus,
    Approvers,
    Decision,
    Delegation,
    Verdict,
    approvers,
)
from stepwell.model.errors import AlreadyDecided, ApprovalClosed, Forbidden, InvalidInput
from stepwell.model.people import Actor

YES, NO = Verdict.APPROVE, Verdict.REJECT
pytestmark = pytest.mark.spec("X8", "Q8")


ADA, BOB, EVE = Actor("ada"), Actor("bob"), Actor("eve")


def asked(**given: Any) -> Approval:
    return Approval("/do/0/pay", "http:POST https://a.io/pay", {"body": 1}, 0, **given)


def of(*people: str, **more: Any) -> dict[str, Any]:
    return Approvers(people, **more).as_json()


def say(approval: Approval, who: Actor, verdict: Verdict = YES, at: int = 1) -> ApprovalStatus:
    """Decide, and write it down."""
    status = decided(approval, who, verdict, at)
    approval.decisions.append(Decision(who.id, verdict, at, chain=chain_of(approval, who.id)))
    approval.status = status
    return status


def hand_on(approval: Approval, by: Actor, to: str) -> None:
    delegated(approval, by, to, 1)
    approval.delegations.append(Delegation(by.id, to, 1))


def test_so_many_have_to_approve_and_one_rejects() -> None:
    approval = asked(need=2, approvers=of("ada", "bob", "eve"))
    assert [say(approval, ADA), say(approval, BOB)] == ["pending", "approved"]
    approval = asked(need=2, approvers=of("ada", "bob", "eve"))
    assert [say(approval, ADA), say(approval, BOB, NO)] == ["pending", "rejected"]


def test_nobody_decides_twice() -> None:
    approval = asked(need=2)
    say(approval, ADA, at=1_000_000)
    with pytest.raises(AlreadyDecided, match="ada has decided .* approve at 1970-01-01T00:00:01") as caught:
        say(approval, ADA, NO)
    assert (caught.value.by, caught.value.verdict) == ("ada", "approve")


@pytest.mark.parametrize(("verdict", "status"), [(YES, "approved"), (NO, "rejected")])
def test_what_is_decided_stays_decided_and_names_who_did(verdict: Verdict, status: str) -> None:
    approval = asked()
    say(approval, ADA, verdict)
    for attempt in (lambda: say(approval, BOB), lambda: delegated(approval, BOB, "eve", 1)):
        with pytest.raises(ApprovalClosed, match=f"{status} by ada") as caught:
            attempt()
        assert (caught.value.status, caught.value.by) == (status, "ada")


def test_after_its_time_nobody_decides() -> None:
    approval = asked(due=100)
    assert decided(approval, ADA, YES, 99) == "approved"
    with pytest.raises(ApprovalClosed, match="expired at") as caught:
        decided(approval, ADA, YES, 100)
    assert (caught.value.status, caught.value.by) == ("expired", None)


@pytest.mark.parametrize(
    ("given", "who", "why"),
    [
        ({}, ADA, None),
        (of("ada"), ADA, None),
        (of("ada"), BOB, "not one of the approvers"),
        (of(groups=("finance",)), Actor("bob", groups=("finance", "x")), None),
        (of(groups=("finance",)), BOB, "not one of the approvers"),
        (of("ada", groups=("finance",)), ADA, None),
        (of(roles=("lead", "head")), BOB, "it takes the role lead or head"),
        (of(roles=("lead",)), Actor("bob", roles=("lead",)), None),
        (of("ada", roles=("lead",)), ADA, "it takes the role lead"),
        (of("ada", roles=("lead",)), Actor("bob", roles=("lead",)), "not one of the approvers"),
    ],
)
def test_who_may_decide(given: dict[str, Any], who: Actor, why: str | None) -> None:
    approval = asked(approvers=given)
    assert objection(approval, who) == why
    if why is not None:
        with pytest.raises(Forbidden, match="may not decide"):
            say(approval, who)
        assert approval.decisions == []


def test_who_asked_for_it_does_not_decide_on_it() -> None:
    approval = asked(approvers=of("ada", "bob"), excluded=("ada",))
    with pytest.raises(Forbidden, match="whoever asked"):
        say(approval, ADA)
    with pytest.raises(Forbidden, match="ada may not decide"):  # nor through somebody else
        delegated(approval, BOB, "ada", 1)


def test_a_decision_is_handed_on_and_the_chain_is_on_record() -> None:
    approval = asked(need=2, approvers=of("ada", "bob"))
    hand_on(approval, ADA, "eve")
    with pytest.raises(Forbidden, match="handed on to eve"):
        say(approval, ADA)
    hand_on(approval, EVE, "kim")
    assert say(approval, Actor("kim")) == "pending"
    assert approval.decisions[0].chain == ("ada", "eve")
    assert say(approval, BOB) == "approved"
    assert approval.decisions[1].chain == ()


@pytest.mark.parametrize("to", ["ada", "eve", "kim", " "])
def test_a_decision_goes_round_in_no_circle(to: str) -> None:
    approval = asked(approvers=of("ada"))
    hand_on(approval, ADA, "eve")
    hand_on(approval, EVE, "kim")
    with pytest.raises(InvalidInput):
        delegated(approval, Actor("kim"), to, 1)


def test_only_who_may_decide_hands_it_on_to_who_could_not() -> None:
    approval = asked(need=2, approvers=of("ada", "bob", "kim"))
    with pytest.raises(Forbidden):
        delegated(approval, EVE, "jo", 1)
    with pytest.raises(InvalidInput, match="bob may decide .* anyway"):
        delegated(approval, ADA, "bob", 1)
    say(approval, ADA)
    with pytest.raises(AlreadyDecided):
        delegated(approval, ADA, "eve", 1)
    hand_on(approval, BOB, "eve")
    with pytest.raises(InvalidInput, match="eve may decide .* anyway"):  # two votes for one person
        delegated(approval, Actor("kim"), "eve", 1)


def test_a_role_is_needed_of_delegates_too() -> None:
    approval = asked(approvers=of("ada", roles=("lead",)))
    lead = Actor("ada", roles=("lead",))
    hand_on(approval, lead, "eve")
    assert objection(approval, EVE) == "it takes the role lead"
    assert objection(approval, Actor("eve", roles=("lead",))) is None


def test_whether_enough_people_are_left() -> None:
    assert reachable(Approvers(), 3, {"ada"})
    assert reachable(Approvers(groups=("ops",)), 3, {"ada"})
    assert reachable(Approvers(("ada", "bob")), 1, {"ada"})
    assert not reachable(Approvers(("ada", "bob")), 2, {"ada"})


def test_who_may_in_words() -> None:
    assert says(Approvers()) == "anybody"
    assert says(Approvers(("ada", "bob"), ("ops",), ("lead",))) == "ada, bob or group ops with the role lead"


@pytest.mark.parametrize(
    "wrong", [7, [], {"person": ["ada"]}, {"people": "ada"}, {"people": [7]}, {"roles": [" "]}]
)
def test_approvers_that_are_none_are_refused(wrong: Any) -> None:
    with pytest.raises(InvalidInput):
        approvers(wrong)
