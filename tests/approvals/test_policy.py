"""What a policy says of a call: levels, lists, patterns (SPEC X8)."""

from __future__ import annotations

import pytest

from stepwell.definition.building.approvals import engine_policy
from stepwell.kernel.approvals.judge import Level, judge
from stepwell.kernel.approvals.names import called, matching
from stepwell.model.actions import ChildAction, HttpAction, PythonAction, ShellAction
from stepwell.model.approvals import Approvers, CallPolicy, Mode, Terms
from stepwell.model.errors import InvalidInput

NAME = "http:POST https://api.example.com/pay"
LISTED = ("http:POST https://api.example.com/*",)
pytestmark = pytest.mark.spec("X8")


def of(mode: Mode, lists: str = "") -> CallPolicy:
    allow = LISTED if "allow" in lists else ()
    block = LISTED if "block" in lists else ()
    return CallPolicy(mode, allow, block)


@pytest.mark.parametrize(
    ("mode", "lists", "outcome"),
    [
        ("auto", "", "auto"), ("auto", "allow", "auto"), ("auto", "block", "deny"), ("auto", "allow block", "deny"),
        ("ask", "", "ask"), ("ask", "allow", "auto"), ("ask", "block", "deny"), ("ask", "allow block", "deny"),
        ("deny", "", "deny"), ("deny", "allow", "auto"), ("deny", "block", "deny"), ("deny", "allow block", "deny"),
    ],
)  # fmt: skip
def test_one_level(mode: str, lists: str, outcome: str) -> None:
    assert judge(NAME, [Level("the engine", of(Mode(mode), lists))]).mode == outcome


SAYS = {
    "auto": of(Mode.AUTO),
    "ask": of(Mode.ASK),
    "deny": of(Mode.DENY),
    "allowed": of(Mode.ASK, "allow"),
    "blocked": of(Mode.AUTO, "block"),
}


@pytest.mark.parametrize("engine", SAYS)
@pytest.mark.parametrize("workflow", SAYS)
@pytest.mark.parametrize("task", ["auto", "ask"])
def test_of_all_levels_the_strictest_holds(engine: str, workflow: str, task: str) -> None:
    """A workflow cannot allow what the engine asks about: its list lets pass what itself would ask about, no more."""
    strictness = {"auto": 0, "allowed": 0, "ask": 1, "deny": 2, "blocked": 2}
    strictest = max(strictness[engine], strictness[workflow], strictness[task])
    levels = [
        Level("the engine", SAYS[engine]),
        Level("the workflow", SAYS[workflow]),
        Level("the task", SAYS[task]),
    ]
    assert judge(NAME, levels).mode == ["auto", "ask", "deny"][strictest]


def test_a_judgement_names_who_wants_it_so() -> None:
    levels = [Level("the engine", of(Mode.AUTO)), Level("the workflow", of(Mode.AUTO, "block"))]
    assert judge(NAME, levels).reason == "the workflow blocks http:POST https://api.example.com/*"
    assert judge(NAME, [Level("the task", of(Mode.ASK))]).reason == "the task asks before it"


def test_terms_of_several_levels_are_the_strictest() -> None:
    engine = CallPolicy(Mode.ASK, terms=Terms(need=1, expires=600, own=True))
    workflow = CallPolicy(Mode.ASK, terms=Terms(2, Approvers(groups=("finance",)), 900, own=True))
    task = CallPolicy(Mode.ASK, terms=Terms(1, Approvers(people=("eve",)), None, own=False))
    levels = [Level("the engine", engine), Level("the workflow", workflow), Level("the task", task)]
    assert judge(NAME, levels).terms == Terms(2, Approvers(groups=("finance",)), 600, own=False)
    # a level that lets it pass has no say in the terms
    assert judge(NAME, [levels[0], Level("the task", of(Mode.AUTO))]).terms == engine.terms


