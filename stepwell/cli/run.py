"""`stepwell run`: a definition from a file, from its start to its end."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stepwell.cli.options import (
    PATH,
    db_option,
    input_option,
    json_option,
    notify_option,
    read_attributes,
    read_input,
    read_notifiers,
    read_secrets,
    read_tags,
    secrets_option,
    series_option,
)
from stepwell.cli.screen import line, one_result, print_json, say, write
from stepwell.cli.telling import Logging, log_options

if TYPE_CHECKING:
    from stepwell.assembly import Stepwell


@click.command()
@click.argument("file", metavar="FILE")
@input_option
@click.option(
    "--with",
    "others",
    type=PATH,
    multiple=True,
    metavar="FILE",
    help="Another definition that it runs by name.",
)
@secrets_option
@series_option
@notify_option
@db_option
@click.option("--key", metavar="K", help="Idempotency key: the same key gives the same run.")
@click.option("--tag", "tags", multiple=True, metavar="K=V", help="A search tag; may be given several times.")
@click.option(
    "--attribute",
    "attributes",
    metavar="K=V",
    multiple=True,
    help="A typed search attribute (V is JSON, or text); see `runs list --where`.",
)
@click.option("--title", metavar="TEXT", help="What people call this run.")
@click.option("--label", "labels", multiple=True, metavar="L", help="A label to find it by.")
@click.option("--property", "properties", multiple=True, metavar="K=V", help="A property to find it by.")
@click.option("--author", metavar="WHO", help="Who starts it.")
@click.option("--priority", type=int, default=0, show_default=True, help="Higher goes first.")
@click.option("--debug", is_flag=True, help="Pause before every step; `stepwell runs resume` lets go.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Cancel the run after so long.",
)
@click.option("--queue", metavar="Q", help="Put it into this queue, and leave: `stepwell serve` begins it.")
@click.option("--delay", type=click.FloatRange(min=0), metavar="SECONDS", help="Likewise, not before that.")
@click.option(
    "--deadline",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="It must have ended by then, begun or not.",
)
@log_options
@json_option
def command(file: str, as_json: bool, **options: Any) -> int:
    """Run the definition in FILE to its end and show how it goes.

    FILE may also be a Python workflow: `orders.py:checkout` or `shop.orders:checkout`; its input is an object with a
    member for each parameter.

    Ctrl-C cancels the run; a second one leaves at once, and the run open (`stepwell serve` goes on with it).
    Functions for `call: python` are looked for in the current folder and beside FILE.

    Example: stepwell run order.yaml --input '{"order": "1001"}' --key order-1001
    """
    given = read_input(options["input_text"])
    secrets = read_secrets(options["secrets_file"])
    tags = read_tags(options["tags"])
    with one_result(as_json):
        return asyncio.run(_run(file, given, secrets, tags, as_json, options))


async def _run(
    file: str,
    given: Any,
    secrets: dict[str, Any],
    tags: dict[str, str],
    as_json: bool,
    options: dict[str, Any],
) -> int:
    from stepwell.cli.app import is_code, load_workflow
    from stepwell.cli.opening import allow_modules, engine
    from stepwell.cli.outcome import carry_through
    from stepwell.cli.reading import placed, read_definition
    from stepwell.model.errors import InvalidDefinition

    if is_code(file):
        main, place = load_workflow(file).definition, Path(file.rpartition(":")[0] or file)
    else:
        place = Path(file)
        main = await read_definition(place)
    definitions = [*[await read_definition(path) for path in options["others"]], main]
    allow_modules(place.parent)
    logs = Logging(options["log_format"], options["log_level"])
    world = {
        "series_folder": options["series_folder"],
        "notifiers": read_notifiers(options["notifiers"]),
    }
    async with engine(options["db"], secrets=secrets, logs=logs, **world) as stepwell:
        for other in definitions[:-1]:
            await stepwell.add_definition(other)
        try:
            handle = await stepwell.start(
                definitions[-1],
                given,
                key=options["key"],
                tags=tags,
                attributes=read_attributes(options["attributes"]),
                title=options["title"],
                labels=options["labels"],
                properties=read_tags(options["properties"]),
                author=options["author"],
                priority=options["priority"],
                mode="debug" if options["debug"] else "normal",
                queue=options["queue"],
                delay=options["delay"],
                deadline=options["deadline"],
            )
        except InvalidDefinition as error:
            raise placed(error, place, main) from None
        if options["queue"] is not None or options["delay"] is not None:
            return await _told(stepwell, handle.run_id, as_json)
        return await carry_through(
            stepwell, handle.run_id, options["db"], as_json=as_json, timeout=options["timeout"]
        )


async def _told(stepwell: Stepwell, run_id: str, as_json: bool) -> int:
    """Where the run waits now."""
    told = await stepwell.explain(run_id)
    if as_json:
        print_json({name: told[name] for name in ("run_id", "status", "reason", "summary")})
    else:
        write(line(run_id))
        say(told["summary"])
    return 0
