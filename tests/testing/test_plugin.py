"""The pytest plugin, as a user's project meets it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.spec("Q20")

EXAMPLE = Path(__file__).parents[2] / "examples" / "testing"


def run_pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """pytest in a project of its own; the plugin by name, in case the installed entry point is of an older checkout."""
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "stepwell.testing.plugin",
            "-p",
            "no:cacheprovider",
            *arguments,
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env={**os.environ, "PYTEST_ADDOPTS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )


def test_the_example_passes_with_no_other_plugin(tmp_path: Path) -> None:
    project = shutil.copytree(EXAMPLE, tmp_path / "project")
    done = run_pytest(project)
    assert "3 passed" in done.stdout, done.stdout


def test_a_history_that_differs_is_shown_and_can_be_written_anew(tmp_path: Path) -> None:
    project = shutil.copytree(EXAMPLE, tmp_path / "project")
    test, golden = project / "test_reminder.py", project / "golden" / "reminder.json"
    test.write_text(test.read_text().replace("days: 14", "days: 7"))
    other = run_pytest(project, "-k", "golden")
    assert other.returncode == 1
    assert "the history is another one" in other.stdout
    assert "-" in other.stdout and "+604800s" in other.stdout
    assert "--stepwell-update-golden" in other.stdout
    golden.unlink()
    assert "there is no golden history" in run_pytest(project, "-k", "golden").stdout
    assert run_pytest(project, "-k", "golden", "--stepwell-update-golden").returncode == 0
    assert "+604800s" in golden.read_text()
    assert run_pytest(project, "-k", "golden").returncode == 0


def test_the_plugin_imports_nothing_of_the_engine_until_it_is_asked() -> None:
    code = (
        "import stepwell.testing.plugin, sys;"
        "print([m for m in ('apsw','jq','yaml','asyncio.runners','stepwell.engine','stepwell.assembly') if m in sys.modules"
        " and m != 'asyncio.runners'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_entry_point_bears_the_name_of_the_module() -> None:
    """So that asking for it by `-p` as well does not register it twice."""
    import tomllib

    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"stepwell.testing.plugin": "stepwell.testing.plugin"}


def test_the_page_shows_what_is_run() -> None:
    page = (EXAMPLE.parents[1] / "docs" / "testing.md").read_text()
    example = (EXAMPLE / "test_reminder.py").read_text()
    blocks = [block.split("```")[0] for block in page.split("```python\n")[1:]]
    assert len(blocks) == 3
    assert blocks[0] in example
    for line in (line.strip() for block in blocks for line in block.splitlines()):
        assert line.removeprefix("await ") in example.replace("asyncio.run(", ""), line
