"""Options that several commands share, and reading what they name."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from stepwell.model.errors import InvalidInput

F = TypeVar("F", bound=Callable[..., Any])

PATH = click.Path(path_type=Path)

BY_KEY: Final = "key="
"""Before the key that a run was started with, where its id could stand."""

SHIFTED: Final = "stepwell.shifted"
"""In the context of a command with `--key`: what stands first, if that may be a RUN which was given too."""


def db_option(function: F) -> F:
    return click.option(
        "--db",
        type=PATH,
        envvar="STEPWELL_DB",
        default="stepwell.db",
        show_default=True,
        show_envvar=True,
        metavar="PATH",
        help="The database file.",
    )(function)


def json_option(function: F) -> F:
    return click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")(
        function
    )


def path_option(function: F) -> F:
    """Where code is found: `--path`, and `--app` for Python workflows (imported when the option is read)."""
    return click.option(
        "--app",
        multiple=True,
        expose_value=False,
        callback=_load_apps,
        envvar="STEPWELL_APP",
        show_envvar=True,
        metavar="MODULE|FILE.py",
        help="Python workflows to know: a module or a file. May be given again.",
    )(_folders_option(function))


def _load_apps(context: click.Context, parameter: click.Parameter, apps: tuple[str, ...]) -> None:
    if apps and not context.resilient_parsing:
        from stepwell.cli.app import load_app

        for app in apps:
            load_app(app)


def _folders_option(function: F) -> F:
    return click.option(
        "--path",
        "folders",
        multiple=True,
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        metavar="FOLDER",
        help="Where `call: python` finds modules, besides the current folder. May be given again.",
    )(function)


def secrets_option(function: F) -> F:
    return click.option(
        "--secrets",
        "secrets_file",
        type=PATH,
        metavar="FILE",
        help="Values for $secrets: a JSON or YAML map, or NAME=value lines.",
    )(function)


def series_option(function: F) -> F:
    return click.option(
        "--series-folder",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        envvar="STEPWELL_SERIES_FOLDER",
        show_envvar=True,
        metavar="FOLDER",
        help="Where the files of samples lie that conditions and measurements read.",
    )(function)


def notify_option(function: F) -> F:
    return click.option(
        "--notify",
        "notifiers",
        multiple=True,
        envvar="STEPWELL_NOTIFY",
        show_envvar=True,
        metavar="CHANNEL=URL",
        help="Where `notify` actions of that channel are sent to. May be given again.",
    )(function)


def input_option(function: F) -> F:
    return click.option(
        "--input",
        "input_text",
        metavar="JSON|@FILE|-",
        help="The input: JSON, @FILE with JSON in it, or - for standard input.",
    )(function)


def yes_option(function: F) -> F:
    return click.option("--yes", "-y", is_flag=True, help="Do not ask.")(function)


def read_input(text: str | None) -> Any:
    """The value that `--input` stands for; None where it is not given. Raises `InvalidInput`."""
    if text is None:
        return None
    where, content = _content(text)
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(
            f"{where} is not JSON: {error}", hint="""quote it for the shell, like --input '{"id": 7}'"""
        ) from error


def _content(text: str) -> tuple[str, str]:
    if text == "-":
        return "standard input", sys.stdin.read()
    if text.startswith("@"):
        return text[1:], read_text(Path(text[1:]))
    return "--input", text


def read_text(path: Path) -> str:
    """Raises `InvalidInput`."""
    try:
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise InvalidInput(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is not UTF-8 text (byte {error.start})") from error


def read_tags(given: tuple[str, ...]) -> dict[str, str]:
    """`k=v` words as a map. Raises `InvalidInput`."""
    tags = {}
    for word in given:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise InvalidInput(f"{word!r} is not a tag", hint="write it as --tag name=value")
        tags[name] = value
    return tags


def read_notifiers(given: tuple[str, ...]) -> dict[str, str]:
    """`CHANNEL=URL` words as a map. Raises `InvalidInput`, without the URL: it may be a secret."""
    found = {}
    for word in given:
        channel, equals, url = word.partition("=")
        if not equals or not channel or "/" in channel:
            raise InvalidInput("a channel is given without its name", hint="write it as --notify CHANNEL=URL")
        found[channel] = url
    return found


def read_attributes(given: tuple[str, ...]) -> dict[str, Any]:
    """`k=JSON` words as a map; what is no JSON is a text. Raises `InvalidInput`."""
    found: dict[str, Any] = {}
    for word in given:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise InvalidInput(
                f"{word!r} is not an attribute", hint="write name=value, like amount=120 or region=eu"
            )
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def read_secrets(path: Path | None) -> dict[str, Any]:
    """Names and values; the values go nowhere else, error messages included. Raises `InvalidInput`."""
    if path is None:
        return {}
    text = read_text(path)
    found = _mapping(text)
    if found is None:
        found = _lines(path, text)
    return found


def _mapping(text: str) -> dict[str, Any] | None:
    """A JSON map, or a YAML one with all its scalars as text (0123 is a password, not a number)."""
    try:
        found = json.loads(text)
    except ValueError:
        import yaml

        try:
            found = yaml.load(text, yaml.BaseLoader)  # noqa: S506 - makes nothing but text, lists and maps
        except yaml.YAMLError:
            return None
    return {str(name): value for name, value in found.items()} if isinstance(found, dict) else None


def _lines(path: Path, text: str) -> dict[str, Any]:
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        word = line.strip().removeprefix("export ").strip()
        if not word or word.startswith("#"):
            continue
        name, equals, value = word.partition("=")
        if not equals or not name.strip().isidentifier():
            raise InvalidInput(
                f"{path}:{number}: this is not a secret",
                hint="write a JSON or YAML map, or lines like NAME=value",
            )
        found[name.strip()] = _unquoted(value.strip())
    return found


def _unquoted(value: str) -> str:
    quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value
