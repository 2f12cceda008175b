"""One folder, one database, one command line for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.helpers import Cli


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    for name in ("STEPWELL_DB", "STEPWELL_DEBUG", "STEPWELL_USER", "STEPWELL_GROUPS", "STEPWELL_ROLES"):
        monkeypatch.delenv(name, raising=False)
    cli = Cli(tmp_path)
    yield cli
    cli.close()
