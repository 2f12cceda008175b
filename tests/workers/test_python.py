"""PythonRunner: on the loop, on threads, in processes."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import threading
import time

import pytest

from stepwell.model.actions import Failed, Interrupted, PythonAction, Succeeded
from stepwell.model.problem import AUTHORIZATION, CONFIGURATION, RUNTIME, VALIDATION
from stepwell.workers.children import ChildPool
from stepwell.workers.context import current
from stepwell.workers.python import PythonRunner
from tests.support.work_context import PlainContext
from tests.workers import functions
from tests.workers.processes import alive, lines_of, until_dead

HERE = "tests.workers.functions"


@pytest.fixture
async def children():
    pool = ChildPool("python", most=2)
    yield pool
    await pool.close()


@pytest.fixture
async def runner(children):
    runner = PythonRunner(children=children)
    yield runner
    await runner.close()


def call(name: str, arguments=None, process: bool = False) -> PythonAction:
    return PythonAction(f"{HERE}:{name}", arguments, process)


async def done(runner: PythonRunner, action: PythonAction, context: PlainContext | None = None):
    outcome = await runner.perform(action, context or PlainContext())
    assert isinstance(outcome, Succeeded), outcome
    return outcome.output


async def failed(runner: PythonRunner, action: PythonAction):
    outcome = await runner.perform(action, PlainContext())
    assert isinstance(outcome, Failed), outcome
    return outcome.problem


# ---- calling ----


@pytest.mark.parametrize(
    ("name", "process"), [("add", False), ("add_async", False), ("add", True), ("add_async", True)]
)
async def test_arguments(runner, name, process):
    assert await done(runner, call(name, {"a": 1, "b": 2}, process)) == 3
    assert await done(runner, call(name, [5], process)) == 6
    assert await done(runner, call(name, 2**100, process)) == 2**100 + 1
    problem = await failed(runner, call(name, {"c": 1}, process))
    assert problem.type == VALIDATION
    assert "do not fit" in problem.detail


async def test_registered_functions_win_and_need_no_module():
    runner = PythonRunner(
        {"double": lambda n: n * 2, f"{HERE}:add": lambda a: "mine", "call": functions.Caller()}
    )
    assert await done(runner, PythonAction("double", [4])) == 8
    assert await done(runner, call("add", [4])) == "mine"
    assert await done(runner, PythonAction("call")) == "called"
    await runner.close()


async def test_bound_methods(runner):
    assert await done(runner, call("sell")) == "sold"


async def test_a_registered_function_in_a_process(children):
    runner = PythonRunner(
        {"add": functions.add, "open": functions.Shop.open, "odd": lambda: 1}, children=children
    )
    assert await done(runner, PythonAction("add", [1], process=True)) == 2
    assert await done(runner, PythonAction("open", process=True)) == "open"
    problem = await failed(runner, PythonAction("odd", process=True))
    assert problem.type == CONFIGURATION
    assert "top level" in problem.detail


# ---- the running step ----


@pytest.mark.spec("X10")
@pytest.mark.parametrize("process", [False, True])
async def test_current_tells_where_it_is(runner, process):
    context = PlainContext("run-1", "/do/0/a", 2, "key-1")
    told = await done(runner, call("whoami", process=process), context)
    assert [told[name] for name in ("run", "step", "attempt", "key")] == ["run-1", "/do/0/a", 2, "key-1"]
    assert (told["pid"] == os.getpid()) is not process
    assert told["thread"] != threading.current_thread().name or process


@pytest.mark.spec("X10")
@pytest.mark.parametrize(
    ("name", "process"), [("talk", False), ("talk_async", False), ("talk", True), ("talk_async", True)]
)
async def test_current_speaks_to_the_run(runner, name, process):
    context = PlainContext()
    assert await done(runner, call(name, {"color": "red"}, process), context) == [
        "red",
        2**80,
        "default",
        False,
    ]
    assert context.reports == [{"half": True}]
    assert context.variables == {"color": "red", "big": 2**80}


async def test_blocking_verbs_are_refused_on_the_loop():
    async def wrong() -> None:
        current().report(1)

    runner = PythonRunner({"wrong": wrong})
    assert "await current().areport" in (await failed(runner, PythonAction("wrong"))).detail


async def test_current_is_only_within_a_step(runner):
    await done(runner, call("add_async", [1]))
    with pytest.raises(LookupError):
        current()


async def test_an_error_of_the_run_reaches_the_function(runner):
    class Refusing(PlainContext):
        async def report(self, progress):
            raise ValueError("the run is over")

    for process in (False, True):
        outcome = await runner.perform(call("talk", ["red"], process), Refusing())
        assert isinstance(outcome, Failed)
        assert "the run is over" in outcome.problem.detail


async def test_steps_at_once_have_their_own_context(runner):
    async def one(number: int):
        return (await done(runner, call("whoami"), PlainContext(key=str(number))))["key"]

    assert await asyncio.gather(*(one(n) for n in range(40))) == [str(n) for n in range(40)]


# ---- faults ----


@pytest.mark.parametrize(("name", "process"), [("fail", False), ("fail_async", False), ("fail", True)])
async def test_exceptions_are_problems(runner, name, process):
    assert (await failed(runner, call(name, process=process))).detail.startswith("ValueError: not so (")
    assert (await failed(runner, call(name, ["exit"], process))).detail.startswith("SystemExit: 3")
    assert (await failed(runner, call(name, ["interrupt"], process))).detail.startswith("KeyboardInterrupt")
    assert (await failed(runner, call(name, ["type"], process))).detail.startswith("TypeError: of my own")
    assert (await failed(runner, call(name, ["stop"], process))).type == RUNTIME
    problem = await failed(runner, call(name, ["fault"], process))
    assert (problem.type, problem.status) == ("https://shop.example/errors/stock", 409)
    assert (problem.title, problem.detail) == ("Out of stock", "no stock")


async def test_the_traceback_goes_to_the_debug_log(runner, caplog):
    with caplog.at_level(logging.DEBUG, "stepwell.workers"):
        await failed(runner, call("fail"))
    assert 'raise ValueError("not so")' in caplog.text


@pytest.mark.parametrize("process", [False, True])
@pytest.mark.parametrize(("name", "named"), [("set", "set"), ("bytes", "bytes"), ("object", "object")])
async def test_results_that_json_cannot_hold(runner, process, name, named):
    problem = await failed(runner, call("give", [name], process))
    assert problem.type == RUNTIME
    assert f"holds a {named} at $" in problem.detail


async def test_a_coroutine_that_cancels_itself_fails():
    async def odd() -> None:
        raise asyncio.CancelledError

    assert "CancelledError" in (await failed(PythonRunner({"odd": odd}), PythonAction("odd"))).detail


async def test_an_exception_without_a_text():
    class Odd(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    async def odd() -> None:
        raise Odd

    assert (await failed(PythonRunner({"odd": odd}), PythonAction("odd"))).detail.startswith("Odd: ")


# ---- what definitions may call ----


@pytest.mark.parametrize(
    "name",
    [
        "os:system",
        "subprocess:run",
        "builtins:eval",
        "importlib.util:find_spec",
        "posix:system",
        "_io:open",
        "__main__:main",
        "stepwell.workers.shell:ShellRunner",
        "stepwell:open",
        f"{HERE}:system",
        f"{HERE}:alias",
        f"{HERE}:_private",
    ],
)
async def test_functions_that_may_not_be_called(runner, name):
    problem = await failed(runner, PythonAction(name, ["true"]))
    assert problem.type == AUTHORIZATION
    assert name in problem.detail


@pytest.mark.parametrize(
    "name",
    [
        "nothing",
        "no.module:at_all",
        f"{HERE}:nothing",
        f"{HERE}:LIMIT",
        f"{HERE}:Shop",
        f"{HERE}:os.system",
        f"{HERE}:",
        ":x",
    ],
)
async def test_functions_that_do_not_exist(runner, name):
    assert (await failed(runner, PythonAction(name))).type == CONFIGURATION


async def test_modules_can_be_limited():
    for allowed in (["elsewhere", "tests.other"], lambda module: module == "elsewhere"):
        problem = await failed(PythonRunner({}, allowed), call("add", [1]))
        assert problem.type == AUTHORIZATION
    for allowed in (["tests"], [HERE], lambda module: module == HERE):
        assert await done(PythonRunner({}, allowed), call("add", [1])) == 2


async def test_a_module_that_cannot_be_imported(runner, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    module = tmp_path / "stubborn_module.py"
    module.write_text("import sys\nsys.exit('no')\n")
    problem = await failed(runner, PythonAction("stubborn_module:f"))
    assert problem.type == CONFIGURATION
    assert "SystemExit: no" in problem.detail
    module.write_text("def f() -> str:\n    return 'mended at last'\n")
    assert await done(runner, PythonAction("stubborn_module:f")) == "mended at last"


# ---- stopping ----


@pytest.mark.spec("X10")
async def test_cancelling_a_coroutine():
    began, tidied = asyncio.Event(), []

    async def wait() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            tidied.append(True)

    task = asyncio.create_task(PythonRunner({"wait": wait}).perform(PythonAction("wait"), PlainContext()))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert tidied == [True]


async def test_a_coroutine_that_swallows_the_cancellation():
    began = asyncio.Event()

    async def stubborn() -> str:
        began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "went on"
        return ""

    task = asyncio.create_task(PythonRunner({"f": stubborn}).perform(PythonAction("f"), PlainContext()))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.spec("X10")
async def test_cancelling_a_thread_leaves_it_at_once_and_tells_it(tmp_path):
    ended, told = threading.Event(), []

    def work() -> None:
        try:
            functions.obedient(str(tmp_path / "log"))
        finally:
            try:
                current().report("too late")
            except BaseException as error:
                told.append(type(error).__name__)
            ended.set()

    context = PlainContext()
    runner = PythonRunner({"work": work})
    task = asyncio.create_task(runner.perform(PythonAction("work"), context))
    await lines_of(tmp_path / "log", 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(ended.wait, 5)
    assert (told, context.reports) == (["StepInterrupted"], [])


@pytest.mark.spec("X10")
@pytest.mark.parametrize("process", [False, True])
async def test_a_function_that_sees_that_it_should_stop(runner, tmp_path, process):
    context = PlainContext()
    task = asyncio.create_task(runner.perform(call("obedient", [str(tmp_path / "log")], process), context))
    await lines_of(tmp_path / "log", 1)
    context.cancelled = True
    assert await task == Interrupted()


async def test_what_waits_for_a_thread_need_not_begin():
    release, ran = threading.Event(), []
    runner = PythonRunner({"block": release.wait, "late": lambda: ran.append(True)}, threads=1)
    first = asyncio.create_task(runner.perform(PythonAction("block"), PlainContext()))
    second = asyncio.create_task(runner.perform(PythonAction("late"), PlainContext()))
    third = asyncio.create_task(runner.perform(PythonAction("block"), PlainContext()))
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    release.set()
    assert await first == await third == Succeeded(True)
    assert not ran


@pytest.mark.spec("X10")
async def test_cancelling_a_process_kills_it_and_what_it_started(runner, children, tmp_path):
    path = tmp_path / "pids"
    task = asyncio.create_task(runner.perform(call("hang", [str(path)], True), PlainContext()))
    pids = [int(line) for line in await lines_of(path, 2)]
    assert children.pids == {pids[0]}
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not alive(pids[0])
    await until_dead(pids[1])
    assert not children.pids
    assert await done(runner, call("add", [1], True)) == 2


# ---- processes ----


async def test_a_crash_is_the_fault_of_its_step_only(runner):
    slow = asyncio.create_task(runner.perform(call("add", [1], True), PlainContext()))
    assert "exited with code 7" in (await failed(runner, call("die", process=True))).detail
    assert await slow == Succeeded(2)
    assert await done(runner, call("add", [2], True)) == 3


async def test_a_crash_takes_along_what_the_function_started(runner, tmp_path):
    path = tmp_path / "pids"
    await failed(runner, call("start_and_die", [str(path)], True))
    (pid,) = await lines_of(path, 1)
    await until_dead(int(pid))


async def test_programs_that_a_process_starts_get_our_own_path(runner, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/our/own")
    assert await done(runner, call("environment", ["PYTHONPATH"], True)) == "/our/own"


async def test_a_closed_runner_starts_no_processes(children):
    runner = PythonRunner(children=children)
    await runner.close()
    assert "shutting down" in (await failed(runner, call("add", [1], True))).detail
    assert not children.pids


async def test_what_a_function_prints_is_not_its_answer(runner, capfd):
    assert await done(runner, call("noisy", process=True)) == "quiet"
    assert "printed" in capfd.readouterr().err


async def test_processes_are_kept(runner):
    first = await done(runner, call("whoami", process=True))
    second = await done(runner, call("whoami", process=True))
    assert first["pid"] == second["pid"]


async def test_big_values_through_a_process(runner):
    value = {"text": "ä\u2028" * 100_000, "n": [2**64, -(10**30), 1.5, None, True]}
    runner = PythonRunner({"give": functions.give_back}, children=runner._children)
    assert await done(runner, PythonAction("give", [value], True)) == value


async def test_arguments_and_results_that_cannot_be_sent(runner):
    deep = []
    for _ in range(250):
        deep = [deep]
    assert (await failed(runner, call("give_back", [deep], True))).type == VALIDATION
    assert (await failed(runner, call("give", ["long"], True))).type == RUNTIME
    assert (await failed(runner, call("add", ["\ud800"], True))).type == VALIDATION
    assert (await failed(runner, call("give", ["surrogate"], True))).type == RUNTIME


def test_a_process_ends_with_its_parent(tmp_path):
    """The parent is killed in the middle of a step; the function must not go on without it."""
    script = f"""
