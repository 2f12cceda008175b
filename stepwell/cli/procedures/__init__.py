"""`stepwell procedures …`: definitions under version control, and runs of them as people see them."""

from __future__ import annotations

import click

from stepwell.cli.lazy import LazyGroup

_LOOK, _WRITE, _STEER, _FILES, _PEOPLE, _START = (
    f"stepwell.cli.procedures.{name}" for name in ("look", "write", "steer", "files", "people", "start")
)


@click.group(
    cls=LazyGroup,
    commands_in={
        "list": (f"{_LOOK}:list_", "List procedures."),
        "show": (f"{_LOOK}:show", "Show a procedure, its branches and tags, or a document of it."),
        "history": (f"{_LOOK}:history", "Print the commits, newest first."),
        "diff": (f"{_LOOK}:diff", "Say how two versions differ, and what that means for runs."),
        "parents": (f"{_LOOK}:parents", "Print the definitions that run it."),
        "commit": (f"{_WRITE}:commit", "Commit a definition."),
        "save": (f"{_WRITE}:save", "Save a draft, valid or not."),
        "discard": (f"{_WRITE}:discard", "Let a branch go back from its draft to its last commit."),
        "merge": (f"{_WRITE}:merge", "Bring a branch's changes into main."),
        "rollback": (f"{_WRITE}:rollback", "Commit once more what an older commit had."),
        "branch": (f"{_STEER}:branch", "Create a branch, or delete it."),
        "tag": (f"{_STEER}:tag", "Name a revision, for good."),
        "edit": (f"{_STEER}:edit", "Change title, description, labels and properties."),
        "archive": (f"{_STEER}:archive", "Take no new versions and start no runs."),
        "unarchive": (f"{_STEER}:unarchive", "Bring an archived procedure back."),
        "delete": (f"{_STEER}:delete", "Remove a procedure that nobody runs."),
        "compact": (f"{_STEER}:compact", "Remove old drafts."),
        "start": (f"{_START}:start", "Start a run of a version."),
        "status": (f"{_PEOPLE}:status", "Show how a run stands: steps by section, who did what."),
        "begin": (f"{_PEOPLE}:begin", "Begin a run that was started with --held."),
        "succeed": (f"{_PEOPLE}:succeed", "End a run as completed."),
        "fail": (f"{_PEOPLE}:fail", "End a run as failed."),
        "abort": (f"{_PEOPLE}:abort", "Stop a run before its end."),
        "set-fields": (f"{_PEOPLE}:set_fields", "Change global fields of a run."),
        "export": (f"{_FILES}:export", "Write a procedure with its history to a file."),
        "import": (f"{_FILES}:import_", "Store what was exported."),
        "convert": ("stepwell.cli.procedures.convert:convert", "Write it as a tree of steps, or as a graph."),
        "create-from": (f"{_FILES}:create_from", "Make a procedure from a template."),
    },
)
def command() -> None:
    """Keep the versions of a definition (see docs/versions.md), and steer runs of it (see docs/procedures.md).

    A PROCEDURE is named NAMESPACE/NAME, as in its document; a REVISION by a branch, a tag, or the id of a commit (or
    how that begins). A RUN is named by its id, or as much of its beginning as makes it the only one.

    Example: stepwell procedures commit hotfire.yaml -m "Check the valve first"
    """
