"""The command as a process of its own, as a user has it."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import select
import signal
import subprocess
import threading
from pathlib import Path
from textwrap import dedent
from typing import Any

from stepwell.cli import main
from tests.support import processes

HEAD = "document: {dsl: '1.0.3', namespace: test, name: %s, version: '1.0.0'}\n"
PATIENCE = 30


class Result:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        """The one JSON object that standard output must be."""
        return json.loads(self.out)

    def __repr__(self) -> str:
        return f"exit {self.code}\n--- out\n{self.out}\n--- err\n{self.err}"


class Background:
    """A command that goes on while others are given."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def line(self, wanted: str) -> str:
        """Read standard output until a line has this in it."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if wanted in line:
                return line
        raise AssertionError(f"it ended before it said {wanted!r}: {self.process.wait(PATIENCE)}")

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE)

    def end(self) -> Result:
        out, err = self.process.communicate(timeout=PATIENCE)
        return Result(self.process.returncode, out, err)


class Pipe:
    """A named pipe between a test and a step's shell; both ends are open from the start, so nobody misses anything."""

    def __init__(self, path: Path) -> None:
        self.path = path
        os.mkfifo(path)
        self._end = os.open(path, os.O_RDWR)

    def wait(self) -> None:
        """Until the step has written a line."""
        ready, _, _ = select.select([self._end], [], [], PATIENCE)
        assert ready, f"nothing came through {self.path.name}"
        os.read(self._end, 100)

    def write(self, line: str) -> None:
        os.write(self._end, f"{line}\n".encode())


def guarded(process: subprocess.Popen[Any]) -> threading.Timer:
    """Kill the process if it is still there when nobody has patience any more: a test fails, and does not hang."""
    timer = threading.Timer(PATIENCE, process.kill)
    timer.daemon = True
    timer.start()
    return timer


class Cli:
    """Gives commands in a folder of its own; the database is `stepwell.db` there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("STEPWELL", "PYTEST"))}
        self._started: list[tuple[subprocess.Popen[str], threading.Timer]] = []

    def __call__(self, *words: str | Path, stdin: str = "", **env: str) -> Result:
        given = {"cwd": self.folder, "env": {**self.env, **env}}
        done = processes.ran("-m", "stepwell", *words, input=stdin, timeout=PATIENCE, **given)
        assert "Traceback" not in done.stderr, done.stderr
        return Result(done.returncode, done.stdout, done.stderr)

    def json(self, *words: str | Path, code: int = 0) -> Any:
        """The JSON of a command that must end with this code. What only looks or steers runs in this process."""
        given = [*map(str, words), "--json"]
        stays = {"run", "serve", "watch", "retry", "rerun"}.intersection(given[:2])
        result = self(*given) if stays else self._inside(given)
        assert result.code == code, result
        return result.json

    def _inside(self, words: list[str]) -> Result:
        out, err = io.StringIO(), io.StringIO()
        log = logging.getLogger("stepwell")
        try:
            with (
                contextlib.chdir(self.folder),
                contextlib.redirect_stdout(out),
                contextlib.redirect_stderr(err),
            ):
                code = main(words)
        finally:
            log.handlers.clear()
            log.propagate = True
            log.setLevel(logging.NOTSET)
        return Result(code, out.getvalue(), err.getvalue())

    def start(self, *words: str | Path, **env: str) -> Background:
        process = processes.python(
            "-m",
            "stepwell",
            *words,
            cwd=self.folder,
            env={**self.env, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._started.append((process, guarded(process)))
        return Background(process)

    def file(self, name: str, body: str) -> Path:
        """A definition named as its file is."""
        path = self.folder / f"{name}.yaml"
        path.write_text(HEAD % name + dedent(body))
        return path

    def text(self, name: str, content: str) -> Path:
        path = self.folder / name
        path.write_text(content)
        return path

    def pipe(self, name: str) -> Pipe:
        return Pipe(self.folder / name)

    def only_run(self) -> str:
        runs = self.json("runs", "list")["runs"]
        assert len(runs) == 1
        return str(runs[0]["run_id"])

    def close(self) -> None:
        for process, timer in self._started:
            timer.cancel()
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.communicate()
