"""Groups whose commands are imported when they are called."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class LazyGroup(click.Group):
    """`commands_in`: by name, the module that has the command as `command` (or `module:name`), and a line of help.

    `sections`: headings of the help, each with the command that it begins with.
    """

    def __init__(
        self,
        *args: Any,
        commands_in: Mapping[str, tuple[str, str]],
        sections: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._commands_in = commands_in
        self._heading = {first: heading for heading, first in (sections or {}).items()}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._commands_in)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._commands_in:
            return None
        module, _, name = self._commands_in[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), name or "command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        found: dict[str, list[tuple[str, str]]] = {}
        heading, width = "Commands", max(map(len, self._commands_in))
        for name, (_, words) in self._commands_in.items():
            heading = self._heading.get(name, heading)
            found.setdefault(heading, []).append((name.ljust(width), words))
        for heading, rows in found.items():
            with formatter.section(heading):
                formatter.write_dl(rows)
