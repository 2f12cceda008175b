"""ShellRunner with a real shell (language-notes 14)."""

from __future__ import annotations

import asyncio
import os
import signal
import time

import pytest

from stepwell.model.actions import Failed, ShellAction, Succeeded
from stepwell.model.problem import RUNTIME, VALIDATION
from stepwell.workers.shell import ShellRunner, names_parameters
from tests.support.work_context import PlainContext
from tests.workers.processes import alive, lines_of


async def done(action: ShellAction):
    outcome = await ShellRunner().perform(action, PlainContext())
    assert isinstance(outcome, Succeeded), outcome
    return outcome.output


@pytest.mark.parametrize(
    ("returns", "output"),
    [
        ("stdout", "out"),
        ("stderr", "err\n"),
        ("code", 3),
        ("all", {"code": 3, "stdout": "out", "stderr": "err\n"}),
        ("none", None),
    ],
)
async def test_what_is_returned(returns, output):
    command = r"printf 'out\n'; printf 'err\n\n' >&2; exit 3"
    assert await done(ShellAction(command, returns=returns)) == output


async def test_a_command_that_is_not_there_is_a_result_too():
    assert await done(ShellAction("no-such-command", returns="code")) == 127


async def test_code_of_a_killed_shell():
    assert await done(ShellAction("kill -KILL $$", returns="code")) == 128 + signal.SIGKILL


async def test_undecodable_output_is_replaced():
    assert await done(ShellAction(r"printf 'a\377b'")) == "a\ufffdb"


@pytest.mark.parametrize(
    ("command", "output"),
    [
        ('printf "%s|" "$2" "$1"', "b c|$(a)|"),
        ('for each in "$@"; do printf "%s|" "$each"; done', "$(a)|b c|"),
        ("echo $#", "2"),
        ('printf "%s|"', "$(a)|b c|"),
        ("printf '%s|'", "$(a)|b c|"),
        ("awk 'BEGIN { print ARGV[1], $1 }'", "$(a) "),
    ],
)
async def test_arguments_are_parameters_or_appended_and_never_code(command, output):
    assert await done(ShellAction(command, arguments=("$(a)", "b c"))) == output


@pytest.mark.parametrize(
    ("command", "named"),
    [
        ("echo $1", True),
        ('echo "${1:-x}"', True),
        ('echo "it\'s $@"', True),
        ("echo ${#2}", True),
        ('echo \'"\' "$*"', True),
        ("echo '$1'", False),
        (r"echo \$1", False),
        (r'echo "\$1"', False),
        ("echo $HOME $$ $? $0", False),
        ("echo it's", False),
    ],
)
def test_which_commands_name_parameters(command, named):
    assert names_parameters(command) is named


async def test_the_environment_of_the_server_stays_secret(monkeypatch):
    monkeypatch.setenv("DATABASE_PASSWORD", "s3cret")
    monkeypatch.setenv("LC_TIME", "C")
    output = await done(ShellAction("env", environment={"GIVEN": "yes", "HOME": "/given"}))
    names = {line.partition("=")[0] for line in output.split("\n")}
    assert "s3cret" not in output
    assert "GIVEN=yes" in output
    assert "HOME=/given" in output
    assert {"PATH", "LC_TIME"} <= names
    assert names <= {"PATH", "HOME", "LANG", "LANGUAGE", "TMPDIR", "TZ", "PWD", "SHLVL", "_", "GIVEN"} | {
        name for name in names if name.startswith("LC_")
    }


async def test_stdin():
    assert await done(ShellAction("cat", stdin="tëxt")) == "tëxt"
    assert await done(ShellAction("cat")) == ""
    large = "x" * 1_000_000
    assert await done(ShellAction("cat", stdin=large)) == large
    assert await done(ShellAction("exec <&-; echo no", stdin=large)) == "no"


