"""The picture and its Chinese twin."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from tests.docs.pages import ROOT

FOLDER = ROOT / "docs" / "explanation"


def drawing(picture: Path) -> list[tuple[str, dict[str, str]]]:
    """Return every element with its attributes, in order, without the words."""
    return [(element.tag, dict(element.attrib)) for element in ElementTree.parse(picture).iter()]


def test_the_pictures_differ_in_words_alone() -> None:
    """Both languages show the same drawing."""
    assert drawing(FOLDER / "interruption.svg") == drawing(FOLDER / "interruption.zh-CN.svg")


def test_the_picture_shows_the_same_figures() -> None:
    """The receipt drawn in both pictures has the same numbers."""
    figures = [
        re.findall(r'class="code"[^>]*>([^<]+)<', (FOLDER / name).read_text(encoding="utf-8"))
        for name in ("interruption.svg", "interruption.zh-CN.svg")
    ]
    assert figures[0] == figures[1]
    assert figures[0]
