"""A call's arguments as JSON and back: an object with a member for each parameter."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from types import GenericAlias
from typing import Any, NamedTuple

from stepwell.code.values import Form, fits, form_of, hints_of, is_plain, types_of
from stepwell.model.base import Json
from stepwell.model.errors import InvalidInput
from stepwell.workers.copies import own_copy
from stepwell.workers.results import NotJson, jsonable

_SIMPLE = frozenset({str, int, float, bool, type(None)})
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_PLAIN = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class _Plain(NamedTuple):
    """A signature whose parameters can all be given by name. (To go by it costs a fifth of asking `inspect`.)"""

    names: dict[str, None]
    places: tuple[str, ...]
    """those that can be given by position too"""
    needed: frozenset[str]


class Arguments:
    """Of one function. Signature and annotations are looked at on first use: names may be defined later."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    @cached_property
    def hints(self) -> dict[str, Any]:
        return hints_of(self._function)

    @cached_property
    def signature(self) -> inspect.Signature:
        return inspect.signature(self._function)

    @cached_property
    def _forms(self) -> dict[str, Form]:
        return {name: self._form(name, p.kind) for name, p in self.signature.parameters.items()}

    def _form(self, name: str, kind: Any) -> Form:
        hint = self.hints.get(name, Any)
        if kind is inspect.Parameter.VAR_POSITIONAL:
            hint = GenericAlias(list, (hint,))
        elif kind is inspect.Parameter.VAR_KEYWORD:
            hint = GenericAlias(dict, (str, hint))
        return _checked(hint) if is_plain(hint) else form_of(hint)

    @cached_property
    def _plain(self) -> _Plain | None:
        parameters = self.signature.parameters.values()
        if not all(p.kind in _PLAIN for p in parameters):
            return None
        return _Plain(
            dict.fromkeys(self.signature.parameters),
            tuple(p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD),
            frozenset(p.name for p in parameters if p.default is p.empty),
        )

    def _bound(self, args: Sequence[Any], keywords: Mapping[str, Any]) -> Mapping[str, Any]:
        """What each parameter is given. Raises `InvalidInput`."""
        plain = self._plain
        if plain is not None and not keywords and len(args) <= len(plain.places):
            given = dict(zip(plain.places, args, strict=False))
            if given.keys() >= plain.needed:
                return given
        try:
            bound = self.signature.bind(*args, **keywords)
        except TypeError as error:
            raise InvalidInput(f"{self._name}: {error}", hint=self._takes) from None
        if any(p.kind is p.VAR_POSITIONAL for p in self.signature.parameters.values()):
            bound.apply_defaults()  # what stands before the list must be there
        return bound.arguments

    def write(self, args: Sequence[Any], keywords: Mapping[str, Any]) -> dict[str, Json]:
        """The object. Raises `InvalidInput` where they do not fit, or are no JSON."""
        written = {}
        for name, value in self._bound(args, keywords).items():
            try:
                written[name] = self._forms[name].write(value)
            except NotJson as error:
                said = str(error).replace("the result", "it", 1)
                raise InvalidInput(f"{self._name}: the argument {name} cannot be taken: {said}") from None
        return written

    def read(self, input: Json) -> tuple[list[Any], dict[str, Any]]:
        """Positional and keyword arguments of the annotated types. An input that is no object is the one argument.

        Raises `InvalidInput`.
        """
        plain = self._plain
        if plain is not None and type(input) is dict and plain.names.keys() >= input.keys() >= plain.needed:
            return [], {name: self._read_one(name, input[name]) for name in plain.names if name in input}
        parameters = self.signature.parameters
        if not isinstance(input, dict):
            first = next(iter(parameters), None)
            if first is None:
                raise InvalidInput(f"{self._name} takes no input")
            input = {first: input}
        unknown = [name for name in input if name not in parameters]
        spread = next((p.name for p in parameters.values() if p.kind is p.VAR_KEYWORD), None)
        if unknown and spread is None:
            raise InvalidInput(f"{self._name} has no parameter {unknown[0]!r}", hint=self._takes)
        args: list[Any] = []
        keywords: dict[str, Any] = {}
        listed = any(p.kind is p.VAR_POSITIONAL for p in parameters.values())
        for name, parameter in parameters.items():
            by_place = parameter.kind is parameter.POSITIONAL_ONLY or (
                listed and parameter.kind in _POSITIONAL
            )
            self._place(name, parameter, by_place, input, args, keywords)
        if spread is not None and unknown:
            keywords.update(self._read_one(spread, {name: input[name] for name in unknown}))
        return args, keywords

    def _place(
        self,
        name: str,
        parameter: inspect.Parameter,
        by_place: bool,
        input: dict[str, Json],
        args: list[Any],
        keywords: dict[str, Any],
    ) -> None:
        if name not in input:
            if parameter.default is parameter.empty and parameter.kind not in (
                parameter.VAR_POSITIONAL,
                parameter.VAR_KEYWORD,
            ):
                raise InvalidInput(f"{self._name} needs {name!r}", hint=self._takes)
            return
        value = self._read_one(name, input[name])
        if parameter.kind is parameter.VAR_POSITIONAL:
            args.extend(value)
        elif parameter.kind is parameter.VAR_KEYWORD:
            keywords.update(value)
        elif by_place:
            args.append(value)
        else:
            keywords[name] = value

    def _read_one(self, name: str, value: Json) -> Any:
        read = self._forms[name].read
        if read is None:
            return value
        try:
            return read(value)
        except Exception as error:  # noqa: BLE001 - whatever a reader of the user's types raises
            raise InvalidInput(f"{self._name}: {name} cannot be taken: {error}") from None

    @property
    def _takes(self) -> str:
        try:
            return f"it takes {inspect.signature(self._function, eval_str=True)}"
        except Exception:  # noqa: BLE001 - annotations are code, and may name what is not there
            return f"it takes {self.signature}"

    @property
    def _name(self) -> str:
        return getattr(self._function, "__name__", repr(self._function))


def _checked(hint: Any) -> Form:
    """Plain values stay what they are, if they are of the type. (pydantic is not needed for them.)"""

    kinds = types_of(hint)

    def checked(value: Json) -> Json:
        if type(value) in kinds or fits(hint, value):
            return value
        raise NotJson(f"it does not fit its annotation {getattr(hint, '__name__', hint)}: {value!r:.80}")

    return Form(lambda value: own_copy(checked(value)), lambda value: checked(jsonable(value)))


def for_the_record(args: Sequence[Any], keywords: Mapping[str, Any]) -> Json:
    """A step's arguments as the journal shows them: a list, or an object with the positional ones under `args`. What is
    no JSON is shown as its type; nothing depends on it."""
    shown = [value if type(value) in _SIMPLE else _shown(value) for value in args]
    if not keywords:
        return shown
    named = {name: value if type(value) in _SIMPLE else _shown(value) for name, value in keywords.items()}
    return {"args": shown, **named} if shown else named


def _shown(value: Any) -> Json:
    try:
        return jsonable(value)
    except Exception:  # noqa: BLE001 - a value of the user's that cannot even be looked at
        return f"<{type(value).__module__}.{type(value).__qualname__}>"
