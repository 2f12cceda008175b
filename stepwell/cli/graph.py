"""`stepwell graph`: a drawing on standard output."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click

from stepwell.cli.options import db_option, json_option


@click.command()
@click.argument("what", metavar="FILE|FILE.py:NAME|RUN")
@click.option(
    "--format",
    "drawn_as",
    type=click.Choice(["mermaid", "dot"]),
    default="mermaid",
    show_default=True,
    help="Mermaid, or the language of Graphviz.",
)
@db_option
@json_option
def command(what: str, db: Path, as_json: bool, drawn_as: str) -> int:
    """Draw a definition, or a run with the states of its steps, as a flow chart.

    With --json nodes and edges as data too, each edge selected, skipped, pending or blocked.

    Example: stepwell graph order.yaml > order.mmd
    """
    from stepwell.cli.app import is_code
    from stepwell.cli.screen import print_json, say

    file = Path(what)
    is_file = is_code(what) or file.exists() or file.suffix
    data, drawn = asyncio.run(_of_file(what, drawn_as) if is_file else _of_run(what, db, drawn_as))
    if as_json:
        print_json({drawn_as: drawn, **data})
    else:
        say(drawn.rstrip("\n"))
    return 0


async def _of_file(what: str, drawn_as: str) -> tuple[dict[str, Any], str]:
    from stepwell.cli.app import is_code, load_workflow
    from stepwell.cli.reading import read_definition
    from stepwell.client.graph import dot, graph_of, mermaid

    definition = load_workflow(what).definition if is_code(what) else await read_definition(Path(what))
    graph = graph_of(definition)
    return graph.as_json(), dot(graph) if drawn_as == "dot" else mermaid(graph)


async def _of_run(given: str, db: Path, drawn_as: Any) -> tuple[dict[str, Any], str]:
    from stepwell.cli.opening import find_run, looker

    async with looker(db) as stepwell:
        run_id = await find_run(stepwell, given)
        return await stepwell.graph_data(run_id=run_id), await stepwell.graph(run_id=run_id, format=drawn_as)
