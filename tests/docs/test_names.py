"""The names that the documentation places in a file are in that file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, blocks, page_id

FOREIGN = {
    "CancelledError",
    "CustomEvent",
    "EnvironmentFile",
    "EventTarget",
    "LimitNOFILE",
    "RunFinishedError",
    "TaskGroup",
    "TimeoutStopSec",
    "WorkingDirectory",
}
"""Names of Python, trio, systemd and browsers that the pages speak of and nothing of ours does."""

_CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_CLASS = re.compile(r"\b[A-Z][a-z]+[A-Z]\w*\b")
_PLACED = re.compile(r"`([A-Za-z_][\w.]*)` (?:in |\()\[[^\]]+\]\(([^)#]+\.py)\)")


def placed(page: Path) -> list[tuple[str, Path]]:
    """Return the names with the file each is said to be in, as in: `name` in [file](file) or `name` ([file](file))."""
    found = _PLACED.findall(page.read_text(encoding="utf-8"))
    return [(name, (page.parent / path).resolve()) for name, path in found]


def known() -> set[str]:
    """Return the words of the sources; the tests of the pages, which repeat those of the pages, are none."""
    folders = ("voxint", "tests", "bench")
    files = [path for folder in folders for kind in ("*.py", "*.js") for path in (ROOT / folder).rglob(kind)]
    ours = [path for path in files if path.parent != ROOT / "tests" / "docs"]
    return {word for path in ours for word in re.findall(r"\w+", path.read_text(encoding="utf-8"))}


def unknown(text: str, words: set[str]) -> set[str]:
    """Return the classes that a text names in code type and that are not among `words`."""
    return {name for code in _CODE.findall(text) for name in _CLASS.findall(code)} - words


@pytest.fixture(scope="module")
def sources() -> set[str]:
    """Return the words of the sources, read once."""
    return known()


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_a_class_that_a_page_names_exists(page: Path, sources: set[str]) -> None:
    """In the sources, in a program on the page, or, said above, in somebody else's."""
    shown = {word for block in blocks(page) for word in re.findall(r"\w+", block.code)}
    assert unknown(page.read_text(encoding="utf-8"), sources | shown | FOREIGN) == set()


def test_a_class_that_is_gone_is_found() -> None:
    """A name in code type that nothing bears is told; words of one part are not looked at."""
    assert unknown("A `PatientOutbox` and a `Request`, no PlainWord.", {"Request"}) == {"PatientOutbox"}


@pytest.mark.parametrize("page", [page for page in PAGES if placed(page)], ids=page_id)
def test_a_name_is_where_the_page_says(page: Path) -> None:
    """Each part of a dotted name is defined or set in the file that is linked behind it."""
    for name, file in placed(page):
        code = file.read_text(encoding="utf-8")
        for part in name.split("."):
            assert re.search(rf"(def|class) {part}\b|^{part}\b|self\.{part}\b", code, re.MULTILINE), (name, file.name)


def test_the_way_of_an_interruption_is_placed() -> None:
    """The page that follows an interruption through the code still names its places in a form that is checked."""
    [page] = [page for page in PAGES if page_id(page) == "docs/explanation/interruption.md"]
    assert {name for name, _ in placed(page)} >= {"_read", "_interrupt", "Registry.interrupt", "Request.interrupt"}
