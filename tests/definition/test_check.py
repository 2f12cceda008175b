"""Whatever is wrong with a document is found, all of it at once, at its place, with a hint."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.definition.parse import parse, parse_document
from stepwell.definition.source import read
from stepwell.model.errors import InvalidDefinition, NotSupported
from tests.definition.helpers import codes, document, parsed, problems
from tests.definition.test_parse import FULL

WHOLE = read(document(FULL)).value
SET = "set: {a: 1}"


@pytest.mark.spec("S7", "Q14")
def test_all_problems_are_reported_at_once_in_document_order():
    body = """
    use:
      retries:
        twice: {limit: {attempt: {count: two}}}
    do:
      - first:
          sett: {a: 1}
      - second:
          set: {a: "${ .x + }"}
          then: thrid
      - third:
          call: http
          with: {method: get, endpoint: https://example.com, headrs: {}}
          timeout: nosuch
      - third:
          wait: 5 minutes
    """
    with pytest.raises(InvalidDefinition) as caught:
        parse(document(body), "flow.yaml")
    found = caught.value.findings
    assert [f.code for f in found] == [
        "type", "task-kind", "expression", "unknown-target", "unknown-property", "unknown-reference",
        "duplicate-task", "duration",
    ]  # fmt: skip
    assert [f.line - 5 for f in found] == [3, 6, 8, 9, 12, 13, 14, 15]
    assert all(f.file == "flow.yaml" and f.column > 1 for f in found)
    assert "flow.yaml:11:7: this task does nothing" in str(caught.value)
    assert "did you mean `set`?" in found[1].hint
    assert "did you mean `third`?" in found[3].hint
    assert "did you mean `headers`?" in found[4].hint


@pytest.mark.parametrize(
    ("body", "code", "line", "column"),
    [
        (f"do:\n  - a:\n      {SET}\n      foo: 1", "unknown-property", 4, 7),
        (f"do:\n  - a:\n      {SET}\n    b:\n      {SET}", "task-item", 4, 5),
        ("do:\n  - a:\n      set: {a: 1}\n      wait: PT1S", "task-kind", 3, 7),
        ("do: {}", "type", 1, 5),
        ("do:\n  - a: 5", "type", 2, 8),
        ("do:\n  - 5", "type", 2, 5),
        ("do:\n  - {}", "task-item", 2, 5),
        (f"do:\n  - a:\n      if: true\n      {SET}", "type", 3, 11),
        (f"do:\n  - a:\n      if: .a ==\n      {SET}", "expression", 3, 11),
        (f"do:\n  - a:\n      if: env.HOME\n      {SET}", "refused-expression", 3, 11),
        (f"do:\n  - a:\n      if: $item.a\n      {SET}", "unknown-variable", 3, 11),
        (f"do:\n  - a:\n      if: ''\n      {SET}", "expression", 3, 11),
        ("do:\n  - a:\n      set: {x: '${ .a'}", "expression", 3, 16),
        ("do:\n  - a:\n      set: {}", "value", 3, 12),
        ("do:\n  - a:\n      switch: []", "value", 3, 15),
        ("do:\n  - a:\n      switch:\n        - x: {when: .a}", "required", 4, 14),
        ("do:\n  - a:\n      switch:\n        - x: {then: nowhere}", "unknown-target", 4, 21),
        ("do:\n  - a:\n      call: nosuch", "unknown-reference", 3, 13),
        ("do:\n  - a:\n      call: http", "required", 3, 7),
        ("do:\n  - a:\n      call: http\n      with: {method: get}", "required", 4, 13),
        ("do:\n  - a:\n      call: http\n      with: {method: get, endpoint: a b}", "value", 4, 37),
        ("do:\n  - a:\n      call: http\n      with: {method: '${.m}', endpoint: http://a}", "value", 4, 22),
        ("do:\n  - a:\n      call: http\n      with: {method: get, endpoint: http://a, output: all}", "value", 4, 55),
        ("do:\n  - a:\n      call: python\n      with: {arguments: {}}", "required", 4, 13),
        ("do:\n  - a:\n      call: python\n      with: {function: 'a:b', args: {}}", "unknown-property", 4, 31),
        ("do:\n  - a:\n      call: python\n      with: {function: 'a:b', arguments: text}", "expression", 4, 42),
        ("do:\n  - a:\n      for: {each: 'a-b', in: .x}\n      do: []", "value", 3, 19),
        ("do:\n  - a:\n      for: {in: .x}", "required", 3, 7),
        ("do:\n  - a:\n      fork: {}", "required", 3, 13),
        ("do:\n  - a:\n      try: []", "required", 3, 7),
        ("do:\n  - a:\n      try: []\n      catch: {errors: {with: {stauts: 4}}}", "unknown-property", 4, 31),
        ("do:\n  - a:\n      try: []\n      catch: {retry: nosuch}", "unknown-reference", 4, 22),
        ("do:\n  - a:\n      try: []\n      catch: {retry: {backoff: {linear: {}, constant: {}}}}", "one-of", 4, 45),
        ("do:\n  - a:\n      raise: {error: nosuch}", "unknown-reference", 3, 22),
        ("do:\n  - a:\n      raise: {error: {status: 400}}", "required", 3, 22),
        ("do:\n  - a:\n      run: {}", "required", 3, 12),
        ("do:\n  - a:\n      run: {shell: {command: x}, workflow: {namespace: a, name: b, version: latest}}", "one-of", 3, 34),
        ("do:\n  - a:\n      run: {workflow: {namespace: a, name: b, version: newest}}", "value", 3, 56),
        ("do:\n  - a:\n      run: {shell: {command: 5}}", "type", 3, 30),
        ("do:\n  - a:\n      wait: {seconds: 1.5}", "type", 3, 23),
        ("do:\n  - a:\n      wait: {second: 1}", "duration", 3, 13),
        ("do:\n  - a:\n      wait: soon ${ .x }", "expression", 3, 13),
        (f"do:\n  - a:\n      {SET}\n      timeout: {{after: 5}}", "duration", 4, 24),
        (f"do:\n  - a:\n      {SET}\n      input: {{schema: {{document: {{type: objekt}}}}}}", "schema", 4, 41),
        (f"do:\n  - a:\n      {SET}\n      metadata: {{optional: 1}}", "type", 4, 28),
        (f"do:\n  - a:\n      {SET}\n      metadata: {{concurrency: 2}}", "option", 4, 18),
        (f"do:\n  - a:\n      {SET}\n      metadata: {{debug: {{pase: true}}}}", "unknown-property", 4, 26),
        ("do:\n  - a:\n      for: {in: .x}\n      do: []\n      metadata: {concurrency: 0}", "value", 5, 31),
        ("timeout: nosuch\ndo: []", "unknown-reference", 1, 10),
        ("use: {functions: {f: {call: g}, g: {call: f}}}\ndo: []", "function-cycle", 1, 19),
        ("use: {functions: {f: {do: [{x: {call: f}}]}}}\ndo: []", "function-cycle", 1, 19),
        ("use: {secrets: [a], authentications: {x: {basic: {use: b}}}}\ndo: []", "unknown-reference", 1, 56),
        ("use: {authentications: {x: {bearer: {}}}}\ndo: []", "required", 1, 37),
        ("nothing: 1\ndo: []", "unknown-property", 1, 1),
    ],
)  # fmt: skip
def test_one_problem_at_its_place(body, code, line, column):
    ((found),) = problems(body)
    assert (found.code, found.line, found.column) == (code, line, column), found


@pytest.mark.parametrize(
    ("head", "code"),
    [
        ("dsl: '2.0.0'", "version"),
        ("dsl: 1.0", "type"),
        ("namespace: a b", "value"),
        ("name: a_b", "value"),
        ("name: ''", "value"),
        ("version: '1.0'", "value"),
        ("version: 1.1", "type"),
        ("title: 5", "type"),
        ("metadata: {failurePolicy: sometimes}", "option"),
        ("metadata: {failurePolicy: {tolerate: -1}}", "option"),
        ("metadata: {failurePolicy: {tolerate: 200%}}", "option"),
        ("sumary: x", "unknown-property"),
    ],
)
def test_the_head_is_checked(head, code):
    name = head.partition(":")[0]
    given = {"dsl": "'1.0.3'", "namespace": "a", "name": "b", "version": "'1.0.0'"}
    lines = [f"  {key}: {value}" for key, value in given.items() if key != name]
    text = "\n".join(["document:", f"  {head}", *lines, "do: []"])
    with pytest.raises(InvalidDefinition) as caught:
        parse(text)
    assert [f.code for f in caught.value.findings] == [code]


def test_what_is_missing_at_the_top():
    with pytest.raises(InvalidDefinition) as caught:
        parse("input: {}")
    assert [(f.code, f.line, f.column) for f in caught.value.findings] == [("required", 1, 1)] * 2


def test_a_hint_for_numbers_that_should_be_text():
    (found,) = problems("do:\n  - a:\n      call: http\n      with: {method: get, endpoint: 5}")
    assert found.code == "type"
    with pytest.raises(InvalidDefinition, match="put it in quotes"):
        parse("document: {dsl: '1.0.3', namespace: a, name: b, version: 1.1}\ndo: []")


@pytest.mark.parametrize(
    "text", ["5", "[]", "text", "null", "a: 1", "document: 5\ndo: 5", "use: 5\ndocument: {}"]
)
def test_any_value_is_answered(text):
    with pytest.raises(InvalidDefinition):
        parse(text)


def test_the_columns_of_jq_are_told():
    (found,) = problems(f"do:\n  - a:\n      if: .a + | .b\n      {SET}")
    assert found.code == "expression"
    assert "at column 6 of the expression" in found.message


UNSUPPORTED = {
    "emit": ("emit: {event: {with: {type: a}}}", "emit tasks"),
    "listen": ("listen: {to: {any: [], until: .x}}", "listen tasks"),
    "openapi": ("call: openapi\n      with: {document: {endpoint: http://a}, operationId: x}", "OpenAPI"),
    "grpc": (
        "call: grpc\n      with: {proto: {endpoint: http://a}, service: {name: a, host: b}, method: c}",
        "gRPC",
    ),
    "asyncapi": (
        "call: asyncapi\n      with: {document: {endpoint: http://a}, operation: x, message: {}}",
        "AsyncAPI",
    ),
    "a2a": ("call: a2a\n      with: {method: message/send}", "A2A"),
    "mcp": ("call: mcp\n      with: {method: tools/list, transport: {stdio: {command: x}}}", "MCP"),
    "catalog function": ("call: log:1.0.0@public", "catalogs"),
    "address": ("call: https://example.com/f.yaml", "addresses"),
    "container": ("run: {container: {image: a}}", "containers"),
    "script": ("run: {script: {language: js, code: x}}", "scripts"),
    "external schema": (
        "set: {a: 1}\n      input: {schema: {resource: {endpoint: http://a}}}",
        "schema.resource",
    ),
    "schema format": ("set: {a: 1}\n      input: {schema: {format: avro, document: {}}}", "avro"),
    "digest": (
        "call: http\n      with: {method: get, endpoint: {uri: http://a, authentication: {digest: {username: a, password: b}}}}",
        "digest",
    ),
    **{name: (f"call: {name}", f"`{name}`") for name in ("worker", "state")},
}


@pytest.mark.spec("B2")
@pytest.mark.parametrize("name", UNSUPPORTED)
def test_what_is_not_done_is_refused_by_name(name):
    task, feature = UNSUPPORTED[name]
    with pytest.raises(NotSupported) as caught:
        parsed(f"do:\n  - x:\n      {task}\n")
    (found,) = caught.value.findings
    assert found.code == "not-supported"
    assert feature in found.message
    assert found.line >= 8


@pytest.mark.parametrize(
    "part",
    ["schedule: {on: {one: {with: {type: a}}}, read: raw}", "evaluate: {language: js}",
     "evaluate: {mode: loose}", "use: {catalogs: {a: {endpoint: http://a}}}", "use: {extensions: [{x: {extend: all}}]}",
     "use: {authentications: {x: {oauth2: {authority: http://a, grant: password}}}}",
     "use: {authentications: {x: {oidc: {use: s}}}, secrets: [s]}"],
)  # fmt: skip
def test_parts_of_the_document_that_are_not_done(part):
    assert codes(f"{part}\ndo: []\n") == ["not-supported"]


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [("{cron: 0 0 * * *}", []), ("{every: {minutes: 5}}", []), ("{after: PT1H}", []),
     ("{cron: 0 0 * *}", ["schedule"]), ("{cron: 0 0 31 2 *}", ["schedule"]), ("{}", ["schedule"]),
     ("{every: PT1H, cron: 0 0 * * *}", ["schedule"]), ("{every: PT0S}", ["schedule"]), ("{every: soon}", ["duration"]),
     ("{every: '${ .x }'}", ["schedule"])],
)  # fmt: skip
def test_schedules(schedule, expected):
    assert codes(f"schedule: {schedule}\ndo: []\n") == expected


def test_a_wrong_document_is_wrong_first():
    body = "do:\n  - a:\n      emit: {event: {with: {type: a}}}\n  - b: {sett: 1}\n"
    with pytest.raises(InvalidDefinition) as caught:
        parsed(body)
    assert not isinstance(caught.value, NotSupported)
    assert [f.code for f in caught.value.findings] == ["not-supported", "task-kind"]


@pytest.mark.parametrize(
    "strategy",
    ["{}", "{all: [], one: {with: {type: a}}}", "{all: [], until: .x}", "{any: [], until: {any: [], until: .x}}",
     "{any: [{}]}", "{one: {with: {}}}", "{any: [], until: 5}"],
)  # fmt: skip
def test_event_strategies_are_checked(strategy):
    found = codes(f"do:\n  - a:\n      listen: {{to: {strategy}}}\n")
    assert set(found) > {"not-supported"}


def test_variables_are_known_where_they_are_bound():
    body = """
    do:
      - loop:
          for: {each: color, at: place, in: .colors}
          while: $place < 3
          do:
            - inner: {set: {a: "${ [$color, $place] }"}}
          output: {as: "{a: .}"}
      - attempt:
          try: []
          catch:
            as: fault
            when: $fault.status == 400
            retry: {when: $fault.status > 1}
            do:
              - inner: {set: "${ $fault }"}
      - all:
          set: {x: "${ [$context, $input, $output, $secrets, $authorization, $task, $workflow, $runtime, $variables] }"}
    """
    assert problems(body) == []
    outside = """
    do:
      - loop:
          for: {in: .colors}
          do: []
          output: {as: $item}
      - attempt:
          try:
            - a: {set: {a: "${ $error }"}}
          catch: {do: [{b: {set: {a: "${ $err }"}}}]}
    """
    assert codes(outside) == ["unknown-variable"] * 3


@pytest.mark.parametrize("name", ["continue", "exit", "end", "b"])
def test_where_a_task_may_go(name):
    assert codes(f"do:\n  - a: {{set: {{x: 1}}, then: {name}}}\n  - b: {{set: {{x: 1}}}}") == []


def test_tasks_of_other_lists_are_no_targets():
    body = "do:\n  - a: {do: [{b: {set: {x: 1}, then: c}}]}\n  - c: {set: {x: 1}}"
    assert codes(body) == ["unknown-target"]


def _places(value, path=()):
    yield path
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for name, member in members:
        yield from _places(member, (*path, name))


JUNK = [
    5,
    "text",
    [],
    {},
    True,
    None,
    1.5,
    {"x": 1},
    ["a"],
    "${ .x }",
    "${ .x",
    "continue",
    {"use": "x"},
    [{"a": {}}],
    -1,
]


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_no_document_makes_it_stumble(data):
    """A good document with bad values put into it is either taken or refused with findings, never a crash."""
    changed = copy.deepcopy(WHOLE)
    for _ in range(data.draw(st.integers(1, 3))):
        *way, last = data.draw(
            st.sampled_from([path for path in _places(changed) if path] or [("document",)])
        )
        at = changed
        for name in way:
            at = at[name]
        at[last] = copy.deepcopy(data.draw(st.sampled_from(JUNK)))
        if isinstance(at, dict) and data.draw(st.booleans()):
            at[data.draw(st.sampled_from(["extra", "for", "do", "use", "catch", "then", "metadata"]))] = (
                at.pop(last)
            )
    try:
        assert parse_document(changed).hash
    except InvalidDefinition as refused:
        assert refused.findings
        assert all(f.message and f.code for f in refused.findings)
