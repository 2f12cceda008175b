"""A process that races others for steps: `python -m tests.steps.rival DB RUN SEED ROUNDS ME`.

It says `ready`, waits for a line, and then begins every step in turn; each that it is to execute it says, and completes.
"""

from __future__ import annotations

import random
import sys

from stepwell.steps import StepStore


def main(path: str, run: str, seed: str, rounds: str, me: str) -> None:
    chance = random.Random(f"{seed}-{me}")
    with StepStore.open(path, warm_up=False) as store:
        print("ready", flush=True)
        for line in sys.stdin:  # one line, one round
            name = line.strip()
            if not name:
                return
            begun = store.begin_step(run, name, {"by": me}, owner=me)
            if begun.claim is not None:
                if chance.random() < 0.5:
                    store.heartbeat(begun.claim)
                store.complete_step(begun.claim, me)
            print(f"{name} {begun.decision} {begun.state} {begun.attempt}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
