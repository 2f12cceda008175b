"""Who it is that gives a command: a name, and the groups and roles that go with it."""

from __future__ import annotations

import contextlib
import getpass
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from stepwell.model.errors import InvalidInput

if TYPE_CHECKING:
    from stepwell.model.people import Actor

F = TypeVar("F", bound=Callable[..., Any])


def asker_option(function: F) -> F:
    """Give the command `asker`: who asks, for the record."""
    return _name_option("asker")(function)


def _name_option(parameter: str) -> Callable[[F], F]:
    return click.option(
        "--as",
        "--by",
        parameter,
        envvar="STEPWELL_USER",
        show_envvar=True,
        default=login,
        metavar="NAME",
        help="Who you are.  [default: the login name]",
    )


def who_options(function: F) -> F:
    """Give the command `name`, `groups` and `roles`; `actor` makes somebody of them."""
    return _name_option("name")(group_option(role_option(function)))


def group_option(function: F) -> F:
    return click.option(
        "--group",
        "groups",
        multiple=True,
        envvar="STEPWELL_GROUPS",
        show_envvar=True,
        callback=_split,
        metavar="G",
        help="A group that you belong to; may be given again, or several with commas.",
    )(function)


def role_option(function: F) -> F:
    return click.option(
        "--role",
        "roles",
        multiple=True,
        envvar="STEPWELL_ROLES",
        show_envvar=True,
        callback=_split,
        metavar="R",
        help="A role that you have; likewise.",
    )(function)


def actor(who: dict[str, Any]) -> Actor:
    """Take name, groups and roles out of a command's options. Raises `InvalidInput` where there is no name."""
    from stepwell.model.people import Actor

    name, groups, roles = who.pop("name"), who.pop("groups"), who.pop("roles")
    if not name:
        raise InvalidInput(
            "it is not known who you are", hint="say it with --as NAME, or set STEPWELL_USER to your name"
        )
    return Actor(name, groups=groups, roles=roles)


def _split(context: click.Context, option: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word.strip() for text in given for word in text.split(",") if word.strip())


def login() -> str:
    """The name that the machine knows somebody by; empty where there is none."""
    with contextlib.suppress(Exception):  # there need not be any
        return getpass.getuser()
    return ""
