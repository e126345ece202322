"""The pages that are there in Chinese, too, and what a line of both has to share."""

from __future__ import annotations

import re
from pathlib import Path

from attrs import asdict, frozen

from tests.docs.pages import LINK, PAGES, anchors, prose

__all__ = ["TWINS", "Line", "differences", "in_chinese", "line_of", "lines", "without_comments"]

SUFFIX = ".zh-CN.md"

TWINS = {page: page.with_suffix(SUFFIX) for page in PAGES if page.with_suffix(SUFFIX) in PAGES}
"""The Chinese page of each English one that has one."""

PICTURES = (".svg", ".webp")

_BEGIN = re.compile(r"#+ (?:\d+\. )?|- |\d+\. |\|")
_CODE = re.compile(r"`([^`]+)`")
_CAPITALS = re.compile(r"(?<![A-Za-z])[A-Z][A-Z_]+")
_NUMBER = re.compile(r"−?\d+(?:[.,]\d+)*")
_STOP = re.compile(r"[。？！]|[.?!](?!\w)")
_COMMENT = re.compile(r"(^|\s)#.*$", re.MULTILINE)


@frozen
class Line:
    """What a line says in any language; the order of a sentence's parts is the language's own.

    Args:
        kind: A heading with its level and number, an item of a list, a row of a table with as many cells, or neither.
        sentences: How many it has.
        links: Where it leads.
        code: What it has in code type.
        names: What it has in capitals, such as ``INTERRUPT_ACK`` and ``JSON``, each once.
        numbers: Its figures.
        marks: The number of its signs of emphasis.
    """

    kind: str
    sentences: int
    links: list[str]
    code: list[str]
    names: set[str]
    numbers: list[str]
    marks: int


def line_of(text: str) -> Line:
    """Return what a line of a page says in any language."""
    words = _CODE.sub("", LINK.sub("]", text))
    begin = _BEGIN.match(text)
    kind = begin[0] if begin else ""
    return Line(
        kind="|" * text.count("|") if kind == "|" else kind or "prose" * bool(text),
        sentences=len(_STOP.findall(words.removeprefix(kind))),
        links=sorted(first or second for first, second in LINK.findall(text)),
        code=sorted(_CODE.findall(text)),
        names=set(_CAPITALS.findall(words)),
        numbers=sorted(_NUMBER.findall(words)),
        marks=words.count("*"),
    )


def differences(one: str, other: str) -> dict[str, tuple[object, object]]:
    """Return what two lines say differently, with what each says; empty where they agree."""
    said, also = asdict(line_of(one)), asdict(line_of(other))
    return {part: (said[part], also[part]) for part in said if said[part] != also[part]}


def lines(page: Path) -> list[str]:
    """Return the lines of a page's prose, without the one that leads to the other language."""
    return [line for line in prose(page).splitlines() if not re.match(r"\[(中文|English)\]", line)]


def in_chinese(text: str, page: Path) -> str:
    """Return a text of an English page with every Markdown link to a page or a picture that has a twin leading there.

    A link to a heading leads to the twin's heading in the same place.
    """

    def turned(match: re.Match[str]) -> str:
        path, mark, anchor = (match[1] or match[2]).partition("#")
        target = (page.parent / path).resolve() if path else page
        if match[1] and target.suffix in PICTURES and target.with_suffix(f".zh-CN{target.suffix}").exists():
            return f"]({path.removesuffix(target.suffix)}.zh-CN{target.suffix})"
        if match[2] or target not in TWINS:
            return match[0]
        places = dict(zip(anchors(target), anchors(TWINS[target]), strict=True))
        file = path.removesuffix(".md") + SUFFIX if path else ""
        return f"]({file}{mark}{places[anchor] if anchor else ''})"

    return LINK.sub(turned, text)


def without_comments(code: str) -> str:
    """Return code with nothing in its comments, which are in the page's language; their places stay."""
    return _COMMENT.sub(r"\1#", code)
