"""`stepwell validate`: every problem of every file, at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from stepwell.cli.options import json_option


@click.command()
@click.argument("files", metavar="FILE|FILE.py:NAME", nargs=-1, required=True)
@click.option("--draft", is_flag=True, help="What is only missing yet is told, and is no mistake.")
@json_option
def command(files: tuple[str, ...], draft: bool, as_json: bool) -> int:
    """Report every problem of the definitions in FILES, with its place and what to do about it.

    A file may be a Python workflow, `orders.py:checkout`: it is imported, and what is found then is told.

    What the standard knows and Stepwell does not do yet is named, and is a problem too (`supported` is then false).

    Example: stepwell validate order.yaml billing/*.yaml
    """
    from stepwell.cli.app import is_code
    from stepwell.cli.screen import print_json, say

    views = [_code(path) if is_code(path) else _checked(Path(path), draft=draft) for path in files]
    good = all(view["valid"] and view["supported"] for view in views)
    if as_json:
        for view in views:
            del view["texts"]
        print_json({"valid": all(view["valid"] for view in views), "ok": good, "files": views})
        return 0 if good else 2
    for view in views:
        for text in view.pop("texts"):
            say(text)
        if view["valid"] and view["supported"]:
            say(f"{view['file']}: fine")
    return 0 if good else 2


def _code(target: str) -> dict[str, Any]:
    """The same of a Python workflow: it can be imported, and what it returns can be written."""
    from stepwell.cli.app import load_workflow
    from stepwell.cli.failing import finding_json
    from stepwell.model.errors import Finding, InvalidInput

    found: list[Finding] = []
    try:
        found_there = load_workflow(target)
        found_there.definition, found_there.form  # noqa: B018 - they are looked at on first use
    except InvalidInput as error:
        found = [Finding("invalid_code", error.message, file=target, hint=error.hint)]
    return {
        "file": target,
        "valid": not found,
        "supported": True,
        "findings": [finding_json(one) for one in found],
        "texts": [str(one) for one in found],
    }


def _checked(path: Path, *, draft: bool) -> dict[str, Any]:
    """`{file, valid, supported, findings, texts}`."""
    from stepwell.cli.failing import finding_json
    from stepwell.cli.reading import read_bytes
    from stepwell.definition.parse import INCOMPLETE, findings
    from stepwell.definition.rules.checker import NOT_SUPPORTED
    from stepwell.model.errors import Finding, InvalidInput

    try:
        found = findings(read_bytes(path), str(path), draft=draft)
    except InvalidInput as error:
        found = [Finding("unreadable", error.message, file=str(path), hint=error.hint)]
    return {
        "file": str(path),
        "valid": all(one.code in (NOT_SUPPORTED, INCOMPLETE) for one in found),
        "supported": all(one.code != NOT_SUPPORTED for one in found),
        "findings": [finding_json(one) for one in found],
        "texts": [f"{one}, still missing" if one.code == INCOMPLETE else str(one) for one in found],
    }
