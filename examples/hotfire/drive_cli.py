"""Drive the hot-fire to its end from the command line: an engine in the background, and a command for each move.

python examples/hotfire/drive_cli.py [DATABASE]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import script
import stand
from script import File, Move

Command = Callable[..., tuple[int, dict[str, Any]]]
"""Called with the words of a command; gives its exit code and the JSON that it prints."""

LOOK_EVERY, PATIENCE = 0.05, 120.0
STEPWELL = [sys.executable, "-m", "stepwell"]


def process(database: str) -> Command:
    """Every command is a process of its own, as in a terminal."""

    def command(*words: str) -> tuple[int, dict[str, Any]]:
        done = subprocess.run(
            [*STEPWELL, *words, "--json"],
            check=False,
            capture_output=True,
            text=True,
            env={**os.environ, "STEPWELL_DB": database},
        )
        return done.returncode, json.loads(done.stdout)

    return command


@contextmanager
def serving(database: str, services: stand.Stand) -> Iterator[None]:
    """The engine, in a process of its own, until the end."""
    secrets = services.folder / "secrets.json"
    secrets.write_text(json.dumps({"rangeHook": stand.SECRET}))
    words = ["serve", "--db", database, "--create", "--path", str(script.HERE), "--secrets", str(secrets)]
    words += ["--series-folder", str(services.folder), "--notify", f"loop={services.url}/loop"]
    engine = subprocess.Popen([*STEPWELL, *words], stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        engine.terminate()
        engine.wait()


def start(command: Command, services: str) -> str:
    """The procedure on record, and a run of it that nobody has begun yet."""
    for file in (script.REPORT, script.PROCEDURE):
        _fine(command("procedures", "commit", str(file), "-m", "First version", "--by", "ada"))
    words = [word for id, value in script.fields(services).items() for word in ("--field", f"{id}={value}")]
    view = _fine(
        command(
            "procedures", "start", "stand/hotfire", *words, "--held", "--title", script.TITLE, "--by", "ada",
            "--key", "hotfire-3",
        )
    )  # fmt: skip
    return str(view["run_id"])


def words_of(run: str, move: Move) -> list[str]:
    """The command for one thing that somebody does."""
    values = move.values or {}
    if move.verb == "signal":
        return ["runs", "signal", run, move.step, json.dumps(values)]
    who = ["--as", move.by.name, *(word for group in move.by.groups for word in ("--group", group))]
    if move.verb == "begin":
        return ["procedures", "begin", run, *who]
    if move.verb == "set_fields":
        words = [word for id, value in values.items() for word in ("--field", f"{id}={value}")]
        return ["procedures", "set-fields", run, *words, *who]
    words = ["step", move.verb, run, move.step, *who]
    if move.verb == "assign":
        return [*words, *(word for name in values["people"] for word in ("--to", name))]
    if move.verb == "approve":
        return [*words, *(["--comment", move.reason] if move.reason else [])]
    words += ["--downstream"] if move.downstream else []
    words += ["--yes"] if move.verb == "repeat" else []
    words += ["--reason", move.reason] if move.reason else []
    return [*words, *_given(values)]


def _given(values: dict[str, Any]) -> list[str]:
    """Values as JSON, files by their path."""
    plain, words = {}, []
    for name, value in values.items():
        files = value if isinstance(value, list) and isinstance(value[0], File) else [value]
        if isinstance(files[0], File):
            words += [word for file in files for word in ("--value", f"{name}=@{file.path}")]
        else:
            plain[name] = value
    return [*(["--values", json.dumps(plain)] if plain else []), *words]


def drive(command: Command, run: str) -> None:
    """Everything that the crew does."""
    until = time.monotonic() + PATIENCE
    for move in script.MOVES:
        code, view = command(*words_of(run, move))
        if move.error is not None:
            assert code != 0 and view["error"]["type"] == _snake(move.error), f"{move}: {code} {view}"
            continue
        assert code == 0, f"{move}: {code} {view}"
        for step, status in move.then.items():
            while not script.settled(view := _fine(command("step", "show", run, step)), status):
                assert view["error"] is None, f"{step}: {view['error']}"
                assert time.monotonic() < until, f"{step} is {view['status']}, not {status}"
                time.sleep(LOOK_EVERY)


def _snake(error: str) -> str:
    """The name of a type of error, as JSON has it."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in error)[1:]


def _fine(answer: tuple[int, dict[str, Any]]) -> dict[str, Any]:
    code, view = answer
    assert code == 0, view
    return view


def main(database: str) -> None:
    with tempfile.TemporaryDirectory() as folder, stand.Stand(Path(folder)) as services:
        command = process(database)
        with serving(database, services):
            run = start(command, services.url)
            drive(command, run)
        view = _fine(command("runs", "show", run))
        print(json.dumps({"run_id": run, "status": view["status"], "fired": services.fired}))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "hotfire.db")
