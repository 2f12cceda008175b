"""A workload with a bit of everything, and a canary in every place where data can be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stepwell import RunFailed, Stepwell
from tests.engine.helpers import flow

CANARY = "canary-4711"

BUSY = flow(
    """
    use: {secrets: [token]}
    input: {from: '${ . + {seen: .word} }'}
    do:
      - first: {set: {word: '${ .word }', more: ['${ $secrets.token }']}}
      - flaky:
          try: [{call: {call: python, with: {function: flaky, arguments: {text: '${ .word }'}}}}]
          catch: {retry: {limit: {attempt: {count: 2}}}}
      - each: {for: {in: '${ [1, 2] }'}, do: [{one: {set: {word: '${ .word }'}}}]}
      - child: {run: {workflow: {namespace: test, name: child, version: '1.0.0', input: {word: '${ .word }'}}}}
      - last: {raise: {error: {type: 'https://x.test/no', status: 418, title: No, detail: '${ .word }'}}}
    """,
    "busy",
)
CHILD = flow("do: [{inner: {set: {word: '${ .word }'}}}]", "child")


class Flaky:
    """A step that fails once, and says what it was given."""

    def __init__(self) -> None:
        self.calls = 0

    async def flaky(self, text: str) -> dict[str, str]:
        self.calls += 1
        if self.calls == 1:
            raise ValueError(f"no {text}")
        return {"word": text}


def open_busy(path: Path, **settings: Any) -> Any:
    from tests.engine.helpers import open_at

    return open_at(path, functions=[Flaky().flaky], secrets={"token": f"secret-{CANARY}"}, **settings)


async def be_busy(stepwell: Stepwell) -> str:
    """Runs it; the canary is in the input, the variables, the tags, the key, a secret, an exception and an error."""
    await stepwell.add_definition(CHILD)
    handle = await stepwell.start(
        BUSY,
        {"word": CANARY},
        key=f"key-{CANARY}",
        tags={"customer": CANARY},
        variables={"note": CANARY},
    )
    try:
        await handle.result()
    except RunFailed:
        return handle.run_id
    raise AssertionError("the workload ends with an error")
