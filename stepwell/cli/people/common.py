"""What the commands of people share: a step as it is on record with its fields, a change of it, and what comes next."""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import click

from stepwell.cli.runs.common import as_guest, as_looker, run_argument
from stepwell.cli.screen import line, print_json, say
from stepwell.cli.who import who_options
from stepwell.model.base import Instant
from stepwell.model.errors import InvalidForm, TransitionRefused

if TYPE_CHECKING:
    from stepwell.assembly import Stepwell
    from stepwell.client.looker import Looker
    from stepwell.definition.forms.field import Field
    from stepwell.model.people import Actor

FAILED: Final = frozenset({"failed", "timed_out"})
F = TypeVar("F", bound=Callable[..., Any])


class Place(NamedTuple):
    """Where a command is to do something, and how it answers."""

    run: str
    step: str
    db: Path
    as_json: bool


class Found(NamedTuple):
    """A step as `show_step` tells it, and the fields of its form."""

    view: dict[str, Any]
    fields: Sequence[Field]
    now: Instant


def step_argument(function: F) -> F:
    """`RUN` and `STEP`, `--db` and `--json`, as one `place`."""

    def placed(run: str, step: str, db: Path, as_json: bool, **options: Any) -> Any:
        return function(Place(run, step, db, as_json), **options)

    placed.__doc__, placed.__name__ = function.__doc__, function.__name__
    placed.__dict__.update(function.__dict__)  # the options that were given to it
    return run_argument(click.argument("step", metavar="STEP")(placed))  # type: ignore[return-value]


def changing(function: F) -> F:
    """`step_argument`, who does it, and `--version`."""
    version = click.option(
        "--version",
        type=click.IntRange(1),
        metavar="N",
        help="Only if the step is still at this version; `step show` tells it.",
    )
    return step_argument(who_options(version(function)))


def reason_option(function: F) -> F:
    return click.option("--reason", required=True, metavar="TEXT", help="Why; it is kept on record.")(
        function
    )


def values_options(function: F) -> F:
    """`--value` and `--values`, as `words` and `text`."""
    one = click.option(
        "--value",
        "words",
        multiple=True,
        metavar="ID=VALUE",
        help="A field of the form; @PATH for a file; ID= empties it; may be given again (also for lists).",
    )
    return one(
        click.option(
            "--values",
            "text",
            metavar="JSON|@FILE|-",
            help="An object with a value per field: JSON, @FILE with JSON in it, or - for standard input.",
        )(function)
    )


def found_step(place: Place) -> Found:
    """Raises `NotFound`."""

    async def ask(stepwell: Looker, run_id: str) -> Found:
        view = await stepwell.show_step(run_id, place.step)
        return Found(view, read_fields(view.get("fields", ())), stepwell.engine.clock.now())

    from stepwell.definition.forms.reading import read_fields

    return as_looker(place.db, place.run, ask)


def change(
    place: Place,
    ask: Callable[[Stepwell, str], Awaitable[dict[str, Any]]],
    who: Actor,
    fields: Sequence[Field] = (),
    *,
    fine: Collection[str] = (),
) -> int:
    """Change a step, and say what became of it and what comes next. Exit code 1 where it has failed, unless that is
    `fine`: what was asked for."""

    async def main(stepwell: Stepwell, run_id: str) -> dict[str, Any]:
        with explained(place, run_id, fields):
            view = await ask(stepwell, run_id)
        return {**view, **await aftermath(stepwell, run_id, who)}

    view = as_guest(place.db, place.run, main)
    code = 1 if view["status"] in FAILED - {*fine} else 0
    if place.as_json:
        print_json(view)
        return code
    say(_became(view))
    for text in [*_why(view), *next_lines(view, place.db)]:
        say(text)
    return code


def _became(view: dict[str, Any]) -> str:
    parts = [f"{view['task']} is {view['status'].replace('_', ' ')}"]
    parts += [f"version {view['version']}"] if "version" in view else []
    approval = view.get("approval")
    if approval is not None and approval["status"] == "pending":
        parts.append(f"{approval['given']} of {approval['need']} have approved")
    missing = ", ".join(view.get("missing", ())) if view["status"] in ("pending", "running") else ""
    return line(", ".join(parts) + (f"; still needed: {missing}" if missing else ""))


def _why(view: dict[str, Any]) -> list[str]:
    """What went wrong, of a step that has failed."""
    from stepwell.cli.outcome import error_lines

    return error_lines(view["error"]) if view["status"] in FAILED and view.get("error") else []


async def aftermath(stepwell: Stepwell, run_id: str, who: Actor) -> dict[str, Any]:
    """`carried_on`: an engine has the run; `needs_engine`: there is something to do for one, and none is there;
    `next`: the step that waits for this person now; `run_status`."""
    from stepwell.client.awaiting import THEIRS

    told = await stepwell.explain(run_id)
    carried_on = await stepwell.engine.store.owner_alive(run_id)
    work = any(detail["reason"] not in THEIRS for detail in told["details"])
    inbox = await stepwell.inbox(who, run=run_id, limit=1)
    return {
        "run_status": told["status"],
        "carried_on": carried_on,
        "needs_engine": work and not carried_on,
        "next": inbox["items"][0]["step"] if inbox["items"] else None,
    }


def next_lines(view: dict[str, Any], db: Path) -> Iterator[str]:
    """What to do after a change."""
    from stepwell.cli.opening import with_db
    from stepwell.model.states import TERMINAL_RUN

    run_id = view["run_id"]
    if view["needs_engine"]:
        yield with_db("  no engine carries the run on now, and it needs one: stepwell serve", db)
    if view["run_status"] in TERMINAL_RUN:
        yield with_db(f"  run {run_id} is {view['run_status']}: stepwell procedures status {run_id}", db)
    elif view["next"] is not None:
        yield with_db(f"  next: stepwell step show {run_id} {shlex.quote(view['next'])}", db)
    else:
        yield with_db(f"  how it stands: stepwell procedures status {run_id}", db)


@contextmanager
def explained(place: Place, run_id: str, fields: Sequence[Field]) -> Iterator[None]:
    """What is wrong with a form in the words of the form; what to do where something was refused."""
    from stepwell.cli.opening import with_db
    from stepwell.cli.people.fields import with_labels

    show = with_db(f"stepwell step show {run_id} {shlex.quote(place.step)}", place.db) if place.step else ""
    try:
        yield
    except InvalidForm as error:
        error.hint = error.hint or f"see what the fields take with: {show}" if show else error.hint
        raise with_labels(error, fields) from None
    except TransitionRefused as error:
        error.hint = error.hint or (f"see what can be done with: {show}" if show else "")
        raise
