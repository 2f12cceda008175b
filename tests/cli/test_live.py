"""The live tree, drawn to a recorded console; and the choice of rows when there are too many."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from stepwell.cli.drawing import LiveTree
from stepwell.cli.tree import Row, fit, rows_of
from stepwell.model import commands as c
from stepwell.model import problem
from tests.kernel.helpers import SECOND, Driver

FLOW = """
do:
  - first: {set: {x: 1}}
  - passed: {if: 'false', set: {x: 2}}
  - guarded:
      try: [work: {run: {shell: {command: 'true'}}}]
      catch: {retry: {delay: {seconds: 5}, limit: {attempt: {count: 3}}}}
  - nap: {wait: {seconds: 9}}
"""


def drawn(driver: Driver, *, after: float = 0, note: str = "", **console: Any) -> list[str]:
    """The picture as lines without colour."""
    settings = {
        "force_terminal": True,
        "width": 120,
        "height": 40,
        "file": io.StringIO(),
        "record": True,
        **console,
    }
    recorder = Console(**settings)
    tree = LiveTree(driver.definition, recorder)
    if note:
        tree.note(note)
    tree.show(driver.state, driver.journal, driver.now + int(after * SECOND))
    tree.close()
    return [line.rstrip() for line in recorder.export_text().splitlines()]


def has(lines: list[str], *parts: str) -> bool:
    return any(all(part in line for part in parts) for line in lines)


def test_every_state_has_a_symbol_and_words() -> None:
    driver = Driver(FLOW).start()
    lines = drawn(driver, after=1.5)
    assert has(lines, "flow 1.0.0", "run", "running", "1.5 s")
    assert has(lines, "✓ first", "set")
    assert has(lines, "↷ passed", "skipped: if: false is false")
    assert has(lines, "work", "run:shell", "running 1.5 s")
    assert has(lines, "2 of 5 steps", "1 skipped")


def test_a_wait_for_a_retry_counts_down_and_says_why() -> None:
    driver = Driver(FLOW).start()
    driver.fail("work", problem.communication(503, "busy"))
    lines = drawn(driver, after=1.8)
    assert has(lines, "◔ guarded", "retry 1 in 3.2 s", "Communication Error (503): busy")
    assert has(lines, "✗ work", "failed")
    driver.advance(5)
    lines = drawn(driver)
    assert has(lines, "guarded", "attempt 2")
    assert has(lines, "work (try 2)", "running")


def test_timers_count_down_and_the_end_is_told() -> None:
    driver = Driver(FLOW).start()
    driver.complete("work", {})
    assert has(drawn(driver, after=2), "◔ nap", "goes on in 7.0 s")
    driver.advance(9)
    lines = drawn(driver)
    assert has(lines, "flow 1.0.0", "completed", "9.0 s")
    assert not has(lines, "steps"), "no progress line once it has ended"


def test_a_held_run_says_what_a_person_can_do() -> None:
    driver = Driver(FLOW).start(mode="debug")
    lines = drawn(driver)
    assert has(lines, "‖ first", "paused by the debugger")
    assert has(lines, "stepwell runs resume run --step /do/0/first")
    driver = Driver(FLOW).start()
    driver.send(c.CancelRun())
    assert has(drawn(driver, note="Ctrl-C again leaves"), "Ctrl-C again leaves")


def test_the_command_to_give_is_never_cut_and_names_the_file() -> None:
    driver = Driver(FLOW).start(mode="debug")
    long = "--db '/home/somebody/with a long name/and many folders/shop.db'"
    recorder = Console(force_terminal=True, width=80, height=40, file=io.StringIO(), record=True)
    tree = LiveTree(driver.definition, recorder, commands=lambda text: f"{text} {long}")
    tree.show(driver.state, driver.journal, driver.now)
    tree.close()
    text = "".join(line.strip() + " " for line in recorder.export_text().splitlines())
    assert "resume run --step /do/0/first" in text
    assert "folders/shop.db'" in text


def test_a_failure_is_drawn_where_it_is() -> None:
    driver = Driver(FLOW).start()
    driver.fail("work", problem.communication(503, "no\x1b[31m\nluck"))
    driver.send(c.CancelRun())
    lines = drawn(driver)
    assert has(lines, "✗ work", "no\ufffd[31m luck")
    assert has(lines, "⊘ guarded", "cancelled")


def test_where_symbols_cannot_be_drawn_letters_are() -> None:
    driver = Driver(FLOW).start()
    plain = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="replace")
    lines = drawn(driver, file=plain)
    assert has(lines, "ok first")
    assert has(lines, ">> work")


def test_a_long_run_fits_on_the_screen_with_what_matters() -> None:
    driver = Driver(
        """
        do:
          - loop:
              for: {each: x, in: .list}
              do:
                - one: {set: {y: '${ $x }'}}
                - two: {if: '$x == 150', run: {shell: {command: 'true'}}}
        """
    ).start({"list": list(range(200))})
    lines = drawn(driver, height=20)
    assert len(lines) <= 20
    assert has(lines, "loop", "for", "151 of 200")
    assert has(lines, "two [150]", "run:shell")
    assert has(lines, "more, all done")


def test_rows_that_are_left_out_are_counted() -> None:
    rows = rows_of(Driver(FLOW).start().state, 0)
    assert fit(rows, 10) == rows
    many = [Row(0, rows[0].mark, f"s{n}", "set", "", bad=n == 50) for n in range(100)]
    names = [row.name for row in fit(many, 10)]
    assert names == ["… 50 more, all done", "s50", "… 49 more, all done"]
    deep = [rows[0]._replace(name="outer"), *(row._replace(depth=1) for row in many)]
    assert [row.name for row in fit(deep, 10)] == ["outer", *names]
    bad = [row._replace(bad=True) for row in many]
    assert [row.name for row in fit(bad, 4)] == ["s0", "s1", "s2", "… 97 more"]
