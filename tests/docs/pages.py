"""The documentation's pages: their code blocks, their prose and their headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

__all__ = ["LINK", "PAGES", "ROOT", "Block", "anchors", "blocks", "page_id", "prose"]

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])

_FENCE = re.compile(
    r"^(?:<!-- (?P<marker>[^\n]+?) -->\n)?```(?P<language>\w*)[^\n]*\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL
)
_HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)

LINK = re.compile(r"\]\(([^)\s]+)\)|\b(?:src|srcset|href)=\"([^\"]+)\"")
"""A link in Markdown, or one in HTML."""


@frozen
class Block:
    """A fenced block.

    Args:
        marker: The text of the HTML comment on the line before it; empty where there is none.
        language: Such as ``python``.
        code: What stands inside.
    """

    marker: str
    language: str
    code: str


def blocks(page: Path) -> Iterator[Block]:
    """Yield the fenced blocks of a page, in order."""
    for match in _FENCE.finditer(page.read_text(encoding="utf-8")):
        yield Block(match["marker"] or "", match["language"], match["code"])


def prose(page: Path) -> str:
    """Return a page without its fenced blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> list[str]:
    """Return the anchors of a page's headings, as GitHub makes them, in order."""
    headings = _HEADING.findall(prose(page))
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


def page_id(page: Path) -> str:
    """Return a page's name for a test's id."""
    return str(page.relative_to(ROOT))
