"""The two fields of a verification (`verdict: true`): how it came out, and why."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from stepwell.definition.forms.choices import ChoiceField, Option
from stepwell.definition.forms.field import Field
from stepwell.definition.forms.texts import TextField


class Verdict(StrEnum):
    """How a verification came out. `pass` completes the step, `fail` fails it, `refer` hands it to others."""

    PASSED = "pass"
    FAILED = "fail"
    REFERRED = "refer"


VERDICT: Final = "verdict"
REASON: Final = "reason"
VERDICT_FIELDS: Final = (VERDICT, REASON)


def verdict_fields(*, refers: bool) -> tuple[Field, ...]:
    """`refers`: there is somebody to refer it to."""
    words = [verdict for verdict in Verdict if refers or verdict is not Verdict.REFERRED]
    return (
        ChoiceField(
            id=VERDICT,
            label="Verdict",
            required=True,
            options=tuple(Option(word.value, word.value) for word in words),
            look="buttons",
        ),
        TextField(id=REASON, label="Reason", description="Needed where the verdict is fail", multiline=True),
    )
