"""What a document means: the model that the kernel gets."""

from __future__ import annotations

import json

import pytest

from stepwell.definition.expression import Risk, evaluate
from stepwell.definition.model import TaskKind
from stepwell.definition.parse import parse, parse_document, subworkflows
from stepwell.model.policy import Backoff, FailureMode
from tests.definition.helpers import document, parsed

SECOND = 1_000_000

FULL = """
    input:
      schema: {document: {type: object}}
      from: .order
    use:
      secrets: [token]
      timeouts: {short: {after: {minutes: 1}}}
      errors: {bad: {type: 'https://a/b', status: 418, title: "T ${ .x }"}}
      retries: {often: {delay: PT2S, backoff: {linear: {}}, limit: {attempt: {count: 4, duration: PT1S}, duration: PT1H},
        jitter: {from: PT0S, to: PT1S}, when: '$error.status > 1'}}
      authentications: {key: {bearer: {use: token}}}
      functions:
        fetch:
          call: http
          with: {method: get, endpoint: {uri: 'https://x/{id}', authentication: {use: key}}}
        twice:
          do:
            - one: {call: fetch, with: {id: 1}}
    timeout: short
    output: {as: '{done: .}'}
    do:
      - set: {set: .a, if: .go, then: leave}
      - loop:
          for: {each: color, in: .colors, at: place}
          while: $place < 2
          metadata: {concurrency: 3, optional: true, priority: 7, mine: [1]}
          do:
            - inner: {do: []}
      - attempt:
          try:
            - get:
                call: http
                metadata: {http: {connectTimeout: PT1S, readTimeout: {seconds: 2}}}
                with: {method: get, endpoint: '${ $context.url }', headers: {a: '${ .h }'}, body: [1], redirect: true}
          catch:
            errors: {with: {status: 404}}
            as: fault
            retry: often
            do:
              - bad: {raise: {error: bad}}
            then: end
      - choose:
          switch:
            - yes: {when: .ok, then: continue}
            - no: {then: leave}
      - both:
          fork:
            compete: true
            branches:
              - left: {wait: '${ .pause }'}
              - right: {wait: PT1.5S}
      - shell: {run: {shell: {command: ls, arguments: [a, 1]}, await: false, return: code}}
      - child: {run: {workflow: {namespace: n, name: c, version: latest, input: {a: '${ .b }'}}}}
      - call: {call: twice, with: {q: 1}}
      - python: {call: python, with: {function: 'pkg.mod:name', arguments: {x: '${ .y }'}, process: true}}
      - leave:
          set: {a: 1}
          input: {from: {b: '${ .c }'}}
          export: {as: '$context + {a: 1}'}
          timeout: {after: PT5S}
          metadata: {debug: {pause: true}, irreversible: true, schedule: {after: PT3S}}
"""


@pytest.fixture(scope="module")
def full():
    return parsed(FULL)


def test_the_head(full):
    assert full.reference == "test/sample:1.0.0"
    assert (full.dsl, full.secrets, full.timeout.constant) == ("1.0.3", {"token"}, 60 * SECOND)
    assert full.input.schema == {"type": "object"}
    assert full.input.from_.expressions[0].source == ".order"
    assert full.output.as_.expressions[0].source == "{done: .}"


def test_every_task_is_found_by_its_pointer(full):
    assert set(full.tasks) == {
        "/do/0/set", "/do/1/loop", "/do/1/loop/do/0/inner", "/do/2/attempt", "/do/2/attempt/try/0/get",
        "/do/2/attempt/catch/do/0/bad", "/do/3/choose", "/do/4/both", "/do/4/both/fork/branches/0/left",
        "/do/4/both/fork/branches/1/right", "/do/5/shell", "/do/6/child", "/do/7/call", "/do/8/python", "/do/9/leave",
        "/use/functions/fetch", "/use/functions/twice", "/use/functions/twice/do/0/one",
    }  # fmt: skip
    assert all(task.pointer == pointer for pointer, task in full.tasks.items())
    assert full.do.index["both"] == 4
    assert full.tasks["/do/1/loop"].body.do.pointer == "/do/1/loop/do"
    assert full.tasks["/do/3/choose"].document["switch"][1] == {"no": {"then": "leave"}}


def test_kinds(full):
    kinds = [task.kind for task in full.do.tasks]
    assert kinds == [
        TaskKind.SET, TaskKind.FOR, TaskKind.TRY, TaskKind.SWITCH, TaskKind.FORK, TaskKind.RUN_SHELL,
        TaskKind.RUN_WORKFLOW, TaskKind.CALL_FUNCTION, TaskKind.CALL_PYTHON, TaskKind.SET,
    ]  # fmt: skip


def test_loop(full):
    task = full.tasks["/do/1/loop"]
    assert (task.body.each, task.body.at, task.body.in_.source, task.body.while_.source) == (
        "color", "place", ".colors", "$place < 2",
    )  # fmt: skip
    assert (task.options.concurrency, task.options.optional, task.options.priority) == (3, True, 7)
    assert task.options.raw["mine"] == [1]


