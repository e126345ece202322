"""The documentation's links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.docs.pages import LINK, PAGES, ROOT, anchors, page_id, prose


def broken_links(page: Path) -> list[str]:
    """Return the relative links of a page that lead nowhere."""
    broken = []
    for link in (first or second for first, second in LINK.findall(prose(page))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    return broken


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_relative_links_resolve(page: Path) -> None:
    """Every link to a file of the repository finds it, and a link to a heading finds the heading."""
    assert broken_links(page) == []


def test_every_page_is_in_the_index() -> None:
    """docs/README.md leads to each page of the documentation."""
    index = ROOT / "docs" / "README.md"
    linked = {(index.parent / first).resolve() for first, _ in LINK.findall(index.read_text(encoding="utf-8")) if first}
    pages = {page for page in PAGES if page.parent != ROOT} - {index}
    assert {page_id(page) for page in pages - linked} == set()


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    """A link to a missing file and one to a missing heading are told; a good one and a foreign one are not."""
    page = tmp_path / "page.md"
    page.write_text("# A heading, here\n[a](gone.md) [b](#nowhere) [c](#a-heading-here) [d](https://example.org/)\n")
    assert broken_links(page) == ["gone.md", "#nowhere"]
