"""`SAME`: what an event leaves out because it follows from the events before it."""

from __future__ import annotations

from enum import Enum
from typing import Final, Literal

from stepwell.model.base import Json


class Same(Enum):
    """Stands for "the data that was flowing here anyway"."""

    SAME = "same"


SAME: Final = Same.SAME
MaybeSame = Json | Literal[Same.SAME]
