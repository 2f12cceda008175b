"""`stepwell graph`: Mermaid on standard output."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from stepwell.cli.options import db_option, json_option


@click.command()
@click.argument("what", metavar="FILE|RUN")
@db_option
@json_option
def command(what: str, db: Path, as_json: bool) -> int:
    """Draw a definition, or a run with the states of its steps, as a Mermaid flow chart.

    Example: stepwell graph order.yaml > order.mmd
    """
    from stepwell.cli.screen import print_json, say

    file = Path(what)
    drawn = asyncio.run(_of_file(file) if file.exists() or file.suffix else _of_run(what, db))
    if as_json:
        print_json({"mermaid": drawn})
    else:
        say(drawn.rstrip("\n"))
    return 0


async def _of_file(file: Path) -> str:
    from stepwell.cli.reading import read_definition
    from stepwell.client.graph import definition_graph

    return definition_graph(await read_definition(file))


async def _of_run(given: str, db: Path) -> str:
    from stepwell.cli.opening import find_run, guest

    async with guest(db) as stepwell:
        return await stepwell.graph(run_id=await find_run(stepwell, given))
