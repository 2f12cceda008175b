"""The laws of the house that imports cannot show: sizes, clocks, chance, names of new things."""

import ast
import operator
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest

from stepwell.model.base import new

ROOT = Path(__file__).parent.parent / "stepwell"
FILES = sorted(ROOT.rglob("*.py"))
LONGEST_FILE, LONGEST_FUNCTION, LONGEST_LINE = 400, 60, 120

CLOCKS = {
    ("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"),
    ("time", "time"), ("time", "time_ns"), ("uuid", "uuid4"), ("uuid", "uuid1"), ("asyncio", "sleep"),
    ("time", "sleep"), ("random", "random"), ("random", "randint"), ("random", "choice"), ("random", "uniform"),
}  # fmt: skip
"""Reads of time, chance and identity that only the doors of `assembly` may make."""

MAY_READ_CLOCKS = {"assembly/doors.py"}


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", FILES, ids=name)
def test_sizes(path: Path) -> None:
    text = path.read_text()
    lines = text.splitlines()
    assert len(lines) <= LONGEST_FILE, f"{len(lines)} lines: split it by family"
    assert not [n for n, line in enumerate(lines, 1) if len(line) > LONGEST_LINE], "lines too long"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            size = (node.end_lineno or node.lineno) - node.lineno + 1
            assert size <= LONGEST_FUNCTION, f"{node.name} has {size} lines"


@pytest.mark.parametrize("path", FILES, ids=name)
def test_time_chance_and_identity_come_through_ports(path: Path) -> None:
    if name(path) in MAY_READ_CLOCKS:
        return
    found = [
        f"{node.value.id}.{node.attr} in line {node.lineno}"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and (node.value.id, node.attr) in CLOCKS
    ]
    assert not found


@pytest.mark.parametrize("path", FILES, ids=name)
def test_every_module_says_what_is_in_it(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree), "a module needs a docstring"
    assert not [n.lineno for n in ast.walk(tree) if isinstance(n, ast.Global)], "global state"


@pytest.mark.parametrize("path", FILES, ids=name)
def test_no_pickle_and_no_eval(path: Path) -> None:
    tree = ast.parse(path.read_text())
    imported = {alias.name for n in ast.walk(tree) if isinstance(n, ast.Import) for alias in n.names}
    assert not imported & {"pickle", "marshal", "shelve", "sqlite3"}
    called = {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    assert not called & {"eval", "exec", "compile"}


@pytest.mark.parametrize("path", FILES, ids=name)
def test_what_is_made_at_once_is_made_whole(path: Path) -> None:
    """`model.base.new` does not look at what it is given."""
    calls = [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "new"
    ]
    if not calls:
        return
    module = import_module(".".join(("stepwell", *path.relative_to(ROOT).with_suffix("").parts)))
    assert module.new is new
    for call in calls:
        kind, members = call.args
        made = operator.attrgetter(ast.unparse(kind))(SimpleNamespace(**vars(module)))
        assert isinstance(members, ast.Tuple) and not any(isinstance(e, ast.Starred) for e in members.elts)
        assert len(members.elts) == len(made._fields), f"line {call.lineno}"
