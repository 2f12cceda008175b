"""What a decorator is given, checked where it stands: a slip is found when the module is imported, not in a run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from stepwell.model.errors import InvalidInput
from stepwell.model.starting import unknown_option

LONGEST_SHOWN: Final = 100


def shown(value: object) -> str:
    """A wrong value for a message, not too long."""
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def check_options(decorator: str, given: Mapping[str, object], known: Collection[str]) -> None:
    """Raises `InvalidInput` for the first option that there is not; perhaps another one was meant."""
    for name in given:
        if name not in known:
            raise unknown_option(decorator, name, known)


def check_function(decorator: str, given: object) -> None:
    """Raises `InvalidInput`."""
    if not callable(given):
        raise InvalidInput(
            f"{decorator} stands above a function, not {shown(given)}",
            hint=f"its options have names: {decorator}(name=…)",
        )


def check_text(option: str, given: object) -> None:
    """A text or None. Raises `InvalidInput`."""
    if given is not None and (not isinstance(given, str) or not given):
        raise InvalidInput(f"{option} is a text, not {shown(given)}")


def check_truth(option: str, given: object) -> None:
    """Raises `InvalidInput`."""
    if not isinstance(given, bool):
        raise InvalidInput(f"{option} is True or False, not {shown(given)}")


def check_kind(option: str, given: object, kind: type, fits: str, hint: str = "") -> None:
    """None or of this kind; `fits` says in words what is. Raises `InvalidInput`."""
    if given is not None and not isinstance(given, kind):
        raise InvalidInput(f"{option} is {fits}, not {shown(given)}", hint=hint)


def check_callable(option: str, given: Callable[..., Any] | None) -> None:
    """None or a function. Raises `InvalidInput`."""
    if given is not None and not callable(given):
        raise InvalidInput(
            f"{option} is a function or a step, not {shown(given)}",
            hint="give it without quotes, and without calling it",
        )


def check_whole(option: str, given: object, least: int, most: int) -> None:
    """None (no limit) or a whole number. Raises `InvalidInput`."""
    if given is None:
        return
    if isinstance(given, bool) or not isinstance(given, int) or not least <= given <= most:
        raise InvalidInput(f"{option} is a number from {least}, or None for no limit, not {shown(given)}")


def check_exceptions(option: str, given: object) -> None:
    """Classes of exceptions, or one. Raises `InvalidInput`."""
    for one in given if isinstance(given, tuple) else (given,):
        if not (isinstance(one, type) and issubclass(one, BaseException)):
            raise InvalidInput(
                f"{option} has classes of exceptions, not {shown(one)}",
                hint=f"write {option}=(ValueError, OSError)",
            )
