"""A process that claims a step and never ends it: `python -m tests.steps.victim DB RUN STEP`. It is killed."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

from stepwell.steps import StepStore
from tests.support.clock import FakeClock


def main(path: str, run: str, step: str) -> None:
    store = StepStore.open(path, clock=FakeClock(), warm_up=False)
    begun = store.begin_step(run, step, {"n": 1}, owner="victim", lease=30)
    assert begun.claim is not None
    print(json.dumps(asdict(begun.claim)), flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main(*sys.argv[1:])