@pytest.mark.parametrize(
    "action",
    [
        ShellAction("echo \0"),
        ShellAction("echo", arguments=("\0",)),
        ShellAction("echo \ud800"),
        ShellAction("cat", stdin="\ud800"),
        ShellAction("echo", environment={"a=b": "c"}),
    ],
)
async def test_what_no_shell_can_be_given(action):
    outcome = await ShellRunner().perform(action, PlainContext())
    assert isinstance(outcome, Failed)
    assert outcome.problem.type == VALIDATION


async def test_what_cannot_be_started(monkeypatch):
    outcome = await ShellRunner().perform(ShellAction("echo", arguments=("x" * 5_000_000,)), PlainContext())
    assert isinstance(outcome, Failed)
    assert "cannot be started" in outcome.problem.detail


async def test_too_much_output_is_stopped(tmp_path):
    runner = ShellRunner(largest=100_000)
    pid = tmp_path / "pid"
    outcome = await runner.perform(ShellAction(f"echo $$ > {pid}; yes"), PlainContext())
    assert isinstance(outcome, Failed)
    assert outcome.problem.type == RUNTIME
    assert "100000 bytes" in outcome.problem.detail
    assert not alive(int(pid.read_text()))


@pytest.mark.spec("X10")
async def test_cancelling_ends_the_command_and_all_it_started(tmp_path):
    pids = tmp_path / "pids"
    command = f"(echo $(sh -c 'echo $PPID') >> {pids}; sleep 60) & echo $$ >> {pids}; sleep 60"
    task = asyncio.create_task(ShellRunner().perform(ShellAction(command), PlainContext()))
    lines = await lines_of(pids, 2)
    assert all(alive(int(line)) for line in lines)
    task.cancel()
    began = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - began < 20, "it sleeps for 60 s"
    assert not any(alive(int(line)) for line in lines)


@pytest.mark.spec("X10")
async def test_a_command_that_ignores_the_polite_signal_is_killed(tmp_path):
    pids = tmp_path / "pids"
    command = f"trap '' TERM; echo $$ >> {pids}; while :; do sleep 0.05; done"
    runner = ShellRunner(grace=0.1)
    task = asyncio.create_task(runner.perform(ShellAction(command), PlainContext()))
    (pid,) = await lines_of(pids, 1)
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()  # impatience changes nothing
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not alive(int(pid))


async def test_cancelling_a_command_that_is_just_starting(tmp_path):
    pids = tmp_path / "pids"
    task = asyncio.create_task(
        ShellRunner().perform(ShellAction(f"echo $$ > {pids}; sleep 60"), PlainContext())
    )
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not pids.exists() or not pids.read_text() or not alive(int(pids.read_text()))


async def test_a_command_may_tidy_up_when_it_is_cancelled(tmp_path):
    log = tmp_path / "log"
    command = f"trap 'echo tidied >> {log}; exit' TERM; echo ready >> {log}; while :; do sleep 0.01; done"
    task = asyncio.create_task(ShellRunner().perform(ShellAction(command), PlainContext()))
    await lines_of(log, 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert log.read_text() == "ready\ntidied\n"


async def test_what_is_left_behind_with_the_pipe_does_not_hold_us_up(tmp_path):
    pid = tmp_path / "pid"
    began = time.monotonic()
    assert await done(ShellAction(f"sleep 30 & echo $! > {pid}; echo done")) == "done"
    assert time.monotonic() - began < 15, "it sleeps for 30 s"
    os.kill(int(pid.read_text()), signal.SIGKILL)


async def test_not_waiting(tmp_path):
    log = tmp_path / "log"
    command = f'read line; echo "$line $1 $$" >> {log}; exec sleep 30'
    action = ShellAction(command, arguments=("arg",), stdin="in\n", wait=False)
    began = time.monotonic()
    assert await done(action) is None
    assert time.monotonic() - began < 15, "it sleeps for 30 s"
    (line,) = await lines_of(log, 1)
    text, _, pid = line.rpartition(" ")
    assert text == "in arg"
    assert alive(int(pid))
    os.kill(int(pid), signal.SIGKILL)


async def test_many_at_once():
    outputs = await asyncio.gather(*(done(ShellAction("echo $1", arguments=(str(n),))) for n in range(20)))
    assert outputs == [str(n) for n in range(20)]
