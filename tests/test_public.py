"""The public page: what `stepwell` promises, and no more; importing it costs next to nothing."""

import subprocess
import sys
from pathlib import Path

import stepwell
from stepwell.client.client import Client

PROMISED = {
    "BlockingStepwell", "Conflict", "Handle", "InvalidDefinition", "InvalidInput", "KeyConflict", "NotFound",
    "NotSupported", "Queue", "RunFailed", "RunStatus", "StepFault", "StepStatus", "Stepwell", "StepwellError", "StoreError",
    "StoreUnavailable", "TransitionRefused", "WaitTimeout", "connect", "current", "parse",
    "Cache", "CallAgain", "Policy", "Retry", "StepFailed", "flow", "step", "workflow",
}  # fmt: skip


def test_exactly_these_names_are_public() -> None:
    assert set(stepwell.__all__) == PROMISED
    assert len(PROMISED) <= 30
    assert set(dir(stepwell)) == PROMISED


def test_every_name_is_there_and_documented() -> None:
    for name in PROMISED:
        assert getattr(stepwell, name).__doc__, name


def test_no_verb_hides_another() -> None:
    families = [kind for kind in Client.__mro__ if kind.__module__.startswith("stepwell.client.verbs.")]
    names = [name for kind in families for name in vars(kind) if not name.startswith("__")]
    assert len(names) == len(set(names)), {name for name in names if names.count(name) > 1}


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import stepwell, sys; print([m for m in ('apsw','jq','yaml','httpx2','rich','click') if m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


def test_the_version_is_that_of_the_package() -> None:
    project = (Path(__file__).parent.parent / "pyproject.toml").read_text()
    assert f'version = "{stepwell.__version__}"' in project
