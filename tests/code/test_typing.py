"""Decorated functions keep their signatures: mypy --strict says so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from mypy import api

pytestmark = pytest.mark.spec("B3")

FILE = Path(__file__).with_name("typed.py")
SAID = re.compile(r"typed\.py:(\d+): (?:error: (?!.*unused-coroutine)|note: (?=Revealed))(.*)")


def test_signatures_survive_the_decorators() -> None:
    """Every comment in the file is what mypy finds in its line, and it finds nothing else."""
    out, _, _ = api.run([str(FILE), "--strict", "--hide-error-context"])
    found = {int(number): _said(text) for number, text in SAID.findall(out)}
    lines = enumerate(FILE.read_text().splitlines(), 1)
    wanted = {number: comment for number, line in lines if (comment := line.partition("  # ")[2])}
    assert found == wanted


def _said(text: str) -> str:
    """A type without modules, or the code of an error."""
    if text.startswith("Revealed"):
        return re.sub(r"[\w.]*\.(?=\w)", "", text.partition('"')[2].rstrip('"'))
    return f"error: {text.rpartition('[')[2].rstrip(']')}"
