"""The public page: what `stepwell` promises, and no more; importing it costs next to nothing."""

import subprocess
import sys

import stepwell

PROMISED = {
    "BlockingStepwell", "Conflict", "Handle", "InvalidDefinition", "InvalidInput", "KeyConflict", "NotFound",
    "NotSupported", "RunFailed", "RunStatus", "StepFault", "StepStatus", "Stepwell", "StepwellError", "StoreError",
    "StoreUnavailable", "TransitionRefused", "WaitTimeout", "connect", "current", "parse",
}  # fmt: skip


def test_exactly_these_names_are_public() -> None:
    assert set(stepwell.__all__) == PROMISED
    assert len(PROMISED) <= 25
    assert set(dir(stepwell)) == PROMISED


def test_every_name_is_there_and_documented() -> None:
    for name in PROMISED:
        assert getattr(stepwell, name).__doc__, name


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import stepwell, sys; print([m for m in ('apsw','jq','yaml','httpx2','rich','click') if m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"
