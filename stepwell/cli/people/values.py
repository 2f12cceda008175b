"""What is filled into a form on the command line: words made into values by the kinds of the fields.

Only what a word is taken for is decided here; whether a value will do is said by the field itself, or by the engine.
"""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from stepwell.cli.options import read_input
from stepwell.definition.forms.field import Field
from stepwell.definition.forms.values import check_values
from stepwell.model.errors import InvalidForm, InvalidInput

if TYPE_CHECKING:
    from stepwell.assembly import Stepwell

YES: Final = frozenset({"true", "yes", "y", "1", "on"})
NO: Final = frozenset({"false", "no", "n", "0", "off"})
_MANY: Final = frozenset({"choices", "files"})


class Upload(NamedTuple):
    """A file of this machine that is to be kept beside the database."""

    path: Path

    def stand_in(self) -> dict[str, Any]:
        """What will stand for it, for a first look at it. Raises `InvalidInput`."""
        try:
            size = self.path.stat().st_size
            if not self.path.is_file():
                raise InvalidInput(f"{self.path} is no file")
        except OSError as error:
            raise InvalidInput(f"cannot read {self.path}: {error.strerror}") from error
        kind = mimetypes.guess_type(self.path.name, strict=False)[0] or "application/octet-stream"
        return {"file": "0" * 64, "name": self.path.name, "size": size, "type": kind}


class Repeated(NamedTuple):
    """A field that takes one value, and was given several times."""

    times: int


def read_values(fields: Sequence[Field], words: Sequence[str], text: str | None) -> dict[str, Any] | None:
    """What `--values` and `--value` say; None where neither is given. Raises `InvalidInput`."""
    if text is None and not words:
        return None
    known = {field.id: field for field in fields}
    given = read_input(text) if text is not None else {}
    if not isinstance(given, dict):
        raise InvalidInput("--values is not an object with a value per field")
    found: dict[str, list[str]] = {}
    if bad := [word for word in words if word.find("=") < 1]:
        what = "is no value of a field" if len(bad) == 1 else "are no values of fields"
        raise InvalidInput(
            f"{', '.join(map(repr, bad))} {what}",
            hint="write id=VALUE, like pressure=4.5; id= empties it",
        )
    for word in words:
        name, _, value = word.partition("=")
        found.setdefault(name, []).append(value)
    return {**given, **{name: _value(known.get(name), texts) for name, texts in found.items()}}


def _value(field: Field | None, texts: list[str]) -> Any:
    if field is not None and field.kind in _MANY:
        return many(field, texts)
    if len(texts) > 1:
        return Repeated(len(texts))
    return texts[0] if field is None else typed(field, texts[0])


def many(field: Field, texts: Sequence[str]) -> Any:
    """A list: a word each, or all of it as JSON."""
    if len(texts) == 1:
        if texts[0] == "":
            return None
        found = _json(texts[0])
        if isinstance(found, list):
            return found
    return [_file(text) if field.kind == "files" else text for text in texts]


def typed(field: Field, text: str) -> Any:
    """The value that one word stands for; what it cannot stand for stays text, and the field says what is wrong."""
    if text == "":
        return None
    if field.kind == "file":
        return _file(text)
    if field.kind == "checkbox":
        return True if text.lower() in YES else False if text.lower() in NO else text
    if field.kind in ("integer", "number"):
        return _number(text)
    if field.kind == "reference" and text.startswith("{"):
        return _json(text)
    return text


def _number(text: str) -> Any:
    found = _json(text.removeprefix("+"))
    return found if isinstance(found, int | float) and not isinstance(found, bool) else text


def _file(text: str) -> Any:
    return Upload(Path(text[1:])) if text.startswith("@") else _json(text)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def looked_at(value: Any) -> Any:
    """The value as a field can judge it before anything is kept. Raises `InvalidInput` for a file that is not there."""
    if isinstance(value, Repeated):
        raise InvalidInput(f"is given {value.times} times: give it once")
    if isinstance(value, Upload):
        return value.stand_in()
    return [looked_at(item) for item in value] if isinstance(value, list) else value


async def kept(
    stepwell: Stepwell,
    fields: Sequence[Field],
    values: Mapping[str, Any],
    before: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The same values, with every file put where files are; none where something about the values is wrong: then
    everything that is, of whatever kind, is told at once.

    `before`: what stands in a form that is to be submitted; then what is missing is told with what is wrong.

    Raises `InvalidForm`, `StoreUnavailable`.
    """
    judged: dict[str, Any] = {}
    wrong: dict[str, list[str]] = {}
    for name, value in values.items():
        try:
            judged[name] = looked_at(value)
        except InvalidInput as error:
            wrong[name] = [error.message]
    files = {field.id for field in fields if field.kind in ("file", "files")}
    for name, texts in check_values(fields, judged, complete=False).items():
        wrong[name] = [*texts, *(_meant_a_file(name, judged[name]) if name in files else ())]
    if wrong:
        whole = {} if before is None else check_values(fields, {**before, **judged}, complete=True)
        raise InvalidForm({**whole, **wrong})
    return {name: await _kept(stepwell, value) for name, value in values.items()}


def _meant_a_file(name: str, value: Any) -> list[str]:
    """What somebody should write who gave the path of a file."""
    paths = [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str)]
    return [f"a file of this machine is given with @ before its path: {name}=@{path}" for path in paths[:1]]


async def _kept(stepwell: Stepwell, value: Any) -> Any:
    if isinstance(value, Upload):
        return await stepwell.put_file(value.path)
    return [await _kept(stepwell, item) for item in value] if isinstance(value, list) else value
