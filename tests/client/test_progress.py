"""How far a run is: what is counted, and what is foreseen."""

from __future__ import annotations

import pytest

from stepwell.client.progress import Progress, progress_of
from stepwell.model import problem
from tests.kernel.helpers import Driver

PLAIN = """
do:
  - a: {set: {x: 1}}
  - b: {run: {shell: {command: 'true'}}}
  - c: {if: '${ false }', set: {x: 2}}
  - d:
      do:
        - e: {set: {x: 3}}
        - f: {set: {x: 4}}
"""


def progress(driver: Driver) -> Progress:
    return progress_of(driver.state, driver.definition)


@pytest.mark.spec("X11")
def test_steps_are_counted_by_state_and_the_tasks_ahead_are_pending() -> None:
    driver = Driver(PLAIN).start()
    assert progress(driver) == Progress(total=6, completed=1, running=1, pending=4)
    driver.complete("b", {})
    assert progress(driver) == Progress(total=6, completed=5, skipped=1)


def test_numbers_add_up_and_are_json() -> None:
    one, other = Progress(3, 1, 0, 0, 1, 1), Progress(2, 2)
    assert (one + other).as_json() == {
        "total": 5,
        "completed": 3,
        "skipped": 0,
        "failed": 0,
        "running": 1,
        "pending": 1,
    }
    driver = Driver(PLAIN).start()
    found = progress(driver)
    assert found.total == found.completed + found.skipped + found.failed + found.running + found.pending


def test_a_loop_counts_the_iterations_that_are_known() -> None:
    driver = Driver(
        """
        do:
          - loop:
              for: {each: x, in: .list}
              do:
                - one: {run: {shell: {command: 'true'}}}
                - two: {set: {y: 1}}
          - after: {set: {z: 1}}
        """
    ).start({"list": [1, 2, 3]})
    # loop and one are open; two, then two iterations of two tasks, then after
    assert progress(driver) == Progress(total=8, running=2, pending=6)
    driver.complete("one", {"list": [1, 2, 3]})
    assert progress(driver) == Progress(total=8, completed=2, running=2, pending=4)


def test_iterations_at_once_are_counted_each_with_what_is_left_of_it() -> None:
    driver = Driver(
        """
        do:
          - loop:
              for: {each: x, in: .list}
              metadata: {concurrency: 2}
              do:
                - one: {run: {shell: {command: 'true'}}}
                - two: {set: {y: 1}}
        """
    ).start({"list": [1, 2, 3]})
    assert progress(driver) == Progress(total=7, running=3, pending=4)


def test_branches_run_beside_each_other_and_have_nothing_behind_them() -> None:
    driver = Driver(
        """
        do:
          - both:
              fork:
                branches:
                  - one: {run: {shell: {command: 'true'}}}
                  - two: {run: {shell: {command: 'true'}}}
          - after: {set: {z: 1}}
        """
    ).start()
    assert progress(driver) == Progress(total=4, running=3, pending=1)


def test_a_handler_counts_once_it_is_needed_and_a_retry_foresees_its_list_again() -> None:
    driver = Driver(
        """
        do:
          - guarded:
              try:
                - one: {run: {shell: {command: 'true'}}}
                - two: {set: {y: 1}}
              catch:
                retry: {delay: {seconds: 1}, limit: {attempt: {count: 1}}}
                do:
                  - mend: {run: {shell: {command: 'true'}}}
                  - tell: {set: {y: 2}}
        """
    ).start()
    assert progress(driver) == Progress(total=3, running=2, pending=1)
    driver.fail("one", problem.runtime("no"))
    assert progress(driver) == Progress(total=4, failed=1, running=1, pending=2)
    driver.advance(1)
    driver.fail("one", problem.runtime("no"))
    assert progress(driver) == Progress(total=5, failed=2, running=2, pending=1)


def test_what_is_held_back_is_pending_with_all_that_is_in_it() -> None:
    driver = Driver(PLAIN).start(mode="debug")
    assert progress(driver) == Progress(total=6, running=1, pending=5)


def test_an_ended_run_has_nothing_ahead() -> None:
    driver = Driver(PLAIN).start()
    driver.fail("b", problem.runtime("no"))
    assert progress(driver) == Progress(total=2, completed=1, failed=1)
