"""`stepwell procedures convert`: from the nested form to a graph, and back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from stepwell.cli.options import PATH, json_option
from stepwell.cli.procedures.common import told
from stepwell.model.base import Json


@click.command()
@click.argument("file", type=PATH)
@click.option(
    "--to",
    "wanted",
    type=click.Choice(["nested", "graph"]),
    help="What to make of it.  [default: the other one]",
)
@json_option
def convert(file: Path, wanted: str | None, as_json: bool) -> int:
    """Write a procedure in the other form, as YAML on standard output.

    The nested form is for procedures whose steps are done one after the other: a tree of titles and steps. As a graph
    it is a document that can be run.

    Example: stepwell procedures convert hotfire.yaml --to nested
    """
    from stepwell.cli.reading import read_bytes
    from stepwell.definition.nested import is_nested
    from stepwell.definition.source import read
    from stepwell.model.errors import InvalidDefinition

    source = read(read_bytes(file), str(file))
    if source.issues:
        raise InvalidDefinition(source.findings(source.issues))
    nested = is_nested(source.value)
    to = wanted or ("graph" if nested else "nested")
    document: Any = source.value
    if to == "graph" and nested:
        document = _graph(document)
    elif to == "nested" and not nested:
        document = _nested(file)
    return told({"form": to, "document": document}, as_json, _text(document))


def _graph(nested: Json) -> Json:
    """Raises `InvalidInput`, and `InvalidDefinition` where what came of it cannot be run."""
    from stepwell.definition.nested import from_nested
    from stepwell.definition.parse import parse_document

    document = from_nested(nested)
    parse_document(document)
    return document


def _nested(file: Path) -> Json:
    from stepwell.cli.reading import read_bytes
    from stepwell.definition.nested import to_nested
    from stepwell.definition.parse import parse

    return to_nested(parse(read_bytes(file), str(file)))


def _text(document: Json) -> str:
    """As YAML; as JSON, which is YAML too, where the writer of YAML would make something else of it."""
    import yaml

    from stepwell.definition.source import read

    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110).rstrip("\n")
    if read(text).value == document:
        return text
    return json.dumps(document, indent=1, ensure_ascii=False)
