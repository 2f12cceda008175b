"""docs/commands.md names every command, and every verb of the Python door."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from stepwell.cli import root
from stepwell.client.blocking import BlockingStepwell
from stepwell.client.client import Client

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"
INNER = {"blobs", "file", "filtered", "hints", "start_slot"}
"""What other rooms ask a client, and nobody else."""


def commands(group: click.Command, path: tuple[str, ...] = ()) -> Iterator[str]:
    if not isinstance(group, click.Group):
        yield " ".join(path)
        return
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found is not None
        yield from commands(found, (*path, name))


def rows() -> list[list[str]]:
    lines = [line.split("|")[1:-1] for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    return [cells for cells in lines if cells[0].strip() != "`stepwell …`"]


@pytest.mark.spec("X1")
def test_every_command_is_on_the_page_once() -> None:
    named = [cells[0].strip(" `") for cells in rows() if len(cells) == 3]
    assert sorted(named) == sorted(commands(root))


def test_every_verb_is_on_the_page_and_there_is_no_other() -> None:
    named = {
        word
        for cells in rows()
        for cell in (cells[1:2] if len(cells) == 3 else cells[:1])
        for word in re.findall(r"`(\w+)`", cell)
    }
    verbs = {name for name in dir(Client) if not name.startswith("_")} - INNER
    assert named == verbs
    assert not {name for name in verbs if not hasattr(BlockingStepwell, name)}
