"""The public page: what `stepwell` promises, and no more; importing it costs next to nothing."""

import ast
import copy
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import stepwell
from stepwell.client.client import Client
from stepwell.model import errors
from stepwell.model.problem import Problem

PROMISED = {
    "BlockingStepwell", "Conflict", "Handle", "InvalidDefinition", "InvalidInput", "KeyConflict", "NotFound",
    "NotSupported", "Queue", "RunFailed", "RunStatus", "StepFault", "StepStatus", "Stepwell", "StepwellError", "StoreError",
    "StoreUnavailable", "TransitionRefused", "WaitTimeout", "connect", "current", "parse",
    "Cache", "CallAgain", "Policy", "Retry", "StepFailed", "flow", "step", "workflow",
}  # fmt: skip


ERRORS = [
    stepwell.StepFailed("charge", Problem("about:blank", 500, "Error", "no money"), "its class is gone"),
    stepwell.RunFailed("run-1", "cancelled", {"detail": "late"}, reason="too late", by="ann"),
    stepwell.InvalidInput("no", hint="say yes"),
    stepwell.InvalidDefinition([errors.Finding("x", "wrong")]),
    errors.InvalidForm({"name": ["is missing"]}),
    errors.VersionConflict("somebody was first", {"by": "bob"}),
    stepwell.StepFault("broken", retry=False, after=3.0),
    stepwell.CallAgain(2.0, {"done": 1}),
]


def test_exactly_these_names_are_public() -> None:
    assert set(stepwell.__all__) == PROMISED
    assert len(PROMISED) <= 30
    assert set(dir(stepwell)) == PROMISED


def test_type_checkers_see_what_the_star_imports() -> None:
    """They read the list and execute nothing: it has to be written out."""
    module = ast.parse(Path(stepwell.__file__).read_text())
    (written,) = (
        each.value
        for each in module.body
        if isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == "__all__"
    )
    assert ast.literal_eval(written) == list(stepwell._PLACES)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_can_be_copied_and_sent_to_another_process(
    error: Exception, copied: Callable[[Exception], Exception]
) -> None:
    error.add_note("a note")
    again = copied(error)
    assert type(again) is type(error)
    assert (str(again), again.args, vars(again)) == (str(error), error.args, vars(error))


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
