"""`stepwell runs signal|stream|fork`: talking with a run, and going another way from one of its steps."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import click

from stepwell.cli.options import path_option, read_secrets, secrets_option
from stepwell.cli.runs.common import as_guest, run_argument
from stepwell.cli.screen import one_result, print_json, say


@click.command()
@run_argument
@click.argument("name")
@click.argument("value", required=False)
@click.option("--correlation", metavar="TEXT", help="Only a step that waits for this, or for any, gets it.")
@click.option("--id", "signal_id", metavar="ID", help="Deliver it once, however often this is called.")
def signal(
    run: str,
    db: Path,
    as_json: bool,
    name: str,
    value: str | None,
    correlation: str | None,
    signal_id: str | None,
) -> int:
    """Send a signal to a run. VALUE is JSON, or text.

    Example: stepwell runs signal 01936c2e approved '{"by": "ann"}'
    """

    async def ask(stepwell: Any, run_id: str) -> dict[str, Any]:
        view: dict[str, Any] = await stepwell.signal(
            run_id, name, _value(value), correlation=correlation, id=signal_id
        )
        return view

    view = as_guest(db, run, ask)
    if as_json:
        print_json(view)
    elif view["status"] == "delivered":
        say(f"signal {name} delivered to step {view['step']}")
    else:
        say(f"signal {name} {_KEPT[view['status']]}")
    return 0


_KEPT = {
    "buffered": "is on record; no step waits for it yet",
    "duplicate": "was there before: nothing has changed",
}


def _value(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


@click.command()
@run_argument
@click.argument("step")
@click.option("--version", metavar="V", help="With another version of the definition, or `latest`.")
@click.option("--allow-irreversible", is_flag=True, help="Also if that does again what cannot be taken back.")
@secrets_option
@path_option
def fork(
    run: str,
    db: Path,
    as_json: bool,
    step: str,
    version: str | None,
    allow_irreversible: bool,
    secrets_file: Path | None,
    folders: tuple[Path, ...],
) -> int:
    """Start a new run that has done what this one did before STEP, and carry it on from there.

    STEP is the step's id, or its name where there is one of that name.

    Example: stepwell runs fork 01936c2e ship
    """
    from stepwell.cli.opening import allow_modules

    allow_modules(*folders)
    options = {"version": version, "allow_irreversible": allow_irreversible}
    with one_result(as_json):
        return asyncio.run(_fork(run, step, db, as_json, read_secrets(secrets_file), options))


async def _fork(
    run: str, step: str, db: Path, as_json: bool, secrets: dict[str, Any], options: dict[str, Any]
) -> int:
    from stepwell.cli.app import require_code
    from stepwell.cli.opening import engine, find_run, guest
    from stepwell.cli.outcome import carry_through

    async with guest(db) as stepwell:
        run_id = await find_run(stepwell, run)
    async with engine(db, secrets=secrets) as stepwell:
        await require_code(stepwell, run_id)
        handle = await stepwell.fork(run_id, step, **options)
        return await carry_through(stepwell, handle.run_id, db, as_json=as_json)
