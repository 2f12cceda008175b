"""`stepwell audit`: who did what to a run, and when."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from stepwell.cli.people.fields import shown
from stepwell.cli.runs.common import as_looker, run_argument
from stepwell.cli.screen import line, print_json, say, table

if TYPE_CHECKING:
    from stepwell.client.looker import Looker

_HEAD: Final = frozenset({"seq", "at", "by", "kind", "what", "step"})


@click.command("audit")
@run_argument
@click.option("--step", metavar="STEP", help="Only what was done to this step (a task's name, or an id).")
@click.option("--by", metavar="NAME", help="Only what this person did.")
def command(run: str, db: Path, as_json: bool, step: str | None, by: str | None) -> int:
    """Tell who did what to a run and its steps, oldest first. With --json one object: {"run_id", "audit": […]}.

    Example: stepwell audit 01936c2e --step check
    """

    async def ask(stepwell: Looker, run_id: str) -> dict[str, Any]:
        wanted = None if step is None else (await stepwell.show_step(run_id, step))["task"]
        state = await stepwell.state(run_id)
        names = {node.id: node.task for node in state.nodes.values()}
        found = [
            {**told, "task": names.get(told.get("step", ""))}
            for told in await stepwell.audit(run_id)
            if by is None or told["by"] == by
        ]
        return {"run_id": run_id, "audit": [t for t in found if wanted is None or t["task"] == wanted]}

    view = as_looker(db, run, ask)
    if as_json:
        print_json(view)
        return 0
    for text in audit_lines(view["audit"]) or ["nobody has done anything to it"]:
        say(text)
    return 0


def audit_lines(found: list[dict[str, Any]]) -> list[str]:
    """A line for each thing that was done, or came of it."""
    return [text.rstrip() for text in table([_cells(told) for told in found])]


def _cells(told: Mapping[str, Any]) -> tuple[str, ...]:
    what = told["what"]
    known = WORDS.get(what)
    words = known(told) if known is not None else _plain(told)
    return told["at"], line(told["by"]), line(told["task"] or told.get("step") or "run"), line(words, 200)


def _plain(told: Mapping[str, Any]) -> str:
    kept = {name: value for name, value in told.items() if name not in _HEAD | {"task"}}
    more = [
        f"{name} {shown(value)}" for name, value in kept.items() if value not in (None, "", {}, [], False)
    ]
    return " ".join([_verb(told["what"]), *more])


def _verb(what: str) -> str:
    return what.partition(".")[2].replace("_", " ")


def _values(told: Mapping[str, Any]) -> str:
    changed = [f"{name} = {shown(value)}" for name, value in told.get("values", {}).items()]
    emptied = [f"{name} emptied" for name in told.get("removed", ())]
    return "set " + ", ".join([*changed, *emptied])


def _because(verb: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda told: f"{verb}: {told['reason']}" if told.get("reason") else verb


def _failed(told: Mapping[str, Any]) -> str:
    error = told.get("error") or {}
    return f"failed: {error.get('detail') or error.get('title') or 'no reason was given'}"


def _assigned(told: Mapping[str, Any]) -> str:
    named = [*told.get("people", ()), *(f"group {name}" for name in told.get("groups", ()))]
    return f"assigned to {', '.join(named) or 'anybody'}"


def _condition(told: Mapping[str, Any]) -> str:
    parts = [f"{node['kind']} {node['status'].replace('_', ' ')}" for node in told["changes"].values()]
    return f"condition: {', '.join(parts)}"


def _done(verb: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda told: verb


WORDS: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "step.values_set": _values,
    "fields.set": _values,
    "step.condition_moved": _condition,
    "step.started": _done("started"),
    "step.submitted": _done("submitted"),
    "step.completed": _done("completed"),
    "step.passed": _done("let its successors go"),
    "step.offered": _done("waits to be begun"),
    "step.skipped": _because("skipped"),
    "step.failed": _failed,
    "step.assigned": _assigned,
    "step.repeated": _done("is done again"),
    "run.created": _done("put it on record"),
    "run.started": _done("began it"),
    "run.pausing": _because("paused"),
    "run.resumed": _done("let it go on"),
    "run.retried": _done("went on with it after its end"),
    "run.terminated": _because("terminated"),
    "run.completed": _done("completed"),
    "run.cancelling": _because("cancelling"),
    "run.cancelled": _because("cancelled"),
}
