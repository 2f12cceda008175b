"""What an exception of a step carries is there where it is caught; where it cannot be had, it is said why."""

from __future__ import annotations

import importlib.util
import json
import sys
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from stepwell import StepFailed, StepFault, flow, step, workflow
from stepwell.code.faults import exception_of
from stepwell.model.problem import Problem, runtime
from stepwell.testing import Kit

pytestmark = pytest.mark.spec("Q13")


class KeptPlain(Exception):
    pass


class KeptMade(Exception):
    """Makes its text itself, and takes what it has not in its `args`."""

    made = 0

    def __init__(self, amount: int, *, limit: int) -> None:
        super().__init__(f"{amount} is over {limit}")
        self.amount, self.limit = amount, limit
        type(self).made += 1


class KeptDoubled(Exception):
    """Its `args` fit its constructor, which makes others of them."""

    def __init__(self, text: str) -> None:
        super().__init__(f"kept: {text}")


class KeptFile(OSError):
    def __init__(self, path: str) -> None:
        super().__init__(2, "not there", path)
        self.tried = [path]


class KeptFault(StepFault):
    def __init__(self, place: str) -> None:
        super().__init__(f"full: {place}", status=409)
        self.place = place


class KeptMoney(Exception):
    def __init__(self, amount: Decimal) -> None:
        super().__init__(f"{amount} is missing")
        self.amount, self.currency = amount, "EUR"


class KeptNeedy(Exception):
    """Its text cannot be had without what is no JSON."""

    def __init__(self, amount: Decimal) -> None:
        super().__init__(f"{amount}")
        self.amount = amount

    def __str__(self) -> str:
        return f"{self.amount:.2f} is missing"


class KeptGroup(ExceptionGroup[Exception]):
    pass


def faults(kind: str) -> BaseException:
    marked = KeptPlain("no", 3, {"why": ["a", None]})
    marked.order, marked.lines, marked.lock = 7, [{"n": 1}], object()  # type: ignore[attr-defined]
    marked.add_note("seen by the till")
    made: dict[str, BaseException] = {
        "marked": marked,
        "made": KeptMade(9, limit=5),
        "doubled": KeptDoubled("it"),
        "file": KeptFile("/tmp/x"),
        "builtin": FileNotFoundError(2, "not there", "/tmp/y"),
        "import": ImportError("no such thing", name="things", path="/lib"),
        "fault": KeptFault("till 3"),
        "money": KeptMoney(Decimal("3.5")),
        "needy": KeptNeedy(Decimal("3.5")),
        "group": KeptGroup("two", [ValueError("a"), KeyError("b")]),
        "local": type("KeptLocal", (ValueError,), {})("local"),
        "exit": SystemExit(3),
        "long": KeptPlain("long"),
    }
    made["long"].answer = "x" * 1_000_000  # type: ignore[attr-defined]
    for number in range(100):
        setattr(made["long"], f"page_{number}", "x" * 16_000)
    return made[kind]


@step
async def kept_raising(kind: str) -> None:
    raise faults(kind)


@step
def kept_raising_on_a_thread(kind: str) -> None:
    raise faults(kind)


SEEN: list[dict[str, Any]] = []


@workflow(name="kept-catching")
async def catching(kind: str, plainly: bool = False) -> None:
    try:
        if plainly:
            await flow.gather(kept_raising_on_a_thread.submit(kind))
        else:
            await kept_raising(kind)
    except Exception as error:
        told = {name: value for name, value in vars(error).items() if not name.startswith("stepwell_")}
        SEEN.append({"error": error, "text": str(error), "type": type(error).__name__, **told})
    await flow.sleep(5)


async def seen(kind: str, *, plainly: bool = False) -> dict[str, Any]:
    """As it is caught, live and after a crash alike."""
    SEEN.clear()
    async with Kit(workflows=[catching]) as kit:
        handle = await kit.start(catching, kind, plainly)
        await kit.drain()
        await kit.reopen()
        await kit.result(handle)
        await kit.check()
    live, again = SEEN
    assert {**live, "error": None} == {**again, "error": None}
    return again


@pytest.mark.parametrize("plainly", [False, True])
async def test_attributes_and_notes_that_were_set_after_it_was_made(plainly: bool) -> None:
    found = await seen("marked", plainly=plainly)
    error = found["error"]
    assert type(error) is KeptPlain and error.args == ("no", 3, {"why": ["a", None]})
    assert (found["order"], found["lines"]) == (7, [{"n": 1}]) and "lock" not in found
    assert found["__notes__"] == ["seen by the till"]


async def test_one_whose_arguments_are_not_its_args() -> None:
    KeptMade.made = 0
    found = await seen("made")
    assert (found["type"], found["text"], found["amount"], found["limit"]) == (
        "KeptMade",
        "9 is over 5",
        9,
        5,
    )
    assert KeptMade.made == 1  # where it was raised
    assert (await seen("doubled"))["text"] == "kept: it"


async def test_files_and_imports_have_what_is_in_neither_args_nor_attributes() -> None:
    error = (found := await seen("file"))["error"]
    assert (error.errno, error.filename, found["tried"]) == (2, "/tmp/x", ["/tmp/x"])
    error = (found := await seen("builtin"))["error"]
    assert isinstance(error, FileNotFoundError) and error.filename == "/tmp/y"
    assert found["text"] == "[Errno 2] not there: '/tmp/y'"
    error = (await seen("import"))["error"]
    assert (error.name, error.path) == ("things", "/lib")


async def test_a_fault_of_the_users_own() -> None:
    found = await seen("fault")
    assert (found["type"], found["place"], found["text"]) == ("KeptFault", "till 3", "full: till 3")
    assert found["error"].problem.status == 409


