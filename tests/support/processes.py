"""Processes that are started by the dozen: forked from one that has imported Stepwell already.

They are processes like any other, with their own files, folder, environment, signals and death; they only do not import
again what they need, which takes longer than most of what they are started for. What imports do, and what the interpreter
reads when it starts, is proved by tests that start one themselves.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import importlib
import io
import json
import os
import pkgutil
import runpy
import signal
import socket
import subprocess
import sys
import threading
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
READ_AT_START: Final = ("PYTHON", "LC_", "LANG")
"""Variables that an interpreter looks at when it starts."""


def python(*words: str | Path, env: Mapping[str, str] | None = None, **options: Any) -> subprocess.Popen[Any]:
    """`python -m MODULE …`, `python -c CODE …` or `python FILE …`, started."""
    command = [sys.executable, *map(str, words)]
    known = _read_at_start(os.environ) == _read_at_start(os.environ if env is None else env)
    kind = _Forked if known and hasattr(os, "fork") else subprocess.Popen
    return kind(command, env=env, **options)


def ran(
    *words: str | Path, timeout: float, input: str | None = None, **options: Any
) -> subprocess.CompletedProcess[str]:
    """The same, gone through to its end; what it said is text."""
    pipe = subprocess.PIPE
    with python(*words, stdin=pipe, stdout=pipe, stderr=pipe, text=True, **options) as process:
        try:
            out, err = process.communicate(input, timeout)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def _read_at_start(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name.startswith(READ_AT_START)}


class _Forked(subprocess.Popen[Any]):
    """`Popen`, but for how a process comes to be and how it is heard of again."""

    def _execute_child(self, args: Sequence[str], *rest: Any) -> None:  # type: ignore[override]
        cwd, env = rest[4], rest[5]
        p2cread, _, _, c2pwrite, _, errwrite = rest[9:15]
        ours, theirs = socket.socketpair()
        with theirs:
            wish = {
                "words": list(args)[1:],
                "cwd": str(cwd or Path.cwd()),
                "env": dict(os.environ if env is None else env),
                "session": bool(rest[20]),
            }
            given = [own if given == -1 else given for own, given in enumerate((p2cread, c2pwrite, errwrite))]
            _nursery().ask(wish, [*given, theirs.fileno()])
        self._told = ours.makefile("r")
        ours.close()
        self.pid = int(self._told.readline())
        self._child_created = True
        self._close_pipe_fds(*rest[9:15])

    def _try_wait(self, wait_flags: int) -> tuple[int, int]:
        with self._hearing:
            if self.returncode is not None:
                return self.pid, self.returncode
            if wait_flags & os.WNOHANG and not _readable(self._told):
                return 0, 0
            return self.pid, int(self._told.readline())

    @functools.cached_property
    def _hearing(self) -> threading.RLock:
        return threading.RLock()

    def _handle_exitstatus(self, sts: int, *_: Any) -> None:
        self.returncode = os.waitstatus_to_exitcode(sts)
        self._told.close()

    def _internal_poll(self, _deadstate: int | None = None, *_: Any) -> int | None:
        if self.returncode is None and (found := self._try_wait(os.WNOHANG))[0] == self.pid:
            self._handle_exitstatus(found[1])
        return self.returncode


def _readable(file: Any) -> bool:
    import select

    return bool(select.select([file], [], [], 0)[0])


class _Nursery:
    """The process that the others are forked from. It ends with the one that asks it."""

    def __init__(self) -> None:
        self._ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-m", __name__, str(theirs.fileno())]
            self.process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()]
            )
        self._asking = threading.Lock()

    def ask(self, wish: dict[str, Any], files: list[int]) -> None:
        text = json.dumps(wish).encode() + b"\n"
        with self._asking:
            sent = socket.send_fds(self._ours, [text], files)
            self._ours.sendall(text[sent:])


@functools.cache
def _nursery() -> _Nursery:
    return _Nursery()


# --- in the process that is forked ----------------------------------------------------------------


def _serve(control: socket.socket) -> None:
    """Fork for every wish. Returns in the processes that were wished for, with what they are to do."""
    while True:
        text, files, _, _ = socket.recv_fds(control, 65_536, 4)
        if not text:
            os._exit(0)
        while not text.endswith(b"\n"):
            text += control.recv(65_536)
        if os.fork() == 0:
            control.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            return _keep(json.loads(text), files)
        for file in files:
            os.close(file)


def _keep(wish: dict[str, Any], files: list[int]) -> None:
    """A process that waits for the one that was wished for, and tells what becomes of it."""
    *streams, teller = files
    pid = os.fork()
    if pid == 0:
        os.close(teller)
        return _become(wish, streams)
    for file in streams:
        os.close(file)
    for file in range(3):
        os.close(file)
    os.write(teller, f"{pid}\n".encode())
    _, status = os.waitpid(pid, 0)
    with contextlib.suppress(OSError):  # nobody wants to know any more
        os.write(teller, f"{status}\n".encode())
    os._exit(0)


def _become(wish: dict[str, Any], streams: list[int]) -> None:
    if wish["session"]:
        os.setsid()
    # Tests that a shell runs in its background do not hear Ctrl-C; what they start does.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, file in enumerate(streams):
        os.dup2(file, number)
        os.close(file)
    os.chdir(wish["cwd"])
    os.environ.clear()
    os.environ.update(wish["env"])
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        before = getattr(sys, name)
        file = io.FileIO(number, mode, closefd=False)
        buffer = io.BufferedReader(file) if mode == "r" else io.BufferedWriter(file)
        at_once = number == 2 or file.isatty()
        text = io.TextIOWrapper(buffer, before.encoding, before.errors, line_buffering=at_once)
        setattr(sys, name, text)
        setattr(sys, f"__{name}__", text)
    try:
        _main(*wish["words"])
        code: Any = 0
    except SystemExit as asked:
        code = asked.code or 0
    _leave(code if isinstance(code, int) else 1)


def _main(kind: str, *words: str) -> None:
    """Do what the words of a command line say; raises what the program does."""
    sys.path[0] = str(Path(kind).absolute().parent) if not kind.startswith("-") else str(Path.cwd())
    sys.argv = [kind, *words] if kind not in ("-m", "-c") else [kind, *words[1:]]
    if kind == "-m":
        runpy.run_module(words[0], run_name="__main__", alter_sys=True)
    elif kind == "-c":
        main = sys.modules["__main__"] = types.ModuleType("__main__")
        exec(compile(words[0], "<string>", "exec"), vars(main))
    else:
        runpy.run_path(kind, run_name="__main__")


def _leave(code: int) -> None:
    """End as an interpreter does, but for taking apart every module that it has."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # nobody reads it any more
            stream.flush()
    os._exit(code)


def _import_all() -> None:
    import stepwell

    for found in pkgutil.walk_packages(stepwell.__path__, "stepwell."):
        if found.name.rpartition(".")[2] != "__main__" and not found.name.startswith("stepwell.testing"):
            with contextlib.suppress(ImportError):
                importlib.import_module(found.name)
    importlib.import_module("rich.live")


if __name__ == "__main__":
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody is waited for here
    _import_all()
    gc.freeze()
    _serve(socket.socket(fileno=int(sys.argv[1])))
