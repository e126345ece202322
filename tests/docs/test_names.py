"""The names that the documentation places in a file are in that file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, page_id

_PLACED = re.compile(r"`([A-Za-z_][\w.]*)` (?:in |\()\[[^\]]+\]\(([^)#]+\.py)\)")


def placed(page: Path) -> list[tuple[str, Path]]:
    """Return the names with the file each is said to be in, as in: `name` in [file](file) or `name` ([file](file))."""
    found = _PLACED.findall(page.read_text(encoding="utf-8"))
    return [(name, (page.parent / path).resolve()) for name, path in found]


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
