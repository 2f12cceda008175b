"""`stepwell step show`."""

from __future__ import annotations

from typing import Any

import click

from stepwell.cli.people.common import Place, found_step, step_argument
from stepwell.cli.screen import print_json, write


@click.command()
@step_argument
def show(place: Place) -> int:
    """Show a step: its form with rules and values, its condition and actions, who did what when, and what can be done.

    Example: stepwell step show 01936c2e check
    """
    from stepwell.cli.opening import with_db
    from stepwell.cli.people.drawing import can_lines, step_lines

    found = found_step(place)
    view: dict[str, Any] = found.view
    if place.as_json:
        print_json(view)
        return 0
    for text in step_lines(view, found.fields, found.now):
        write(text)
    for text in can_lines(view):
        write(with_db(text, place.db))
    return 0
