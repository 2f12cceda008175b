"""Changes of what people call a run and file it under: no matter of its state, and so possible in each."""

from __future__ import annotations

from typing import Any, Final

from stepwell.kernel.ruling import Ruling
from stepwell.model import commands as c
from stepwell.model import events as e
from stepwell.model import metadata
from stepwell.model.events import SAME


def set_metadata(r: Ruling, command: c.SetMetadata) -> None:
    """What is so already changes nothing. Raises `InvalidInput`."""
    news: dict[str, Any] = {}
    for name, given in zip(command._fields, command, strict=True):
        if given is not SAME:
            value = _NORMAL[name](given)
            if value != getattr(r.draft.run, name):
                news[name] = list(value) if isinstance(value, tuple) else value
    if news:
        r.emit(e.RunMetadataSet(**news))


_NORMAL: Final = {
    "title": metadata.title,
    "description": metadata.description,
    "labels": metadata.labels,
    "properties": metadata.properties,
    "archived": metadata.archived,
}
