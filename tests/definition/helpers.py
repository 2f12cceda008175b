"""Documents for tests."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from stepwell.definition.model import Definition
from stepwell.definition.parse import findings, parse
from stepwell.model.errors import Finding

STANDARD = Path(__file__).parents[2] / "../shared/conformance"

HEAD = """\
document:
  dsl: '1.0.3'
  namespace: test
  name: sample
  version: '1.0.0'
"""


def document(body: str) -> str:
    return HEAD + textwrap.dedent(body).lstrip("\n")


def parsed(body: str) -> Definition:
    return parse(document(body))


def problems(body: str) -> list[Finding]:
    """What is wrong with a body; lines count from its own first line."""
    shift = HEAD.count("\n")
    return [
        Finding(f.code, f.message, f.pointer, f.file, f.line - shift, f.column, f.hint)
        for f in findings(document(body))
    ]


def codes(body: str) -> list[str]:
    return [found.code for found in problems(body)]


needs_standard = pytest.mark.skipif(
    not STANDARD.exists(), reason="the standard's data is not beside this checkout (../shared/conformance)"
)
