"""The map of each folder, which stands in its `__init__.py`, tells all that is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

PACKAGE = ROOT / "voxint"
FOLDERS = sorted(path.parent for path in PACKAGE.rglob("__init__.py"))

UNMAPPED = {"__init__.py", "__pycache__", "py.typed"}
"""The map itself, and what Python and type checkers put beside it."""

_LINE = re.compile(r"^(?:#? +)?(?P<name>\w+\.[a-z]+|\w+/) {2,}(?P<tells>\S.*)$", re.MULTILINE)


def folder_id(folder: Path) -> str:
    """Return a folder's name for a test's id."""
    return folder.relative_to(ROOT).as_posix()


def mapped(init: str) -> list[str]:
    """Return the names that a map has a line for, as in: `name.py  what it is about`."""
    return [match["name"] for match in _LINE.finditer(init)]


def present(folder: Path) -> set[str]:
    """Return the names of the files and folders that are there."""
    return {path.name + "/" * path.is_dir() for path in folder.iterdir() if path.name not in UNMAPPED}


@pytest.mark.parametrize("folder", FOLDERS, ids=folder_id)
def test_a_map_has_a_line_for_each_file_and_no_other(folder: Path) -> None:
    """A file that is new is told of, one that is gone is not, and none is told of twice."""
    names = mapped((folder / "__init__.py").read_text(encoding="utf-8"))
    assert sorted(names) == sorted(present(folder))


def test_every_folder_is_in_architecture() -> None:
    """The page's table of the layers links each folder of the package."""
    page = (ROOT / "docs" / "explanation" / "architecture.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\]\(\.\./\.\./voxint/(\w+)\)", page))
    assert linked == {folder.name for folder in FOLDERS if folder.parent == PACKAGE}


def test_a_file_without_a_line_is_found(tmp_path: Path) -> None:
    """The map is read from a docstring and from comments, and prose that names a file is no line of it."""
    for name in ("one.py", "two.py", "three.py"):
        (tmp_path / name).touch()
    (tmp_path / "inner").mkdir()
    init = '"""A folder; one.py is in it.\n\n    one.py  the first\n"""\n\n# two.py    the second\n# inner/    more\n'
    assert mapped(init) == ["one.py", "two.py", "inner/"]
    assert present(tmp_path) - set(mapped(init)) == {"three.py"}
