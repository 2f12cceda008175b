"""How a run goes from task to task (Open Workflow DSL 1.0.3; language-notes 2 to 8)."""

import copy

import pytest

from stepwell.definition.expression import Deferred, evaluate
from stepwell.kernel.ruling import Environment
from stepwell.model import commands as c
from stepwell.model.errors import InvalidDefinition
from stepwell.model.problem import Problem, runtime
from tests.kernel.helpers import Driver, run


@pytest.mark.spec("B2")
def test_tasks_run_in_sequence_and_hand_their_output_on() -> None:
    d = run("""
    do:
      - a: {set: {x: 1}}
      - b: {set: {y: '${ .x + 1 }'}}
    """)
    assert (d.status, d.output, d.order()) == ("completed", {"y": 2}, ["a", "b"])


@pytest.mark.spec("S1")
def test_zero_tasks_complete_at_once() -> None:
    d = run("do: []", {"in": 1})
    assert (d.status, d.output) == ("completed", {"in": 1})
    assert d.state.run.ended_at is not None


@pytest.mark.spec("X5")
def test_then_jumps_exits_and_ends() -> None:
    d = run("""
    do:
      - outer:
          do:
            - a: {set: {v: a}, then: c}
            - b: {set: {v: b}}
            - c: {set: {v: c}, then: exit}
            - d: {set: {v: d}}
      - e: {set: {v: '${ .v + "e" }'}, then: end}
      - f: {set: {v: f}}
    """)
    assert d.order() == ["outer", "a", "c", "e"]
    assert d.output == {"v": "ce"}


def test_end_inside_a_block_ends_the_run() -> None:
    d = run("""
    do:
      - block:
          do:
            - a: {set: {v: 1}, then: end}
            - b: {set: {v: 2}}
      - c: {set: {v: 3}}
    """)
    assert (d.status, d.output, d.order()) == ("completed", {"v": 1}, ["block", "a"])
    assert d.step("block").status == "completed"


def test_end_in_a_fork_branch_ends_the_run() -> None:
    d = Driver("""
    do:
      - both:
          fork:
            branches:
              - slow: {call: python, with: {function: slow}}
              - quick: {call: python, with: {function: quick}, then: end}
    """).start()
    d.complete("quick", {"won": True})
    assert (d.status, d.output) == ("completed", {"won": True})
    assert d.step("slow").status == "cancelled"


@pytest.mark.spec("U7")
def test_a_task_that_is_visited_again_is_another_step() -> None:
    d = run(
        """
    do:
      - count: {set: {n: '${ .n + 1 }'}}
      - again:
          switch:
            - more: {when: .n < 4, then: count}
            - enough: {then: end}
    """,
        {"n": 0},
    )
    assert d.output == {"n": 4}
    assert [s for s in d.state.steps if s.endswith("count") or "count[" in s] == [
        "/do/0/count",
        "/do/0/count[1]",
        "/do/0/count[2]",
        "/do/0/count[3]",
    ]


def test_a_false_if_skips_and_its_then_is_ignored() -> None:
    d = run(
        """
    do:
      - a: {if: .go, set: {v: 1}, then: end}
      - b: {set: {v: '${ .v + 1 }'}}
    """,
        {"go": False, "v": 5},
    )
    assert d.output == {"v": 6}
    assert d.step("a").status == "skipped"
    assert d.step("a").skip_reason == "if: .go is false"


def test_switch_takes_the_first_case_that_holds() -> None:
    body = """
    do:
      - pick:
          switch:
            - low: {when: .n < 10, then: small}
            - mid: {when: .n < 100, then: medium}
            - rest: {then: large}
      - small: {set: {size: s}, then: end}
      - medium: {set: {size: m}, then: end}
      - large: {set: {size: l}, then: end}
    """
    assert [run(body, {"n": n}).output["size"] for n in (1, 50, 500)] == ["s", "m", "l"]


def test_for_hands_each_output_to_the_next_iteration() -> None:
    d = run(
        """
    do:
      - sum:
          for: {each: item, in: .items, at: i}
          do:
            - add: {set: {items: '${ .items }', total: '${ (.total // 0) + $item * $i }'}}
    """,
        {"items": [5, 6, 7]},
    )
    assert d.output["total"] == 20
    assert [s.index for s in d.state.steps.values() if s.name == "add"] == [(0,), (1,), (2,)]


def test_for_stops_when_while_no_longer_holds() -> None:
    d = run(
        """
    do:
      - grow:
          for: {each: item, in: .items}
          while: .n < 3
          do:
            - add: {set: {items: '${ .items }', n: '${ .n + 1 }'}}
    """,
        {"items": [1, 2, 3, 4, 5], "n": 0},
    )
    assert d.output["n"] == 3


def test_for_without_items_passes_its_input_through() -> None:
    d = run("do:\n  - none: {for: {in: .items}, do: [{a: {set: {x: 1}}}]}", {"items": []})
    assert d.output == {"items": []}


