"""`stepwell runs watch | retry | rerun`: those that stay with a run until it ends."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stepwell.cli.options import (
    input_option,
    path_option,
    read_input,
    read_secrets,
    secrets_option,
    yes_option,
)
from stepwell.cli.runs.common import as_guest, run_argument
from stepwell.cli.runs.many import is_one, runs_arguments, steer_many
from stepwell.cli.screen import one_result, print_json, say
from stepwell.cli.selecting import taken
from stepwell.cli.who import asker_option
from stepwell.client.serving import serve
from stepwell.model.errors import InvalidInput
from stepwell.model.events import SAME

if TYPE_CHECKING:
    from stepwell.assembly import Stepwell


@click.command()
@run_argument
def watch(run: str, db: Path, as_json: bool) -> int:
    """Follow a run live until it ends; the exit code is that of `stepwell run`. Ctrl-C only stops watching.

    Example: stepwell runs watch 01936c2e
    """

    async def ask(stepwell: Stepwell, run_id: str) -> int:
        from stepwell.cli.outcome import carry_through

        await stepwell.state(run_id)  # one that cannot be read would be waited for in vain
        return await carry_through(stepwell, run_id, db, as_json=as_json, steer=False)

    return as_guest(db, run, ask)


@click.command()
@runs_arguments
@click.option("--here", is_flag=True, help="Carry it on in this process, to its end.")
@secrets_option
@path_option
@asker_option
@yes_option
def retry(
    runs: tuple[str, ...],
    db: Path,
    as_json: bool,
    here: bool,
    secrets_file: Path | None,
    folders: tuple[Path, ...],
    asker: str,
    yes: bool,
    **options: Any,
) -> int:
    """Go on with a failed, timed out or cancelled run from what failed; what was completed is not done again.

    Without --here the run is only opened again; an engine (`stepwell serve`, or an application) carries it on. Several
    runs, or filters: all of them, each with its own answer.

    Example: stepwell runs retry 01936c2e --here
    """
    where = taken(options)
    if not is_one(runs, where):
        if here:
            raise InvalidInput("--here carries on one run", hint="name one, or let `stepwell serve` go on")
        return steer_many("retry", runs, where, db, as_json=as_json, yes=yes, asker=asker)
    if here:
        from stepwell.cli.opening import allow_modules

        allow_modules(*folders)
        with one_result(as_json):
            return asyncio.run(_retry_here(runs[0], db, as_json, read_secrets(secrets_file), asker))
    return _retry(runs[0], db, as_json, asker)


def _retry(run: str, db: Path, as_json: bool, asker: str) -> int:
    """Only open it again."""

    async def ask(stepwell: Stepwell, run_id: str) -> tuple[dict[str, Any], str | None]:
        view = await stepwell.retry(run_id, by=asker)
        view = {**view, "carried_on": await stepwell.engine.store.owner_alive(run_id)}
        return view, (await stepwell.engine.row(run_id)).code

    from stepwell.cli.opening import with_db
    from stepwell.cli.runs.steer import next_words

    view, code = as_guest(db, run, ask)
    if as_json:
        print_json(view)
    else:
        say(f"run {view['run_id']} is open again: {view['status']}")
        say(with_db(f"  {next_words(view, code)}", db))
    return 0


async def _retry_here(run: str, db: Path, as_json: bool, secrets: dict[str, Any], asker: str) -> int:
    from stepwell.cli.app import require_code
    from stepwell.cli.opening import engine, find_run, guest
    from stepwell.cli.outcome import carry_through

    async with guest(db) as stepwell:
        run_id = await find_run(stepwell, run)
    async with engine(db, secrets=secrets) as stepwell:
        await require_code(stepwell, run_id)
        await stepwell.retry(run_id, by=asker)
        return await carry_through(stepwell, run_id, db, as_json=as_json)


@click.command()
@run_argument
@input_option
@secrets_option
@path_option
@click.option(
    "--here/--detach",
    default=True,
    show_default=True,
    help="Carry it on in this process to its end, or leave it to an engine.",
)
@click.option("--version", metavar="V", help="With another version of the definition, or `latest`.")
@click.option("--allow-irreversible", is_flag=True, help="Also if that does again what cannot be taken back.")
def rerun(
    run: str,
    db: Path,
    as_json: bool,
    here: bool,
    version: str | None,
    allow_irreversible: bool,
    input_text: str | None,
    secrets_file: Path | None,
    folders: tuple[Path, ...],
) -> int:
    """Start the definition of a run anew, with the same input unless another is given. It is always a new run.

    Example: stepwell runs rerun 01936c2e --input '{"order": "1002"}'
    """
    from stepwell.cli.opening import allow_modules

    given, secrets = SAME if input_text is None else read_input(input_text), read_secrets(secrets_file)
    allow_modules(*folders)
    with one_result(as_json):
        options = {"version": version, "allow_irreversible": allow_irreversible}
        return asyncio.run(_rerun(run, db, as_json, given, secrets, here, options))


async def _rerun(
    run: str,
    db: Path,
    as_json: bool,
    given: Any,
    secrets: dict[str, Any],
    here: bool,
    options: dict[str, Any],
) -> int:
    from stepwell.cli.app import require_code
    from stepwell.cli.opening import engine, find_run, guest, with_db
    from stepwell.cli.outcome import carry_through

    async with guest(db) as stepwell:
        run_id = await find_run(stepwell, run)
    # Detached, the run is put on record by an engine that has no room to perform any of its steps.
    settings: dict[str, Any] = {} if here else {"max_concurrency": 0}
    async with engine(db, secrets=secrets, **settings) as stepwell:
        if here:
            await require_code(stepwell, run_id)
        handle = await stepwell.rerun(run_id, given, queue=None if here else SAME, **options)
        if here:
            return await carry_through(stepwell, handle.run_id, db, as_json=as_json)
        row = await stepwell.engine.row(handle.run_id)
    if as_json:
        print_json({"run_id": row.id, "status": row.status, "rerun_of": run_id})
    else:
        say(f"run {row.id} is {row.status}")
        say(with_db(f"  carry it on with: {serve(row.code)}", db))
    return 0
