"""How a run ended, for people and for programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from stepwell.cli.attending import LOOK_EVERY, Screen, attend
from stepwell.cli.failing import LEFT_TO_PEOPLE, RUN_CODES
from stepwell.cli.opening import with_db
from stepwell.cli.screen import line, lines_of, on_terminal, pretty, print_json, say, tint, write
from stepwell.client.serving import serve

if TYPE_CHECKING:
    from stepwell.assembly import Stepwell
    from stepwell.client.client import Client
    from stepwell.client.views import View

RETRIED: Final = frozenset({"failed", "timed_out", "cancelled"})
STYLES: Final = {"completed": "green", "failed": "red", "timed_out": "red"}


async def carry_through(
    stepwell: Stepwell,
    run_id: str,
    db: Path,
    *,
    as_json: bool,
    steer: bool = True,
    timeout: float | None = None,
) -> int:
    """Stay with a run until it ends, show it as the output allows, and give the exit code of how it ended.

    With `steer` (this process carries it on) a procedure is left as soon as only people can go on with it.
    """
    code = (await stepwell.engine.row(run_id)).code
    how = "follow it with: stepwell runs watch" if not steer else f"go on with it: {serve(code)}"
    last_words = with_db(how, db) + (f" {run_id}" if not steer else "")
    if not steer and not await _carried_on(stepwell, run_id):
        say(with_db(f"no engine carries the run on now; start one with: {serve(code)}", db), err=True)
    screen = None if as_json else await make_screen(stepwell, run_id, db)
    until = until_people if steer and (await stepwell.state(run_id)).run.attended else None
    view = await attend(
        stepwell, run_id, screen, steer=steer, timeout=timeout, last_words=last_words, until=until
    )
    open_ = "next_actions" in view
    if as_json:
        print_json(view)
    else:
        for words in people_summary(view, db) if open_ else summary(view, db):
            write(words)
    return LEFT_TO_PEOPLE if open_ else RUN_CODES.get(view["status"], 1)


async def until_people(client: Client, run_id: str) -> View:
    """Wait until the run has ended (the view is that of `Client.wait`), or only people can go on with it (that of
    `Client.explain`)."""
    from stepwell.client.awaiting import THEIRS
    from stepwell.client.explain import LEFT_TO_PEOPLE as REASONS

    clock = client.engine.clock
    while (await client.engine.row(run_id)).ended_at is None:
        actor = client.engine.actors.get(run_id)
        if actor is None or actor.idle:
            view = await client.explain(run_id)
            if view["reason"] in REASONS and all(each["reason"] in THEIRS for each in view["details"]):
                return view
        await clock.wait_until(clock.now() + LOOK_EVERY)
    return await client.wait(run_id)


def people_summary(view: View, db: Path) -> list[str]:
    """The last lines where a procedure is left to people: what they do, and how."""
    lines = [tint(f"run {view['run_id']} waits for people", "yellow", bold=True)]
    lines.append("what next:")
    lines += [with_db(f"  {action['command']}", db) for action in view["next_actions"]]
    return [*lines, with_db("what services and code do in it goes on with: stepwell serve", db)]


async def _carried_on(stepwell: Stepwell, run_id: str) -> bool:
    """Whether the run has ended, or somebody sees to it that it will."""
    row = await stepwell.engine.row(run_id)
    return row.ended_at is not None or await stepwell.engine.store.owner_alive(run_id)


async def make_screen(stepwell: Stepwell, run_id: str, db: Path) -> Screen:
    """A live tree on a terminal, plain lines elsewhere."""
    if not on_terminal():
        from stepwell.cli.plain import PlainLines

        return PlainLines(commands=lambda text: with_db(text, db))
    from stepwell.cli.drawing import LiveTree

    row = await stepwell.engine.row(run_id)
    definition = await stepwell.engine.library.get(row.definition_hash)
    return LiveTree(definition, commands=lambda text: with_db(text, db))


def summary(view: View, db: Path) -> list[str]:
    """The last lines: how it ended, the output or the error, and what to do next."""
    status, run_id = view["status"], view["run_id"]
    lines = [
        tint(f"run {run_id} {status} in {view['time_taken']:.2f} s", STYLES.get(status, "yellow"), bold=True)
    ]
    if status == "completed":
        return [*lines, pretty(view["output"])]
    if view["error"] is not None:
        lines += error_lines(view["error"])
    if view["cancel_reason"]:
        lines.append(f"  why:   {line(view['cancel_reason'])}")
    lines.append("what next:")
    lines.append(with_db(f"  stepwell runs explain {run_id}", db))
    if status in RETRIED and view["steps"]:
        undone = any(step["compensates"] is not None for step in view["steps"])  # it cannot go on from there
        lines.append(with_db(f"  stepwell runs {'rerun' if undone else 'retry'} {run_id}", db))
    return lines


MOST_LINES: Final = 20


def error_lines(error: dict[str, Any]) -> list[str]:
    """What went wrong and where."""
    lines = [f"  what:  {line(error['title'])} ({error['status']}, {line(error['type']).rpartition('/')[2]})"]
    if error["detail"]:
        first, *others = lines_of(error["detail"])
        lines += [f"         {text}" for text in (first, *others[:MOST_LINES])]
    if error["instance"]:
        lines.append(f"  where: {line(error['instance'])}")
    return lines