def test_exit_in_a_loop_ends_that_iteration_only() -> None:
    d = run(
        """
    do:
      - loop:
          for: {each: item, in: .items}
          do:
            - a: {set: {items: '${ .items }', seen: '${ (.seen // []) + [$item] }'}, then: exit}
            - b: {set: {never: true}}
    """,
        {"items": [1, 2]},
    )
    assert d.output["seen"] == [1, 2]
    assert "b" not in d.order()


@pytest.mark.spec("U7")
def test_concurrent_for_keeps_the_order_of_the_items_and_the_limit() -> None:
    d = Driver("""
    do:
      - each:
          for: {each: item, in: .items}
          metadata: {concurrency: 2}
          do:
            - work: {call: python, with: {function: work, arguments: ['${ $item }']}}
    """).start({"items": [1, 2, 3, 4]})
    done = []
    while d.pending:
        assert len(d.pending) <= 2
        step = list(d.pending)[-1]  # the one that began last is through first
        effect = d.pending[step]
        done.append(effect.action.arguments[0])
        d.complete_effect(step, effect.action.arguments[0] * 10)
    assert done != [1, 2, 3, 4]
    assert d.output == [10, 20, 30, 40]


def test_fork_gives_the_outputs_in_declared_order() -> None:
    d = Driver("""
    do:
      - both:
          fork:
            branches:
              - a: {call: python, with: {function: a}}
              - b: {call: python, with: {function: b}}
    """).start()
    d.complete("b", "B")
    assert d.status == "running"
    d.complete("a", "A")
    assert d.output == ["A", "B"]


def test_fork_compete_gives_the_winner_and_cancels_the_losers() -> None:
    d = Driver("""
    do:
      - race:
          fork:
            compete: true
            branches:
              - a: {call: python, with: {function: a}}
              - b: {call: python, with: {function: b}}
              - c: {do: [{inner: {call: python, with: {function: c}}}]}
    """).start()
    decision = d.complete("b", "B")
    assert d.output == "B"
    assert {s.name: s.status.value for s in d.state.steps.values()} == {
        "race": "completed", "a": "cancelled", "b": "completed", "c": "cancelled", "inner": "cancelled",
    }  # fmt: skip
    assert len([e for e in decision.effects if type(e).__name__ == "Interrupt"]) == 2


def test_the_first_uncaught_error_of_a_branch_faults_the_fork() -> None:
    d = Driver("""
    do:
      - both:
          fork:
            branches:
              - a: {call: python, with: {function: a}}
              - b: {call: python, with: {function: b}}
    """).start()
    d.fail("a", runtime("broken"))
    assert d.status == "failed"
    assert d.state.run.error == Problem(
        **{**_json(runtime("broken")), "instance": "/do/0/both/fork/branches/0/a"}
    )
    assert d.step("b").status == "cancelled"


def _json(problem: Problem) -> dict:
    return {name: getattr(problem, name) for name in ("type", "status", "title", "detail", "instance")}


def test_input_output_and_export_shape_the_data() -> None:
    d = run(
        """
    input: {from: .order}
    output: {as: '{ result: ., seen: $context.seen }'}
    do:
      - a:
          input: {from: .id}
          set: {id: '${ . }', upper: '${ $input }'}
          output: {as: .id}
          export: {as: '$context + { seen: . }'}
      - b: {set: {previous: '${ . }', known: '${ $context.seen }'}}
    """,
        {"order": {"id": "x7"}},
    )
    assert d.output == {"result": {"previous": "x7", "known": "x7"}, "seen": "x7"}


def test_first_context_is_the_transformed_input() -> None:
    d = run(
        "input: {from: .a}\ndo:\n  - s: {set: {c: '${ $context }', w: '${ $workflow.input }'}}",
        {"a": {"b": 1}},
    )
    assert d.output == {"c": {"b": 1}, "w": {"a": {"b": 1}}}


@pytest.mark.spec("Q14")
@pytest.mark.parametrize("where", ["workflow", "task", "output"])
def test_schemas_are_checked(where: str) -> None:
    schema = "{schema: {format: json, document: {type: object, required: [id]}}}"
    body = {
        "workflow": f"input: {schema}\ndo:\n  - s: {{set: {{x: 1}}}}",
        "task": f"do:\n  - s: {{input: {schema}, set: {{x: 1}}}}",
        "output": f"do:\n  - s: {{set: {{x: 1}}, output: {schema}}}",
    }[where]
    d = run(body, {"no": 1})
    assert d.status == "failed"
    assert d.state.run.error is not None
    assert (d.state.run.error.status, d.state.run.error.title) == (400, "Validation Error")
    assert "id" in (d.state.run.error.detail or "")


def test_task_workflow_and_runtime_are_visible() -> None:
    d = run("do:\n  - s: {set: {t: '${ $task.name }', r: '${ $task.reference }', w: '${ $workflow.id }'}}")
    assert d.output == {"t": "s", "r": "/do/0/s", "w": "run"}


def test_a_function_of_the_document_gets_its_arguments_as_input() -> None:
    d = run("""
    use:
      functions:
        double: {set: {twice: '${ .n * 2 }'}}
    do:
      - one: {call: double, with: {n: 4}}
      - two: {call: double, with: {n: '${ .twice }'}}
    """)
    assert d.output == {"twice": 16}


