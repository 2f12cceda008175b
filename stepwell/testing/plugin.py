"""The pytest plugin, found by itself once Stepwell is installed: two fixtures and one option.

It imports nothing of the engine until a test asks for a kit.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from stepwell.testing.blocking import BlockingKit
    from stepwell.testing.kit import Kit

_UPDATE = "--stepwell-update-golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the option."""
    parser.getgroup("stepwell").addoption(
        _UPDATE, action="store_true", help="write the histories that Kit.golden compares with"
    )


@pytest.fixture
def stepwell_kit(tmp_path: Path, pytestconfig: pytest.Config) -> Callable[..., Kit]:
    """Makes kits on files in `tmp_path`: `async with stepwell_kit(functions=[charge]) as kit`. For any way of running
    coroutines in tests: pytest-asyncio, anyio, `asyncio.run`."""
    from stepwell.testing.kit import Kit

    numbers = itertools.count(1)

    def make(**settings: Any) -> Kit:
        path = tmp_path / f"kit-{next(numbers)}.db"
        return Kit(**{"path": path, "update_golden": pytestconfig.getoption(_UPDATE), **settings})

    return make


@pytest.fixture
def stepwell_blocking_kit(
    tmp_path: Path, pytestconfig: pytest.Config
) -> Iterator[Callable[..., BlockingKit]]:
    """Makes kits for tests without an event loop, opened, and closed with the test."""
    from stepwell.testing.blocking import BlockingKit

    numbers = itertools.count(1)
    with ExitStack() as opened:

        def make(**settings: Any) -> BlockingKit:
            path = tmp_path / f"blocking-kit-{next(numbers)}.db"
            update = pytestconfig.getoption(_UPDATE)
            return opened.enter_context(BlockingKit(**{"path": path, "update_golden": update, **settings}))

        yield make
