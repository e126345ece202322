"""The pictures of the page are small, and each is shown somewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.pages import LINK, PAGES, ROOT

IMAGES = sorted((ROOT / "docs" / "images").iterdir())

MOST_BYTES = 200_000
"""Of one; ours: a reader on a phone waits for no more than a second."""


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.name)
def test_a_picture_is_small(image: Path) -> None:
    """It is WebP, which every browser shows, and `python -m tests.browser.pictures` writes."""
    content = image.read_bytes()
    assert (content[:4], content[8:12]) == (b"RIFF", b"WEBP")
    assert len(content) < MOST_BYTES


def test_every_picture_is_shown() -> None:
    """On a page of the documentation."""
    linked = {
        (page.parent / (first or second)).resolve()
        for page in PAGES
        for first, second in LINK.findall(page.read_text(encoding="utf-8"))
    }
    assert [image.name for image in IMAGES if image not in linked] == []
    assert IMAGES
