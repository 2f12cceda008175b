"""`stepwell backup`."""

from __future__ import annotations

from pathlib import Path

import click

from stepwell.cli.archive import as_guest
from stepwell.cli.options import PATH, db_option, json_option
from stepwell.cli.progressing import steps
from stepwell.cli.screen import print_json, say


@click.command()
@click.argument("file", type=PATH)
@db_option
@json_option
def command(file: Path, db: Path, as_json: bool) -> int:
    """Copy the whole database to FILE, also while engines use it, and check the copy.

    The files that people handed in are copied to FILE.blobs.

    To restore: stop every process that uses the database, put FILE and FILE.blobs in place of it and of its folder of
    files, and remove the files beside it that end in -wal and -shm.

    Example: stepwell backup nightly.db
    """
    with steps(quiet=as_json) as told:
        view = as_guest(db, lambda stepwell: stepwell.backup(file, progress=told))
    if as_json:
        print_json(view)
    else:
        say(f"{view['file']}: {view['bytes']:,} bytes, {view['runs']} runs; checked")
        files = view["files"]
        if files["count"]:
            say(f"{files['folder']}: {files['bytes']:,} bytes, {files['count']} files; checked")
        if files["damaged"]:
            say(
                f"{len(files['damaged'])} files are damaged and were not copied: {', '.join(files['damaged'])}"
            )
    return 0