@pytest.mark.parametrize(
    ("action", "name"),
    [
        (HttpAction("post", "https://API.Example.com:443/a/b?x=1#y", {}, {}), "http:POST https://api.example.com/a/b"),
        (HttpAction("GET", "https://a.io/public/../admin", {}, {}), "http:GET https://a.io/admin"),
        (HttpAction("GET", "https://a.io/public/%2e%2e%2fadmin", {}, {}), "http:GET https://a.io/admin"),
        (HttpAction("GET", "https://a.io/%61dmin/./x", {}, {}), "http:GET https://a.io/admin/x"),
        (HttpAction("GET", "https://me:pw@a.io", {}, {}), "http:GET https://a.io/"),
        (HttpAction("GET", "http://[::1]:8080/x", {}, {}), "http:GET http://[::1]:8080/x"),
        (HttpAction("GET", "https://a.io:x/", {}, {}), "http:GET https://a.io:x/"),
        (PythonAction("billing.cards:charge"), "python:billing.cards:charge"),
        (ShellAction("git push", ("origin", "a b; rm")), "shell:git push origin 'a b; rm'"),
        (ChildAction("id", "sales", "order", "1.0.0", {}), "run:workflow sales/order"),
    ],
)  # fmt: skip
def test_what_a_call_is_called(action: object, name: str) -> None:
    assert called(action) == name  # type: ignore[arg-type]


MATCHES = [
    ("*", NAME, True),
    ("http:*", NAME, True),
    ("http:POST", NAME, True),
    ("http:GET", NAME, False),
    ("http:post https://API.example.com/*", NAME, True),
    ("http:* https://api.example.com/*", NAME, True),
    ("http:https://api.example.com/pay", NAME, True),
    ("http:GET https://api.example.com/*", NAME, False),
    ("http:POST https://*.example.com/*", NAME, True),
    ("http:POST https://*", NAME, True),
    ("http:POST https://*.example.com/*", "http:POST https://evil.io/x.example.com/", False),
    ("http:POST https://api.example.com/*", "http:POST https://api.example.com.evil.io/", False),
    ("http:POST https://api.example.com/*", "http:POST http://api.example.com/", False),
    ("http:GET https://api.example.com", "http:GET https://api.example.com/", True),
    ("http:GET https://api.example.com", "http:GET https://api.example.com/x", False),
    ("python:billing.*", "python:billing.cards:charge", True),
    ("python:billing.*", "python:billings", False),
    ("python:billing.*", "python:billing_x.y", False),
    ("run:workflow sales/*", "run:workflow sales/order", True),
    ("shell:*", "shell:rm -rf /; echo", True),
    ("step:order/*", "step:order/charge", True),
]


@pytest.mark.parametrize(("pattern", "name", "matches"), MATCHES)
@pytest.mark.parametrize("strict", [True, False])
def test_patterns(pattern: str, name: str, matches: bool, strict: bool) -> None:
    assert (matching(name, [pattern], strict=strict) == pattern) is matches


@pytest.mark.parametrize(
    "more", ["; rm -rf /", "\nrm x", " && rm x", "$(rm x)", "`rm x`", " > /etc/passwd", " | sh"]
)
def test_an_allowed_command_does_not_let_another_one_pass(more: str) -> None:
    assert matching("shell:ls -l", ["shell:ls *"], strict=True)
    assert matching("shell:ls -l" + more, ["shell:ls *"], strict=True) is None
    assert matching("shell:ls -l" + more, ["shell:*rm *", "shell:*/*", "shell:*sh"], strict=False)


@pytest.mark.parametrize("pattern", ["", "htp:*", "http:", "billing.*", 7, "HTTP:GET *"])
def test_a_pattern_that_could_never_match_is_refused(pattern: object) -> None:
    for lists in ({"allow": (pattern,)}, {"block": (pattern,)}):
        with pytest.raises(InvalidInput):
            CallPolicy(**lists)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "terms",
    [Terms(need=0), Terms(need=True), Terms(need=2, approvers=Approvers(people=("ada",))), Terms(expires=0)],
)
def test_terms_that_can_never_be_met_are_refused(terms: Terms) -> None:
    with pytest.raises(InvalidInput):
        CallPolicy(terms=terms)


@pytest.mark.parametrize(
    "wrong",
    [
        {"mood": "ask"},
        {"mode": "maybe"},
        {"mode": ["ask"]},
        {"allow": "python:*"},
        {"block": ["nothing"]},
        {"need": 0},
        {"need": "2"},
        {"approvers": {"people": "ada"}},
        {"approvers": {"groups": []}},
        {"expires": "soon"},
        {"selfApproval": "yes"},
    ],
)
def test_a_policy_of_an_engine_that_is_none_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        engine_policy(wrong)


def test_a_policy_of_an_engine() -> None:
    given = {
        "mode": "ask",
        "allow": ["python:*"],
        "need": 2,
        "approvers": {"roles": ["lead"]},
        "expires": "PT1M",
    }
    terms = Terms(2, Approvers(roles=("lead",)), 60_000_000)
    assert engine_policy(given) == CallPolicy(Mode.ASK, ("python:*",), terms=terms)
    assert engine_policy(None) is None
