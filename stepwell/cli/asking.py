"""Questions before what cannot be taken back, where somebody sits who can answer."""

from __future__ import annotations

import sys

import click

from stepwell.cli.screen import line


def can_ask(*, as_json: bool) -> bool:
    """Whether somebody sits there who can answer."""
    return not as_json and sys.stdin.isatty() and sys.stdout.isatty()


def confirm(question: str, *, yes: bool, as_json: bool) -> None:
    """Raises `click.Abort` where the answer is no."""
    if not yes and can_ask(as_json=as_json):
        click.confirm(line(question), abort=True)