async def test_what_is_no_json_is_not_there_and_the_rest_is() -> None:
    found = await seen("money")
    assert (found["type"], found["text"], found["currency"]) == ("KeptMoney", "3.5 is missing", "EUR")
    assert "amount" not in found
    assert found["error"].stepwell_problem.exception["lost"] == {"amount": "Decimal"}
    found = await seen("long")
    assert found["type"] == "KeptPlain" and "answer" not in found
    assert [name for name in found if name.startswith("page_")] == [f"page_{number}" for number in range(4)]


@pytest.mark.parametrize(
    ("kind", "name", "why"),
    [
        ("needy", "KeptNeedy", "what is no JSON was not kept: amount (Decimal)"),
        ("group", "KeptGroup", "its class does not take its arguments ("),
        ("local", "KeptLocal", "has no KeptLocal, where it could be found"),
        ("exit", "SystemExit", "it is no Exception, and would pass through what catches failures"),
    ],
)
async def test_one_that_cannot_be_had_says_its_type_its_text_and_why(kind: str, name: str, why: str) -> None:
    found = await seen(kind)
    error = found["error"]
    assert type(error) is StepFailed
    first, second = found["text"].splitlines()
    assert (
        first.startswith(f"step /do/0/kept_raising failed: {name}: ") and "test_exceptions_kept.py" in first
    )
    assert second.startswith("  it is not raised as ") and name in second and why in second
    assert error.why_not == second.strip()


async def test_a_module_that_is_not_here_is_named_and_not_imported() -> None:
    problem = Problem(*_members(runtime("Gone: away")), exception={"type": "stepwell_gone:Gone", "args": []})
    error = exception_of(problem, "/do/0/x")
    assert str(error).endswith("it is not raised as stepwell_gone.Gone: stepwell_gone is not imported here")


class KeptOuter:
    class KeptInner(Exception):
        pass


class KeptHeir(KeptOuter):
    pass


class Standing:
    """Stands for a class, which it loads to say what it is."""

    @property
    def __class__(self) -> Any:
        raise AssertionError("it was asked")

    @__class__.setter
    def __class__(self, kind: type) -> None: ...


@pytest.mark.parametrize(
    "path", ["Gone", "inner.Gone", "Asked.Gone", "Gone.Gone", "standing", "standing.Gone"]
)
@pytest.mark.parametrize("lazily", ["by its own __getattr__", "by a lazy loader"])
async def test_a_module_that_loads_what_it_is_asked_for_is_not_asked(
    path: str, lazily: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "kept_later.py").write_text("class Gone(Exception): ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    if lazily == "by a lazy loader":
        spec = importlib.util.find_spec("kept_later")
        assert spec is not None and spec.loader is not None
        spec.loader = importlib.util.LazyLoader(spec.loader)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    else:
        module = ModuleType("kept_lazy")

        def load(name: str) -> Any:
            return getattr(importlib.import_module("kept_later"), name)

        vars(module).update({"__getattr__": load, "inner": module, "standing": Standing()})
        vars(module)["Asked"] = type("Meta", (type,), {"__getattr__": lambda _, name: load(name)})(
            "A", (), {}
        )
    monkeypatch.setitem(sys.modules, "kept_lazy", module)
    problem = Problem(*_members(runtime("x")), exception={"type": f"kept_lazy:{path}", "args": []})
    error = exception_of(problem, "/do/0/x")
    assert type(error) is StepFailed
    assert str(error).endswith(f"kept_lazy has no {path}, where it could be found")
    assert "kept_later" not in sys.modules
    assert "Gone" not in object.__getattribute__(module, "__dict__")


@pytest.mark.parametrize("outer", ["KeptOuter", "KeptHeir"])
def test_one_inside_a_class_or_what_that_inherits(outer: str) -> None:
    told: dict[str, object] = {"type": f"{__name__}:{outer}.KeptInner", "args": ["in"], "attributes": {}}
    error = exception_of(Problem(*_members(runtime("x")), exception=told), "/do/0/x")
    assert type(error) is KeptOuter.KeptInner and str(error) == "in"


@pytest.mark.parametrize("of", ["args", "attributes", "notes", "lost"])
@pytest.mark.parametrize("odd", [None, 5, "abc", [1], [None], {"a": 1}, {"a": [1]}, True], ids=repr)
def test_a_record_of_another_shape_is_still_an_exception(of: str, odd: Any) -> None:
    told: dict[str, object] = {"type": f"{__name__}:KeptPlain", "args": ["x"], "attributes": {}, of: odd}
    error = exception_of(Problem(*_members(runtime("x")), exception=told), "/do/0/x")
    assert type(error) is KeptPlain and not getattr(error, "__notes__", None)


async def test_what_a_former_version_recorded_is_told_as_it_was() -> None:
    """It knew of arguments alone: runs that were told of a `StepFailed` then are told of one again."""
    here = f"{__name__}:KeptMade"
    former = Problem(*_members(runtime("x")), exception={"type": here, "args": ["9 is over 5"]})
    assert type(exception_of(former, "/do/0/x")) is StepFailed
    former = Problem(*_members(runtime("x")), exception={"type": f"{__name__}:KeptDoubled", "args": ["it"]})
    assert str(exception_of(former, "/do/0/x")) == "kept: it"


async def test_nothing_of_one_is_the_records() -> None:
    told = {"type": f"{__name__}:KeptPlain", "args": [[1]], "attributes": {"lines": [1]}}
    before = json.dumps(told)
    error: Any = exception_of(Problem(*_members(runtime("x")), exception=told), "/do/0/x")
    error.args[0].append(2)
    error.lines.append(2)
    assert json.dumps(told) == before


def _members(problem: Problem) -> tuple[str, int, str]:
    return problem.type, problem.status, problem.title
