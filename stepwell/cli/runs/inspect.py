"""`stepwell runs timeline`."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from stepwell.cli.runs.common import as_looker, run_argument
from stepwell.cli.screen import print_json, write


@click.command()
@run_argument
@click.option(
    "--steps",
    "most",
    type=click.IntRange(1),
    default=200,
    show_default=True,
    metavar="N",
    help="Draw at most so many steps; --json has them all.",
)
def timeline(run: str, db: Path, as_json: bool, most: int) -> int:
    """Show where a run's time went: a bar for every step, with its attempts, waits, back-offs and pauses.

    Example: stepwell runs timeline 01936c2e
    """
    from stepwell.cli.runs.bars import bars

    view = as_looker(db, run, lambda stepwell, run_id: stepwell.timeline(run_id))
    if as_json:
        print_json(view)
    else:
        for text in bars(view, most, shutil.get_terminal_size((100, 24)).columns):
            write(text)
    return 0
