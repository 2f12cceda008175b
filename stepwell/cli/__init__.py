"""Words to calls: the command `stepwell`.

Commands are imported when they are used; `--help` needs nothing of the engine.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from stepwell.cli.failing import report
from stepwell.cli.lazy import LazyGroup
from stepwell.cli.screen import prepare

TRACEBACK = "--debug-traceback"


def _version(context: click.Context, option: click.Parameter, asked: bool) -> None:
    if asked and not context.resilient_parsing:
        from stepwell import __version__

        click.echo(f"stepwell {__version__}")
        context.exit()


@click.group(
    cls=LazyGroup,
    commands_in={
        "run": ("stepwell.cli.run", "Run a definition to its end and show how it goes."),
        "validate": ("stepwell.cli.validate", "Report every problem of definitions."),
        "serve": ("stepwell.cli.serve", "Carry on every open run of a file."),
        "runs": ("stepwell.cli.runs", "Look at runs and steer them."),
        "status": ("stepwell.cli.status", "Say how a file stands: runs, engines, and what needs somebody."),
        "graph": ("stepwell.cli.graph", "Draw a definition or a run as a flow chart."),
        "search": ("stepwell.cli.search", "Find runs and definitions."),
        "schedules": ("stepwell.cli.schedules", "Set, look at and steer what starts runs by time."),
        "queues": ("stepwell.cli.queues", "Look at queues, set their limits, pause them."),
        "inbox": ("stepwell.cli.people.inbox", "List what waits for you."),
        "step": ("stepwell.cli.people.step", "Look at a step that people do, and do it."),
        "approvals": ("stepwell.cli.approvals", "Decide what people are asked before it is done."),
        "procedures": (
            "stepwell.cli.procedures",
            "Keep versions of procedures; start, follow and end runs of them.",
        ),
        "audit": ("stepwell.cli.people.audit", "Tell who did what to a run, and when."),
        "files": ("stepwell.cli.files", "Keep files that people and steps hand in, and read them."),
        "archive": ("stepwell.cli.archive", "Put ended runs away, and bring them back."),
        "retention": ("stepwell.cli.retention", "Say how long ended runs are kept."),
        "backup": ("stepwell.cli.backup", "Copy the whole database."),
        "doctor": ("stepwell.cli.doctor", "Read the whole record and check it."),
    },
    sections={
        "Runs": "run",
        "When runs begin": "schedules",
        "People": "inbox",
        "The file": "files",
    },
    epilog="Exit codes: 0 fine, 1 the run failed or something was found, 2 the definition or the command is "
    "not valid, 3 cancelled, terminated or timed out, 4 the store is not available, 5 a procedure waits for people, "
    "70 a fault of Stepwell itself, "
    "130 left before the end. "
    "STEPWELL_DB names the file to use; STEPWELL_DEBUG=1 (or --debug-traceback) shows tracebacks.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version."
)
def root() -> None:
    """Durable execution for code, services and people, on one SQLite file.

    Try: stepwell run order.yaml --input '{"order": "1001"}'
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the words say; returns the exit code and never raises."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = TRACEBACK in given or os.environ.get("STEPWELL_DEBUG", "") not in ("", "0")
    given = [word for word in given if word != TRACEBACK]
    prepare()
    try:
        code = root.main(given, prog_name="stepwell", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as asked:  # a group without a command: its help is the answer
        click.echo(asked.format_message())
        return 0
    except BaseException as error:  # noqa: BLE001 - the last door: everything gets a message and an exit code
        return report(error, as_json="--json" in given, debug=debug)
    return code if isinstance(code, int) else 0
