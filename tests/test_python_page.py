"""docs/python.md says what happens: its blocks are run one after the other, and print what stands below them.

Ids, lengths of time and instants differ from run to run, and are made the same.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.page import blocks

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "python.md"

CHANGING = [
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"), "RUN"),
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)"), "INSTANT"),
    (re.compile(r"\d+\.\d+ s\b"), "TIME"),
]


def alike(text: str) -> str:
    for pattern, word in CHANGING:
        text = pattern.sub(word, text)
    return text.strip()


@pytest.mark.spec("U1")
def test_the_page_says_what_happens(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.page", str(PAGE)],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    printed = iter(json.loads(done.stdout))
    said, wrong = "", []
    for block in blocks(PAGE.read_text()):
        if block.language != "text":
            said = next(printed)
        elif alike(said) != alike(block.text):
            wrong.append(f"{PAGE.name}:{block.line} says\n{block.text}but it printed\n{said}")
    assert not wrong, "\n".join(wrong)


def test_everything_printed_stands_on_the_page() -> None:
    found = [block.language for block in blocks(PAGE.read_text())]
    assert set(found) == {"python", "sh", "text"} and found.count("text") >= 12
