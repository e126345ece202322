"""The how-to for web pages: its page, its programs, and the pieces of code that stand between."""

from __future__ import annotations

from pathlib import Path

from tests.docs.pages import ROOT, blocks

__all__ = ["EMBED", "KINDS", "LOCAL", "PAGE", "files", "pieces"]

PAGE = ROOT / "docs" / "howto" / "browser.md"
EMBED = ROOT / "docs" / "howto" / "embed.md"

LOCAL = "http://127.0.0.1:8765"
"""The server, as the pages have it; the WebSocket's address is its, too."""

KINDS = ("file: ", "with agent: ", "with client: ", "with token: ")
"""Marks of code: a whole file, and what runs in the page, in Node and in Node on a server with a key."""


def files(page: Path) -> dict[str, str]:
    """Return the whole files of a page, by name."""
    return _marked(page, "file: ")


def pieces(page: Path, kind: str) -> dict[str, str]:
    """Return the pieces of code of a kind, by name, in order."""
    return _marked(page, f"with {kind}: ")


def _marked(page: Path, mark: str) -> dict[str, str]:
    found = [block for block in blocks(page) if block.marker.startswith(mark)]
    return {block.marker.removeprefix(mark): block.code for block in found}
