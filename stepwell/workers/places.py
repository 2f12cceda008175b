"""Where an exception was raised: the last line of the user's own code, and behind it the line of a library, if it was
raised in one; and whether it was raised there at all. Of the user's files only the names are told: folders are
nobody's business."""

from __future__ import annotations

import asyncio.runners
import dis
import os
import sysconfig
import threading
from collections.abc import Sequence
from pathlib import Path, PurePath
from traceback import walk_tb
from typing import Final, NamedTuple

_OURS: Final = f"{Path(__file__).parent.parent}{os.sep}"
"""what this package does in between is not told"""
_STANDARD: Final = tuple(
    {f"{sysconfig.get_paths()[name]}{os.sep}" for name in ("stdlib", "platstdlib")} | {"<frozen "}
)
_HANDLER: Final = asyncio.runners.__file__
"""where asyncio raises what a second Ctrl-C asks for"""
_RAISE: Final = dis.opmap["RAISE_VARARGS"]
_INSTALLED: Final = tuple(f"{os.sep}{folder}{os.sep}" for folder in ("site-packages", "dist-packages"))


class _Line(NamedTuple):
    file: str
    number: int
    function: str


def place_of(error: BaseException) -> str:
    """As ` (orders.py:17, in charge)`, with a second line ` raised in json/decoder.py:355, in raw_decode` where that is
    not the user's code. Empty where nothing is known."""
    every = [
        _Line(frame.f_code.co_filename, number, frame.f_code.co_name)
        for frame, number in walk_tb(error.__traceback__)
    ]
    lines = [line for line in every if not line.file.startswith(_OURS)]
    if not lines:
        return ""
    last = _users(lines)[-1]
    told = f" ({_said(PurePath(last.file).name, last)})"
    if last is lines[-1] or lines[-1] is not every[-1]:  # what this package refuses was asked for by the user
        return told
    return f"{told}\n  raised in {_said(_inside(lines[-1].file), lines[-1])}"


def is_ctrl_c(error: BaseException) -> bool:
    """Somebody pressed Ctrl-C, to stop the program, while a function was at work on the main thread: Python raises that
    in the middle of whatever is running. The function itself did not; nothing may be recorded of it."""
    trace = error.__traceback__
    if not isinstance(error, KeyboardInterrupt) or trace is None:
        return False
    if threading.current_thread() is not threading.main_thread():
        return False
    while trace.tb_next is not None:
        trace = trace.tb_next
    code = trace.tb_frame.f_code
    return code.co_filename == _HANDLER or code.co_code[trace.tb_lasti] != _RAISE


def _users(lines: Sequence[_Line]) -> list[_Line]:
    """Those that are in no library. Of a program that is itself installed as one: those of the package that was called
    first."""
    homes = [_home(line.file) for line in lines]
    wanted = "" if "" in homes else homes[0]
    return [line for line, home in zip(lines, homes, strict=True) if home == wanted]


def _home(file: str) -> str:
    """The folder of the library that a file belongs to; empty for the user's own."""
    for folder in _INSTALLED:
        before, found, inside = file.rpartition(folder)
        if found:
            return before + folder + inside.partition(os.sep)[0]
    return next((folder for folder in _STANDARD if file.startswith(folder)), "")


def _inside(file: str) -> str:
    """A library's file as it is imported, without where libraries are."""
    for folder in _INSTALLED:
        if folder in file:
            return PurePath(file.rpartition(folder)[2]).as_posix()
    home = _home(file)
    return PurePath(file.removeprefix(home)).as_posix() if home else PurePath(file).name


def _said(file: str, line: _Line) -> str:
    return f"{file}:{line.number}, in {line.function}"
