"""Where a failure was raised: the user's own line first, and behind it the library's."""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from stepwell import step, workflow
from stepwell.testing import Kit

pytestmark = pytest.mark.spec("Q10")


@step
async def placed_here() -> None:
    raise ValueError("mine")


@step
async def placed_in_json() -> object:
    return json.loads("{")


@step
def placed_on_a_thread() -> object:
    return json.loads("{")


@step
async def placed_in_asyncio() -> None:
    async with asyncio.timeout(0):
        await asyncio.Event().wait()


@workflow(name="placed")
async def placed(which: str) -> object:
    return await STEPS[which]()


@workflow(name="placed-in-the-code")
async def placed_in_the_code() -> object:
    return json.loads("{")


STEPS: dict[str, Any] = {
    "here": placed_here,
    "json": placed_in_json,
    "thread": placed_on_a_thread,
    "asyncio": placed_in_asyncio,
}


async def detail(work: Any, *arguments: Any) -> list[str]:
    async with Kit(workflows=[work]) as kit:
        run = await kit.start(work, *arguments)
        await kit.drain()
        return str((await kit.engine.show(run.run_id))["error"]["detail"]).splitlines()


@pytest.mark.parametrize("which", ["json", "thread"])
async def test_the_users_line_comes_first_and_the_librarys_second(which: str) -> None:
    first, second = await detail(placed, which)
    assert first.startswith("JSONDecodeError: ") and "(test_places.py:" in first
    assert first.endswith(f", in {STEPS[which].__name__})")
    assert second.startswith("  raised in json/decoder.py:") and second.endswith(", in raw_decode")


async def test_in_a_workflows_own_code_too() -> None:
    first, second = await detail(placed_in_the_code)
    assert first.endswith(", in placed_in_the_code)") and "json/decoder.py" in second


async def test_what_is_raised_in_the_users_code_has_one_line() -> None:
    (only,) = await detail(placed, "here")
    assert only.startswith("ValueError: mine (test_places.py:") and only.endswith(", in placed_here)")


async def test_asyncio_is_a_library() -> None:
    first, second = await detail(placed, "asyncio")
    assert first.endswith(", in placed_in_asyncio)") and second.startswith("  raised in asyncio/timeouts.py:")


async def test_a_program_that_is_installed_is_the_users_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else is: its own lines are told as the user's, and those of other packages as a library's."""
    site = tmp_path / "site-packages"
    (site / "placed_app").mkdir(parents=True)
    (site / "placed_lib").mkdir()
    (site / "placed_lib" / "__init__.py").write_text("def breaks():\n    raise OSError('in there')\n")
    (site / "placed_app" / "__init__.py").write_text(
        "import placed_lib\n"
        "from stepwell import step, workflow\n"
        "@step\n"
        "async def placed_app_step():\n"
        "    placed_lib.breaks()\n"
        "@workflow(name='placed-app')\n"
        "async def placed_app():\n"
        "    await placed_app_step()\n"
    )
    monkeypatch.syspath_prepend(str(site))
    try:
        found = await detail(importlib.import_module("placed_app").placed_app)
    finally:
        sys.modules.pop("placed_app", None)
        sys.modules.pop("placed_lib", None)
    assert found == [
        "OSError: in there (__init__.py:5, in placed_app_step)",
        "  raised in placed_lib/__init__.py:2, in breaks",
    ]