def test_wait_passes_its_input_and_never_ends_early() -> None:
    d = run("do:\n  - w: {wait: {seconds: 5}}", {"a": 1})
    assert d.step("w").reason == "timer"
    d.advance(4.9)
    assert d.status == "running"
    d.advance(0.1)
    assert (d.status, d.output) == ("completed", {"a": 1})


def test_a_chain_of_inline_tasks_without_end_makes_way_for_others() -> None:
    d = Driver("do:\n  - a: {set: {n: '${ .n + 1 }'}, then: a}")
    decision = d.send_start({"n": 0})
    assert d.status == "running"
    assert any(type(effect).__name__ == "Continue" for effect in decision.effects)


def test_replaying_the_journal_gives_the_same_state() -> None:
    d = Driver("""
    do:
      - loop:
          for: {each: item, in: .items}
          metadata: {concurrency: 2}
          do:
            - work: {call: python, with: {function: work}}
      - after: {set: {n: '${ length }'}}
    """).start({"items": [1, 2, 3]})
    while d.pending:
        d.complete("work", {"ok": True})
    assert d.output == {"n": 3}
    assert d.replayed() == d.state


def test_losers_that_were_about_to_begin_do_not_begin() -> None:
    d = run("""
    do:
      - race:
          fork:
            compete: true
            branches:
              - a: {set: {won: a}}
              - b: {call: python, with: {function: b}}
    """)
    assert (d.output, d.order()) == ({"won": "a"}, ["race", "a"])
    assert not d.pending


def test_a_timer_that_comes_too_early_changes_nothing() -> None:
    d = Driver("do:\n  - w: {wait: {seconds: 5}, timeout: {after: {seconds: 9}}}").start()
    for purpose in ("wake", "timeout", "attempt"):
        assert d.send(c.FireTimer("/do/0/w", purpose)).events == []
    assert d.send(c.FireTimer(None, "timeout")).events == []
    assert d.step("w").status == "waiting"


def test_a_decision_that_must_wait_for_a_value_leaves_the_state_as_it_was() -> None:
    d = Driver("""
    do:
      - a: {call: python, with: {function: a}}
      - b: {set: {n: '${ [range(3)] | length }'}}
    """).start()
    d.env = Environment(evaluate)
    before = copy.deepcopy(d.state)
    with pytest.raises(Deferred):
        d.send(c.CompleteStep("/do/0/a", 1, {"x": 1}))
    assert d.state == before


def test_an_absorbed_failure_does_not_win_a_race() -> None:
    d = Driver("""
    do:
      - race:
          fork:
            compete: true
            branches:
              - x: {call: python, with: {function: x}, metadata: {optional: true}}
              - y: {call: python, with: {function: y}}
    """).start()
    d.fail("x", runtime("x"))
    assert d.status == "running"
    d.complete("y", "Y")
    assert d.output == "Y"


def test_the_successor_of_an_absorbed_failure_gets_what_it_got_in_a_concurrent_loop_too() -> None:
    d = Driver("""
    do:
      - loop:
          for: {each: i, in: .items}
          metadata: {concurrency: 2}
          do:
            - opt: {call: python, with: {function: f}, metadata: {optional: true}}
            - after: {set: {n: '${ .items | length }'}}
    """).start({"items": [1, 2]})
    d.fail("opt", runtime("x"))
    d.complete("opt", {"items": []})
    assert d.output == [{"n": 2}, {"n": 0}]


@pytest.mark.parametrize("concurrency", ["", "metadata: {concurrency: 2}"])
def test_a_loop_over_an_empty_list_of_tasks(concurrency: str) -> None:
    d = Driver(f"do:\n  - loop:\n      for: {{in: .items}}\n      {concurrency}\n      do: []\n").start(
        {"items": [1, 2, 3]}
    )
    assert d.status == "completed"


def test_tasks_named_try_have_keys_of_their_own() -> None:
    d = Driver("""
    do:
      - try: {call: python, with: {function: a}}
      - again: {switch: [{more: {when: .n < 2, then: try}}, {enough: {then: end}}]}
    """).start()
    first = d.pending["/do/0/try"].key
    d.complete("try", {"n": 1})
    assert d.pending["/do/0/try[1]"].key != first


def test_an_optional_failure_with_end_hands_on_what_it_got() -> None:
    d = Driver(
        "do:\n  - a: {call: python, with: {function: a}, metadata: {optional: true}, then: end}"
    ).start({"in": 1})
    d.fail("a", runtime("x"))
    assert (d.status, d.output) == ("completed", {"in": 1})


@pytest.mark.parametrize("name", ["input", "task", "context"])
def test_a_variable_cannot_take_the_name_of_one_of_the_languages_own(name: str) -> None:
    with pytest.raises(InvalidDefinition, match=name):
        run(f"do: [{{l: {{for: {{each: {name}, in: .x}}, do: []}}}}]")
