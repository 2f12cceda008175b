"""Reads the scenarios of the standard's conformance kit: as much Gherkin as it uses."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

FEATURES = Path(__file__).parents[3] / "shared/conformance/ctk/features"


@dataclass
class Line:
    """A step of a scenario: its words, and the block of text below it."""

    words: str
    text: str = ""


@dataclass
class Scenario:
    feature: str
    name: str
    lines: list[Line] = field(default_factory=list)

    @property
    def id(self) -> str:
        return f"{self.feature}: {self.name}"


def scenarios(folder: Path = FEATURES) -> list[Scenario]:
    """All scenarios of a folder; none where there is no such folder."""
    return [scenario for path in sorted(folder.glob("*.feature")) for scenario in read(path)]


def read(path: Path) -> list[Scenario]:
    found: list[Scenario] = []
    lines = iter(path.read_text().splitlines())
    for line in lines:
        words = line.strip()
        if words.startswith("Scenario:"):
            found.append(Scenario(path.stem, words.removeprefix("Scenario:").strip()))
        elif words.startswith('"""'):
            block = []
            for inner in lines:
                if inner.strip() == '"""':
                    break
                block.append(inner)
            found[-1].lines[-1].text = dedent("\n".join(block))
        elif found and re.match(r"(Given|When|Then|And|But)\b", words):
            found[-1].lines.append(
                Line(re.sub(r"^(Given|When|Then|And|But)\s+", "", words).removeprefix("given "))
            )
    return found
