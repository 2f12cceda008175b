"""Workflows of every kind, and the functions that they call."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

from stepwell import current

HEAD = "document: {dsl: '1.0.3', namespace: test, name: %s, version: '1.0.0'}\n"


def flow(body: str, name: str = "flow") -> str:
    return HEAD % name + dedent(body)


async def double(n: int) -> int:
    return n * 2


async def flaky(times: int) -> str:
    """Fails the first `times` tries, however often the process dies meanwhile."""
    tries = current().step_id.count("[") and int(
        current().step_id.partition("/try[")[2].partition("]")[0] or 0
    )
    if tries < times:
        raise ValueError(f"try {tries}")
    return f"try {tries}"


async def broken() -> Any:
    raise ValueError("broken for good")


FUNCTIONS = [double, flaky, broken]

CHILD = flow(
    "do:\n  - w: {wait: {seconds: 5}}\n  - d: {call: python, with: {function: double, arguments: {n: '${ .n }'}}}",
    "child",
)

FLOWS: dict[str, str] = {
    "set": flow("do:\n  - a: {set: {n: 1}}\n  - b: {do: [{c: {set: {n: '${ .n + 1 }'}}}]}"),
    "calls": flow("""
        do:
          - a: {call: python, with: {function: double, arguments: {n: 1}}}
          - b: {call: python, with: {function: double, arguments: {n: '${ . }'}}, export: {as: '${ {b: .} }'}}
          - c: {set: {b: '${ $context.b }', c: '${ . }'}}
        """),
    "for": flow("""
        do:
          - each:
              for: {each: x, in: '${ [1, 2, 3] }'}
              do: [{d: {call: python, with: {function: double, arguments: {n: '${ $x }'}}}}]
        """),
    "concurrent for": flow("""
        do:
          - each:
              for: {each: x, in: '${ [1, 2, 3] }'}
              metadata: {concurrency: 2}
              do:
                - w: {wait: '${ "PT" + ($x | tostring) + "S" }'}
                - d: {call: python, with: {function: double, arguments: {n: '${ $x }'}}}
        """),
    "fork": flow("""
        do:
          - both:
              fork:
                branches:
                  - left: {call: python, with: {function: double, arguments: {n: 1}}}
                  - right: {do: [{w: {wait: {seconds: 1}}}, {d: {call: python, with: {function: double, arguments: {n: 2}}}}]}
        """),
    "compete": flow("""
        do:
          - race:
              fork:
                compete: true
                branches:
                  - slow: {wait: {hours: 1}}
                  - quick: {do: [{w: {wait: {seconds: 1}}}, {d: {call: python, with: {function: double, arguments: {n: 2}}}}]}
        """),
    "retry": flow("""
        do:
          - t:
              try: [{f: {call: python, with: {function: flaky, arguments: {times: 2}}}}]
              catch: {retry: {delay: {seconds: 10}, backoff: {exponential: {}}, limit: {attempt: {count: 5}}}}
        """),
    "caught": flow("""
        do:
          - t:
              try: [{f: {call: python, with: {function: broken}}}]
              catch:
                as: problem
                do: [{undo: {call: python, with: {function: double, arguments: {n: 4}}}}]
          - after: {set: {undone: '${ . }'}}
        """),
    "failed": flow("do:\n  - a: {set: {n: 1}}\n  - b: {call: python, with: {function: broken}}"),
    "wait": flow("do:\n  - a: {wait: {days: 30}}\n  - b: {set: {done: true}}"),
    "timeout": flow("""
        do:
          - a:
              do: [{w: {wait: {days: 30}}}]
              timeout: {after: {hours: 1}}
        """),
    "child": flow("""
        do:
          - a: {run: {workflow: {namespace: test, name: child, version: '1.0.0', input: {n: 3}}}}
          - b: {set: {child: '${ . }'}}
        """),
    "switch": flow("""
        do:
          - count: {set: {n: '${ (.n // 0) + 1 }'}}
          - more:
              switch:
                - again: {when: .n < 3, then: count}
                - enough: {then: last}
          - last: {call: python, with: {function: double, arguments: {n: '${ .n }'}}}
        """),
}  # fmt: skip
"""By what they are about; `child` is run by `child`."""
