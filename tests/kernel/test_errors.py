"""Errors, who catches them, and how often things are tried again (language-notes 1, 9 to 12, 20; SPEC U8, X7, S2)."""

import pytest

from stepwell.model.problem import Problem, communication, runtime
from tests.kernel.helpers import Driver, run


def test_raise_gives_the_error_with_a_pointer_to_the_task() -> None:
    d = run("""
    do:
      - bad:
          raise: {error: {type: 'https://x.test/mine', status: 418, title: Teapot, detail: '${ "short " + .s }'}}
    """, {"s": "stout"})  # fmt: skip
    assert d.state.run.error == Problem("https://x.test/mine", 418, "Teapot", "short stout", "/do/0/bad")


def test_an_instance_given_by_the_author_wins() -> None:
    d = run("do:\n  - bad: {raise: {error: {type: 'https://x.test/m', status: 400, instance: /mine}}}")
    assert d.state.run.error is not None and d.state.run.error.instance == "/mine"


def test_names_in_pointers_are_escaped() -> None:
    d = run("do:\n  - a/b~c: {raise: {error: {type: 'https://x.test/m', status: 400}}}")
    assert d.state.run.error is not None and d.state.run.error.instance == "/do/0/a~1b~0c"


TRY = """
    do:
      - block:
          try:
            - first: {{set: {{n: 1}}}}
            - call: {{call: python, with: {{function: f}}}}
          catch: {catch}
      - after: {{set: {{seen: '${{ . }}'}}}}
"""


def attempt(catch: str, problem: Problem, chance: float = 0.5) -> Driver:
    d = Driver(TRY.format(catch=catch), chance=chance).start({"in": 1})
    d.fail("call", problem)
    return d


def test_the_handler_gets_the_input_of_the_try_and_the_error() -> None:
    d = attempt(
        "{as: e, do: [{h: {set: {was: '${ . }', why: '${ $e.detail }', at: '${ $e.instance }'}}}]}",
        runtime("x"),
    )
    assert d.output == {"seen": {"was": {"in": 1}, "why": "x", "at": "/do/0/block/try/1/call"}}
    assert d.step("call").status == "failed"
    assert d.step("block").status == "completed"


def test_caught_without_a_handler_the_input_is_the_output() -> None:
    assert attempt("{}", runtime("x")).output == {"seen": {"in": 1}}


@pytest.mark.parametrize(
    ("filter", "caught"),
    [
        ("{status: 503}", True),
        ("{status: 500}", False),
        ("{type: 'https://open-workflow-specification.org/spec/1.0.0/errors/communication'}", True),
        ("{type: 'https://open-workflow-specification.org/dsl/errors/types/communication'}", True),
        ("{type: 'https://serverlessworkflow.io/spec/1.0.0/errors/communication'}", True),
        ("{type: 'https://x.test/communication'}", False),
        ("{type: 'https://open-workflow-specification.org/spec/1.0.0/errors/runtime'}", False),
        ("{title: Communication Error, status: 503}", True),
        ("{detail: busy}", True),
        ("{detail: other}", False),
        ("{instance: /do/0/block/try/1/call}", True),
        ("{instance: /do/0/block}", False),
    ],
)
def test_errors_with_filters(filter: str, caught: bool) -> None:
    d = attempt(f"{{errors: {{with: {filter}}}}}", communication(503, "busy"))
    assert d.status == ("completed" if caught else "failed")


@pytest.mark.parametrize(
    ("condition", "caught"),
    [
        ("when: .status == 503", True),
        ("when: $error.status == 500", False),
        ("exceptWhen: .status == 503", False),
        ("exceptWhen: $error.status == 500", True),
    ],
)
def test_when_and_except_when_see_the_error_both_ways(condition: str, caught: bool) -> None:
    assert attempt(f"{{{condition}}}", communication(503, "x")).status == (
        "completed" if caught else "failed"
    )


@pytest.mark.spec("X7", "U8")
@pytest.mark.parametrize(
    ("backoff", "delays"),
    [("constant", [2, 2, 2]), ("linear", [2, 4, 6]), ("exponential", [2, 4, 8])],
)
def test_back_off(backoff: str, delays: list[int]) -> None:
    d = attempt(
        f"{{retry: {{delay: {{seconds: 2}}, backoff: {{{backoff}: {{}}}}, limit: {{attempt: {{count: 3}}}}}}}}",
        runtime("x"),
    )
    for delay in delays:
        assert d.step("block").status == "waiting"
        assert d.step("block").due == d.now + delay * 1_000_000
        d.advance(delay - 0.001)
        assert not d.pending
        d.advance(0.001)
        d.fail("call", runtime("x"))
    assert d.status == "failed"
    assert [a.number for a in d.step("block").attempts] == [1, 2, 3, 4]


