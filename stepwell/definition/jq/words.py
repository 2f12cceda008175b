"""What an expression is, and what can be wrong with one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from stepwell.model.base import Json

Native = Callable[[Json, Mapping[str, Json]], Json]
"""A path as a Python function of the data (`.`) and the variables."""


class ExpressionError(Exception):
    """An expression that cannot be accepted or has no value; the message is for the workflow's author."""


class Risk(StrEnum):
    """How an expression may be run."""

    PATH = "path"
    """a path, a literal, or a construction of those: computed natively, values untouched"""
    PLAIN = "plain"
    """short work for jq: in this process"""
    GUARDED = "guarded"
    """might not end, or explode: elsewhere, within limits"""


@dataclass(frozen=True, slots=True)
class Expression:
    """One jq expression. `source` is without `${ }`; `names` are the variables it mentions, without `$`.

    `refused` says why it may never run (it reaches out of its data), None if it may.
    """

    source: str
    names: frozenset[str] = frozenset()
    risk: Risk = Risk.PLAIN
    refused: str | None = None
    weighty: bool = field(default=False, compare=False)
    """PLAIN, but its cost or its result may grow faster than its data"""
    whole: bool = field(default=True, compare=False)
    """its brackets and quotes are closed, so that it can stand within others"""
    native: Native | None = field(default=None, compare=False, repr=False)
    """how a PATH is computed"""
