"""A runner of one's own on the step store: four threads, and a queue that delivers everything twice.

python examples/runner/run.py [FILE]
"""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from queue import Queue

from stepwell.steps import Plan, StepStore

WORK = {
    "reserve": lambda done: {"item": "lamp"},
    "charge": lambda done: {"paid": 42.5},
    "pack": lambda done: {"parcel": f"P-{done['reserve']['item']}"},
    "ship": lambda done: {"sent": done["pack"]["parcel"], "paid": done["charge"]["paid"]},
}
NEXT = {
    "reserve": ["charge", "pack"],
    "charge": [Plan("ship", needs=("charge", "pack"))],
    "pack": [Plan("ship", needs=("charge", "pack"))],
    "ship": [],
}
performed: Counter[str] = Counter()


def work(store: StepStore, run_id: str, queue: Queue[str]) -> None:
    while True:
        step = queue.get()
        begun = store.begin_step(run_id, step, owner=threading.current_thread().name, lease=30)
        if begun.claim is not None:  # of all who were given this step, one gets here
            performed[step] += 1
            output = WORK[step](store.completed_outputs(run_id))
            last = {"run_output": output} if step == "ship" else {}
            planned = store.complete_step(begun.claim, output, schedule=NEXT[step], **last)
            dispatch(queue, planned.scheduled)
        queue.task_done()


def dispatch(queue: Queue[str], steps: tuple[str, ...]) -> None:
    for step in steps:
        queue.put(step)
        queue.put(step)  # at least once


def main() -> None:
    queue: Queue[str] = Queue()
    with StepStore.open(sys.argv[1] if len(sys.argv) > 1 else "stepwell.db") as store:
        run_id = store.start_run("parcel", list(WORK))
        dispatch(queue, store.schedule_steps(run_id, ["reserve"]))
        for _ in range(4):
            threading.Thread(target=work, args=(store, run_id, queue), daemon=True).start()
        queue.join()
        view = store.do(store.client.show(run_id))
    print(json.dumps({"status": view["status"], "output": view["output"], "performed": performed}))


if __name__ == "__main__":
    main()
