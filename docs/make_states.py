"""Make `docs/states.md` from the transition tables: `make docs`. A test holds the page to them."""

from pathlib import Path

from stepwell.kernel.tables import RUN_ROWS, STEP_ROWS, Row
from stepwell.model.events import NAMES
from stepwell.model.states import TERMINAL_RUN, TERMINAL_STEP, RunStatus, StepStatus

PAGE = Path(__file__).parent / "states.md"

HEAD = """# States

Made by `make docs` from `stepwell/kernel/tables.py`, which is what the engine itself obeys: a transition that is not
here is refused with `TransitionRefused` and changes nothing. States without an arrow into them belong to features that
are not built yet.
"""


def page() -> str:
    """The whole page."""
    steps = _section("A step", STEP_ROWS, list(StepStatus), TERMINAL_STEP)
    runs = _section("A run", RUN_ROWS, list(RunStatus), TERMINAL_RUN)
    return "\n".join([HEAD, runs, steps])


def _section(title: str, rows: tuple[Row, ...], states: list, terminal: frozenset) -> str:
    reached = {row.target for row in rows}
    ends = ", ".join(f"`{state}`" for state in states if state in terminal)
    absent = ", ".join(f"`{state}`" for state in states if state not in reached)
    lines = [f"## {title}", "", f"Terminal: {ends}.", ""]
    if absent:
        lines += [f"Not reached yet: {absent}.", ""]
    return "\n".join([*lines, *_drawing(rows, terminal), "", *_table(rows), ""])


def _drawing(rows: tuple[Row, ...], terminal: frozenset) -> list[str]:
    arrows: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        for source in row.sources:
            label = NAMES[row.event].partition(".")[2]
            arrows.setdefault((str(source or "[*]"), str(row.target)), []).append(label)
    lines = [f"    {a} --> {b}: {', '.join(labels)}" for (a, b), labels in arrows.items()]
    ends = [
        f"    {state} --> [*]"
        for state in sorted({str(row.target) for row in rows if row.target in terminal})
    ]
    return ["```mermaid", "stateDiagram-v2", *lines, *ends, "```"]


def _table(rows: tuple[Row, ...]) -> list[str]:
    lines = ["| from | event | to | because |", "| --- | --- | --- | --- |"]
    for row in rows:
        sources = ", ".join(f"`{source}`" if source else "(new)" for source in row.sources)
        lines.append(f"| {sources} | `{NAMES[row.event]}` | `{row.target}` | {row.why} |")
    return lines


if __name__ == "__main__":
    PAGE.write_text(page())
