"""Which command carries runs on: with the modules that their workflows are in, where they are Python functions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from stepwell.model.driven import DRIVEN

_UNNAMED: Final = "FILE.py"
_NO_MODULES: Final = frozenset({"__main__", "__mp_main__"})
"""What a program is called that was started, whatever its file."""


def app_of(code: str | None) -> str | None:
    """The module that has a run's workflow; `FILE.py` where that is not on record; None: it needs none.

    `code`: of the run, `module:name`.
    """
    if code is None or code == DRIVEN:
        return None
    module, _, name = code.partition(":")
    return _UNNAMED if module in _NO_MODULES or "<locals>" in name else module


def apps(codes: Iterable[str | None]) -> str:
    """The options that `stepwell serve` needs for runs of these workflows, with a blank before each."""
    found = sorted({app for code in codes if (app := app_of(code)) is not None})
    return "".join(f" --app {app}" for app in found)


def serve(*codes: str | None) -> str:
    """The whole command."""
    return f"stepwell serve{apps(codes)}"


def where(code: str | None) -> str:
    """What has to be known to give that command, to be put behind it or before; nothing where it works as it is."""
    app = app_of(code)
    if app is None:
        return ""
    if app == _UNNAMED:
        return " (FILE.py: the file with its workflow)"
    return f" (where module {app} can be imported, as in its folder)"