def test_try(full):
    catch = full.tasks["/do/2/attempt"].body.catch
    assert (catch.errors_with, catch.as_, catch.then) == ({"status": 404}, "fault", "end")
    retry = catch.retry
    assert (retry.count, retry.backoff, retry.delay.constant) == (4, Backoff.LINEAR, 2 * SECOND)
    assert (retry.attempt_duration.constant, retry.duration.constant) == (SECOND, 3600 * SECOND)
    assert (retry.jitter.from_.constant, retry.jitter.to.constant) == (0, SECOND)
    assert retry.when.source == "$error.status > 1"
    raised = catch.do.tasks[0].body
    assert (raised.status.source, raised.title.source, raised.detail) == (418, "T ${ .x }", None)


def test_http(full):
    body = full.tasks["/do/2/attempt/try/0/get"].body
    assert (body.method, body.redirect, body.output, body.auth) == ("GET", True, "content", None)
    assert (body.connect_timeout.constant, body.read_timeout.constant) == (SECOND, 2 * SECOND)
    assert body.uri.expressions[0].source == "$context.url"
    fetch = full.tasks["/use/functions/fetch"].body
    assert (fetch.auth.scheme, fetch.auth.secret) == ("bearer", "token")
    assert fetch.uri.constant


def test_the_rest(full):
    switch, fork = full.tasks["/do/3/choose"].body, full.tasks["/do/4/both"].body
    assert [(c.name, c.when and c.when.source, c.then) for c in switch.cases] == [
        ("yes", ".ok", "continue"), ("no", None, "leave"),
    ]  # fmt: skip
    assert fork.compete
    assert [t.body.duration.constant for t in fork.branches.tasks] == [None, 1_500_000]
    shell, child = full.tasks["/do/5/shell"].body, full.tasks["/do/6/child"].body
    assert (shell.command.source, shell.arguments.source, shell.await_, shell.returns) == (
        "ls",
        ["a", 1],
        False,
        "code",
    )
    assert (child.namespace, child.name, child.version, child.await_) == ("n", "c", "latest", True)
    call, python = full.tasks["/do/7/call"].body, full.tasks["/do/8/python"].body
    assert call.target is full.tasks["/use/functions/twice"]
    assert call.target.body.do.tasks[0].body.target is full.tasks["/use/functions/fetch"]
    assert (python.function, python.process) == ("pkg.mod:name", True)
    leave = full.tasks["/do/9/leave"]
    assert (leave.timeout.constant, leave.options.schedule.constant) == (5 * SECOND, 3 * SECOND)
    assert leave.options.debug_pause
    assert leave.options.irreversible
    assert leave.input.from_.source == {"b": "${ .c }"}
    assert full.tasks["/do/0/set"].if_.source == ".go"


def test_inline_lists_of_a_loop():
    body = "do:\n  - a:\n      for: {in: [{n: 1}, {n: '${ .x }'}, 'y ${ .x }']}\n      do: []\n"
    in_ = parsed(body).do.tasks[0].body.in_
    assert in_.risk is not Risk.GUARDED
    assert evaluate(in_, {"x": 2}, {}, 0) == [{"n": 1}, {"n": 2}, "y 2"]


def test_sub_workflows_are_listed(full):
    assert subworkflows(full) == [("/do/6/child", "n", "c", "latest")]


@pytest.mark.spec("Q16")
def test_the_hash_is_that_of_the_content(full):
    assert len(full.hash) == 64
    as_json = json.dumps(full.document)
    assert parse(as_json).hash == full.hash
    assert parse_document(json.loads(as_json)).hash == full.hash
    reversed_ = {name: full.document[name] for name in reversed(full.document)}
    assert parse_document(reversed_).hash == full.hash
    assert parsed(FULL.replace("leave", "depart")).hash != full.hash


def test_a_stored_document_is_checked_again():
    from stepwell.model.errors import InvalidDefinition

    with pytest.raises(InvalidDefinition) as caught:
        parse_document({"document": {}, "do": [{"a": {"sett": 1}}]}, "stored")
    assert {f.pointer for f in caught.value.findings} >= {"/document", "/do/0/a"}
    assert caught.value.findings[0].file == "stored"


@pytest.mark.spec("S2")
@pytest.mark.parametrize(
    ("given", "mode", "tolerated", "percent"),
    [
        ("finish", FailureMode.FINISH, 0, False),
        ("ignore", FailureMode.IGNORE, 0, False),
        ("{tolerate: 2}", FailureMode.TOLERATE, 2, False),
        ("{tolerate: 12.5%}", FailureMode.TOLERATE, 12.5, True),
    ],
)
def test_failure_policy(given, mode, tolerated, percent):
    text = document("do: []").replace(
        "version: '1.0.0'", f"version: '1.0.0'\n  metadata: {{failurePolicy: {given}}}"
    )
    policy = parse(text).failure_policy
    assert (policy.mode, policy.tolerated, policy.percent) == (mode, tolerated, percent)


def test_numbers_and_nan_are_kept_as_written():
    task = parsed(f"do:\n  - a:\n      set: {{n: {2**70 + 1}, x: .nan, f: 1.0}}").do.tasks[0]
    value = task.body.value.source
    assert value["n"] == 2**70 + 1
    assert value["x"] != value["x"]
    assert isinstance(value["f"], float)