def test_jitter_is_added() -> None:
    retry = "{retry: {delay: {seconds: 1}, jitter: {from: {seconds: 1}, to: {seconds: 3}}, limit: {attempt: {count: 1}}}}"
    d = attempt(retry, runtime("x"), chance=0.5)
    assert d.step("block").due == d.now + 3_000_000


def test_the_handler_runs_once_when_the_retries_are_spent() -> None:
    d = attempt("{retry: {limit: {attempt: {count: 1}}}, do: [{h: {set: {handled: true}}}]}", runtime("one"))
    d.advance(0)
    d.fail("call", runtime("two"))
    assert d.output == {"seen": {"handled": True}}
    assert d.step("call").id == "/do/0/block/try[1]/1/call"


def test_a_good_retry_goes_on_with_the_blocks_output() -> None:
    d = attempt("{retry: {limit: {attempt: {count: 3}}}}", runtime("x"))
    d.advance(0)
    d.complete("call", {"ok": 1})
    assert d.output == {"seen": {"ok": 1}}
    assert d.step("block").attempt == 2


def test_the_idempotency_key_is_the_same_in_every_try() -> None:
    d = Driver(TRY.format(catch="{retry: {limit: {attempt: {count: 3}}}}")).start()
    first = d.pending[next(iter(d.pending))].key
    d.fail("call", runtime("x"))
    d.advance(0)
    assert d.pending[next(iter(d.pending))].key == first


def test_the_overall_limit_ends_the_retries() -> None:
    d = attempt("{retry: {delay: {seconds: 10}, limit: {duration: {seconds: 15}}}}", runtime("x"))
    d.advance(10)
    d.fail("call", runtime("x"))
    assert d.status == "failed"


def test_an_attempt_that_takes_too_long_is_tried_again() -> None:
    d = Driver(TRY.format(catch="{retry: {limit: {attempt: {count: 1, duration: {seconds: 3}}}}}")).start()
    d.advance(2.9)
    assert d.step("block").attempt == 1
    d.advance(0.1)
    assert [s.status.value for s in d.state.steps.values() if s.name == "call"] == ["cancelled", "running"]
    assert d.step("block").attempt == 2
    d.complete("call", {"ok": 1})
    assert d.status == "completed"


def test_retry_when_decides_on_the_retry_only() -> None:
    d = attempt(
        "{retry: {when: .status == 500, limit: {attempt: {count: 2}}}, do: [{h: {set: {h: 1}}}]}",
        communication(503, "x"),
    )
    assert d.output == {"seen": {"h": 1}}


def test_catch_then_says_where_to_go() -> None:
    assert attempt("{then: end}", runtime("x")).output == {"in": 1}


def test_an_error_in_the_handler_goes_up() -> None:
    d = attempt("{do: [{h: {raise: {error: {type: 'https://x.test/h', status: 400}}}}]}", runtime("x"))
    assert d.state.run.error is not None and d.state.run.error.type == "https://x.test/h"


def test_the_inner_try_catches_first() -> None:
    d = Driver("""
    do:
      - outer:
          try:
            - inner:
                try: [{call: {call: python, with: {function: f}}}]
                catch: {errors: {with: {status: 404}}, do: [{h: {set: {by: inner}}}]}
          catch: {do: [{h: {set: {by: outer}}}]}
    """)
    assert Driver(d.definition).start().fail("call", communication(404, "x")).merge().run.output == {
        "by": "inner"
    }
    assert Driver(d.definition).start().fail("call", communication(500, "x")).merge().run.output == {
        "by": "outer"
    }


@pytest.mark.spec("U8", "U9")
def test_task_timeout_fails_the_run_with_408() -> None:
    d = Driver("do:\n  - slow: {call: python, with: {function: f}, timeout: {after: {seconds: 2}}}").start()
    d.advance(2)
    assert d.status == "failed"
    assert d.state.run.error is not None and d.state.run.error.status == 408
    assert d.step("slow").status == "timed_out"


