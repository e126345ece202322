"""The house rules that a machine can check."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("voxint", "tests", "bench")
FILES = sorted(path for folder in FOLDERS for path in ROOT.joinpath(folder).rglob("*.py"))

LONGEST_FILE = 399
LONGEST_FUNCTION = 60


def name_of(path: Path) -> str:
    """Return a file's path in the repository."""
    return path.relative_to(ROOT).as_posix()


def functions_of(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield every function of a file, nested ones too."""
    for node in ast.walk(ast.parse(path.read_text(), name_of(path))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of a function; its docstring, which tools show elsewhere, does not count."""
    docstring = node.body[0] if ast.get_docstring(node) else None
    end = node.end_lineno or node.lineno
    documented = 0 if docstring is None else (docstring.end_lineno or docstring.lineno) - docstring.lineno + 1
    return end - node.lineno + 1 - documented


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_file_has_one_subject(path: Path) -> None:
    """It ends before 400 lines, and each of its functions fits a screen."""
    assert len(path.read_text().splitlines()) <= LONGEST_FILE
    lengths = {node.name: length_of(node) for node in functions_of(path)}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FUNCTION} == {}


@pytest.mark.parametrize("path", [path for path in FILES if path.name.startswith("test_")], ids=name_of)
def test_every_test_states_a_behaviour(path: Path) -> None:
    """In its docstring, which is what a reader of a failure sees first."""
    silent = [node.name for node in functions_of(path) if node.name.startswith("test") and not ast.get_docstring(node)]
    assert silent == []


@pytest.mark.parametrize("path", sorted(ROOT.joinpath("voxint").rglob("*.py")), ids=name_of)
def test_a_module_says_its_subject_and_its_names(path: Path) -> None:
    """The first line is its docstring; a module that defines anything has `__all__`."""
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree), "a module without a docstring"
    assigned = {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    if path.name == "__main__.py":
        return  # it is run, not imported
    defines = any(isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) for node in tree.body)
    assert "__all__" in assigned or not defines


def test_every_lint_exception_gives_its_reason() -> None:
    """`noqa` and `type: ignore` name the rule, and say why behind it."""
    marks = ("# noqa", "# type: ignore")
    for path in FILES:
        if path == Path(__file__):
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            for mark in marks:
                if mark in line:
                    rest = line.split(mark, 1)[1]
                    assert " - " in rest or "#" in rest, f"{name_of(path)}:{number} gives no reason"
