"""From text to value: events of YAML and JSON, built without recursion.

The YAML parser is imported with the first YAML text: whoever writes workflows in Python only never waits for it.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stepwell.definition.reading import yaml_text as yaml_text


def __getattr__(name: str) -> ModuleType:
    if name == "yaml_text":
        return import_module("stepwell.definition.reading.yaml_text")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