def test_a_timeout_of_a_block_ends_what_is_inside_and_can_be_caught() -> None:
    d = Driver("""
    do:
      - t:
          try:
            - block:
                do: [{slow: {call: python, with: {function: f}}}]
                timeout: {after: {seconds: 2}}
          catch: {errors: {with: {status: 408}}, do: [{h: {set: {late: true}}}]}
    """).start()
    d.advance(2)
    assert (d.status, d.output) == ("completed", {"late": True})
    assert (d.step("slow").status, d.step("block").status) == ("cancelled", "timed_out")


@pytest.mark.spec("U9")
def test_workflow_timeout() -> None:
    d = Driver("timeout: {after: {seconds: 3}}\ndo:\n  - slow: {call: python, with: {function: f}}").start()
    d.advance(3)
    assert d.status == "timed_out"
    assert d.state.run.error is not None and d.state.run.error.status == 408
    assert d.step("slow").status == "cancelled"


@pytest.mark.spec("U3")
def test_an_optional_step_lets_the_run_go_on() -> None:
    d = Driver("""
    do:
      - a: {set: {v: 1}}
      - extra: {call: python, with: {function: f}, metadata: {optional: true}}
      - b: {set: {v: '${ .v + 1 }'}}
    """).start()
    d.fail("extra", runtime("x"))
    assert (d.status, d.output) == ("completed", {"v": 2})
    assert d.step("extra").status == "failed"
    assert list(d.state.run.errors) == ["/do/1/extra"]


def policy(text: str) -> Driver:
    from stepwell.definition.parse import parse

    return Driver(
        parse(f"""
document: {{dsl: '1.0.3', namespace: test, name: p, version: '1.0.0', metadata: {{failurePolicy: {text}}}}}
do:
  - all:
      fork:
        branches:
          - a: {{call: python, with: {{function: a}}}}
          - b: {{call: python, with: {{function: b}}}}
          - c: {{call: python, with: {{function: c}}}}
""")
    ).start()


@pytest.mark.spec("S2")
@pytest.mark.parametrize(
    ("text", "failures", "status"),
    [
        ("fail_fast", "a", "failed"),
        ("finish", "a", "failed"),
        ("ignore", "abc", "completed"),
        ("{tolerate: 1}", "a", "completed"),
        ("{tolerate: 1}", "ab", "failed"),
        ("{tolerate: '50%'}", "a", "completed"),
        ("{tolerate: '50%'}", "abc", "failed"),
    ],
)
def test_failure_policies(text: str, failures: str, status: str) -> None:
    d = policy(text)
    for name in "abc":
        if d.status != "running":
            break
        if name in failures:
            d.fail(name, runtime(name))
        else:
            d.complete(name, {name: 1})
    assert d.status == status
    if status == "failed":
        assert d.state.run.error is not None and d.state.run.error_step is not None
        assert d.state.run.ended_at is not None


def test_finish_lets_the_rest_end_before_it_fails() -> None:
    d = policy("finish")
    d.fail("a", runtime("a"))
    assert d.status == "running"
    d.complete("b", 2)
    d.complete("c", 3)
    assert d.status == "failed"
    assert d.state.run.error_step == "/do/0/all/fork/branches/0/a"


def test_fail_fast_cancels_the_rest() -> None:
    d = policy("fail_fast")
    d.fail("b", runtime("b"))
    assert {d.step(n).status.value for n in "ac"} == {"cancelled"}


def test_an_expression_error_is_the_steps_own() -> None:
    d = run("do:\n  - s: {set: {x: '${ .a + 1 }'}}", {"a": {}})
    assert d.state.run.error is not None
    assert (d.state.run.error.title, d.state.run.error.instance) == ("Expression Error", "/do/0/s")


def test_an_undeclared_or_missing_secret_is_an_authorization_error() -> None:
    d = run("use: {secrets: [known]}\ndo:\n  - s: {set: {x: '${ $secrets.known }'}}")
    assert d.state.run.error is not None and d.state.run.error.status == 403


def test_for_in_must_be_a_list() -> None:
    d = run("do:\n  - f: {for: {in: .x}, do: [{a: {set: {y: 1}}}]}", {"x": 3})
    assert d.status == "failed"


def test_a_branch_that_was_about_to_begin_does_not_begin_after_the_fork_has_failed() -> None:
    d = run("""
    do:
      - t:
          try:
            - both:
                fork:
                  branches:
                    - a: {raise: {error: {type: 'https://x.test/a', status: 400}}}
                    - b: {call: python, with: {function: b}}
          catch: {do: [{h: {set: {handled: true}}}]}
    """)
    assert (d.status, d.output) == ("completed", {"handled": True})
    assert "b" not in d.order() and not d.pending