import asyncio
from stepwell.model.actions import PythonAction
from tests.support.work_context import PlainContext
from stepwell.workers.python import PythonRunner
asyncio.run(PythonRunner().perform(PythonAction("{HERE}:hang", [{str(tmp_path / "pids")!r}], True), PlainContext()))
"""
    parent = subprocess.Popen([sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": os.getcwd()})
    pids = asyncio.run(lines_of(tmp_path / "pids", 2))
    parent.kill()
    parent.wait()
    asyncio.run(until_dead(int(pids[0])))
    os.kill(int(pids[1]), 9)


def test_a_thread_that_hangs_does_not_keep_the_process_alive():
    script = """
import asyncio, threading
from stepwell.model.actions import PythonAction
from tests.support.work_context import PlainContext
from stepwell.workers.python import PythonRunner

async def main():
    began = threading.Event()
    def hang():
        began.set()
        threading.Event().wait()
    task = asyncio.create_task(PythonRunner({"hang": hang}).perform(PythonAction("hang"), PlainContext()))
    while not began.is_set():
        await asyncio.sleep(0.001)
    task.cancel()

asyncio.run(main())
"""
    subprocess.run([sys.executable, "-c", script], timeout=10, check=True)


def test_coroutine_functions_cost_little():
    async def step() -> dict:
        return {"ok": True, "n": 1}

    async def measure() -> float:
        runner, context, action = PythonRunner({"step": step}), PlainContext(), PythonAction("step")
        best = 1.0
        for _ in range(5):
            began = time.process_time()
            for _ in range(2000):
                await runner.perform(action, context)
            best = min(best, (time.process_time() - began) / 2000)
        return best

    assert asyncio.run(measure()) < 20e-6  # 2 to 3 µs on a machine that is not busy
