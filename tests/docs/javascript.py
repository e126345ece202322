"""What the sources of the browser client say of themselves: their types, their events, their public members."""

from __future__ import annotations

import re
from pathlib import Path

from tests.docs.pages import ROOT

__all__ = ["CLIENT", "EMBED", "exports", "members", "properties", "words"]

CLIENT = ROOT / "voxint" / "web" / "client"
EMBED = ROOT / "voxint" / "web" / "embed"

_MEMBER = re.compile(r"^  (?:async )?(?:get |set )?(?P<name>[a-z]\w*)(?:\(.*\{| =.*)$", re.MULTILINE)
_SET = re.compile(r"\*/\n    this\.(?P<name>\w+) =")
"""A field that the constructor sets, and that has words of its own."""

_EXPORT = re.compile(r"^export \{ (?P<names>[^}]+) \}", re.MULTILINE)


def exports(index: Path) -> set[str]:
    """Return the names that a module hands on."""
    found = _EXPORT.findall(index.read_text(encoding="utf-8"))
    return {name.strip() for names in found for name in names.split(",")}


def members(module: Path) -> set[str]:
    """Return the public methods, properties and fields of a module's class, but for its constructor."""
    _, _, body = module.read_text(encoding="utf-8").partition("\nexport class ")
    body = body.partition("\n}\n")[0]
    return {match["name"] for each in (_MEMBER, _SET) for match in each.finditer(body)} - {"constructor"}


def properties(module: Path, typedef: str) -> set[str]:
    """Return the names of the properties of a type."""
    source = module.read_text(encoding="utf-8")
    found = re.search(rf"@typedef {{object}} {typedef}\b(.*?)(?=@typedef|\*/)", source, re.DOTALL)
    assert found is not None, f"{module.name} has no type {typedef}"
    names = set()
    for text in found[1].split("@property ")[1:]:
        behind = text[_closing(text) + 1 :]
        match = re.match(r"\s*\[?(\w+)", behind)
        assert match is not None, text
        names.add(match[1])
    return names


def words(module: Path, typedef: str) -> set[str]:
    """Return the words that a type is one of."""
    source = module.read_text(encoding="utf-8")
    found = re.search(rf"@typedef {{([^{{}}]*)}} {typedef}\b", source)
    assert found is not None, f"{module.name} has no type {typedef}"
    return set(re.findall(r'"(\w+)"', found[1]))


def _closing(text: str) -> int:
    """Return where the brace that a text begins with is closed."""
    depth = 0
    for at, each in enumerate(text):
        depth += (each == "{") - (each == "}")
        if depth == 0:
            return at
    raise AssertionError(text)
