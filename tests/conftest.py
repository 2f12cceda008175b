"""What every test may use."""

import os
import sys
from collections.abc import Iterator

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Keep bytecode where the environment says not to: every program that a test starts would compile everything anew,
    which takes longer than what it is started for. Beside pytest's own cache, so that no source gets a neighbour."""
    if sys.dont_write_bytecode:
        sys.dont_write_bytecode, sys.pycache_prefix = (
            False,
            str(config.rootpath / ".pytest_cache" / "bytecode"),
        )
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="run the tests that take minutes")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--soak"):
        return
    skip = pytest.mark.skip(reason="takes minutes: run by `make soak`")
    for item in items:
        if item.get_closest_marker("soak"):
            item.add_marker(skip)


@pytest.fixture(autouse=True, scope="session")
def quick_to_open() -> Iterator[None]:
    """The WAL is not grown beforehand: that makes commits quicker and opening slower, and tests do more of the latter.
    Tests of the store itself say what they want."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("stepwell.assembly.opening.WARM_WAL", 0)
        yield


@pytest.fixture(autouse=True)
def own_workflows() -> Iterator[None]:
    """A workflow that a test defines takes the place of one of the same name only until the test ends."""
    from stepwell.code.registry import REGISTRY

    known = dict(REGISTRY._known)
    yield
    REGISTRY._known.update(known)
