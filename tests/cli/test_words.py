"""Help, versions, what is imported, and what happens when something unexpected happens."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from stepwell import Stepwell
from tests.cli.helpers import Cli

COMMANDS = [
    ["run"],
    ["validate"],
    ["serve"],
    ["status"],
    ["graph"],
    ["doctor"],
    *(
        ["runs", name]
        for name in [
            "list",
            "show",
            "watch",
            "explain",
            "timeline",
            "history",
            "variables",
            "pause",
            "resume",
            "cancel",
            "terminate",
            "retry",
            "rerun",
        ]
    ),
]


def test_help_names_every_command(cli: Cli) -> None:
    result = cli("--help")
    assert result.code == 0
    for command in {words[0] for words in COMMANDS}:
        assert f"\n  {command} " in result.out
    assert "Exit codes" in result.out
    listed = cli("runs", "--help").out
    assert all(f"\n  {words[1]} " in listed for words in COMMANDS if len(words) == 2)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example_and_json(words: list[str]) -> None:
    from click.testing import CliRunner

    from stepwell.cli import root

    result = CliRunner().invoke(root, [*words, "--help"])
    assert result.exit_code == 0
    assert f"Example: stepwell {' '.join(words)}" in result.output
    assert "--json" in result.output


def test_the_version_is_told(cli: Cli) -> None:
    assert cli("--version").out.startswith("stepwell 0.")


def modules(*words: str) -> tuple[set[str], float]:
    """What a command imports, and its CPU time in seconds."""
    program = (
        "import sys, time; from stepwell.cli import main; main(sys.argv[1:]);"
        "print('\\n' + repr((set(sys.modules), time.process_time())))"
    )
    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=True)
    imported, seconds = eval(done.stdout.splitlines()[-1])
    return imported, seconds


def test_help_needs_nothing_of_the_engine() -> None:
    imported, seconds = modules("--help")
    heavy = (
        "asyncio",
        "rich",
        "yaml",
        "jq",
        "apsw",
        "pydantic_core",
        "stepwell.engine",
        "stepwell.kernel",
        "stepwell.definition",
    )
    assert not {name for name in imported if name.startswith(heavy)}
    assert seconds < 0.3, "0.15 s on a quiet machine"


WORKING = (
    "rich",
    "httpx2",
    "greenlet",
    "stepwell.code",
    "stepwell.workers.dispatch",
    "stepwell.engine.actor",
)
"""what performs steps, decides, and draws what moves"""
READING = ("yaml", "jq", "jsonschema_rs", "cronsim", "stepwell.definition.model", "stepwell.kernel.flow")
"""what knows the language"""


def imported_by(*words: str) -> set[str]:
    return {name for name in modules(*words)[0] if name.startswith((*WORKING, *READING))}


def test_who_looks_at_runs_waits_for_no_engine_to_be_imported(cli: Cli) -> None:
    path = cli.file("long", "do: [{add: {set: {x: 1}}}, {sleep: {wait: {hours: 1}}}]")
    db = ("--db", str(cli.folder / "a.db"))

    async def leave_open() -> str:
        async with Stepwell.open(db[1]) as stepwell:
            return (await stepwell.start(path)).run_id

    run = asyncio.run(leave_open())
    looks = [("runs", word, run) for word in ("show", "explain", "timeline", "history", "variables")]
    looks += [("runs", "attributes", run), ("runs", "metadata", run), ("audit", run), ("inbox", "--all")]
    looks += [("schedules", "list"), ("queues", "list"), ("approvals", "list"), ("search", "runs", "long")]
    for words in (("runs", "list"), ("status",), *looks):
        assert not imported_by(*words, *db), words
    for words in (("doctor",), ("graph", run), ("step", "show", run, "sleep"), ("procedures", "status", run)):
        assert not {name for name in imported_by(*words, *db) if name.startswith(WORKING)}, words
    assert not imported_by("--version")


def test_json_never_needs_rich(cli: Cli) -> None:
    path = cli.file("add", "do: [{add: {set: {x: 1}}}]")
    db = str(cli.folder / "a.db")
    for words in (("run", str(path), "--db", db), ("runs", "list", "--db", db), ("doctor", "--db", db)):
        assert "rich" not in modules(*words, "--json")[0]


def test_the_unexpected_gets_a_short_message_and_a_traceback_only_on_demand(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from stepwell.cli import main, validate

    def broken(path: object, **options: object) -> None:
        raise ZeroDivisionError("oh\x1b[31m")

    monkeypatch.setattr(validate, "_checked", broken)
    monkeypatch.delenv("STEPWELL_DEBUG", raising=False)
    assert main(["validate", "x.yaml"]) == 70
    said = capsys.readouterr().err
    assert said.startswith("error: ZeroDivisionError: oh\ufffd[31m")
    assert "Traceback" not in said
    assert main(["--debug-traceback", "validate", "x.yaml"]) == 70
    assert "Traceback" in capsys.readouterr().err
    assert main(["validate", "x.yaml", "--json"]) == 70
    assert '"type":"unexpected"' in capsys.readouterr().out
