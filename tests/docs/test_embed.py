"""The how-to for sites names what the element has: attributes, parts, colours; and its programs are whole."""

from __future__ import annotations

import re

from tests.docs.browser_page import EMBED, files
from tests.docs.javascript import EMBED as SOURCES
from tests.docs.javascript import properties
from tests.docs.pages import blocks
from tests.docs.twins import TWINS

ELEMENT = (SOURCES / "voxint-agent.js").read_text(encoding="utf-8")
STYLE = (SOURCES / "style.js").read_text(encoding="utf-8")


def column(title: str) -> list[str]:
    """Return the names in the first cells of the table with this title, in order."""
    _, _, rows = EMBED.read_text(encoding="utf-8").partition(f"| {title} | |\n|---|---|\n")
    cells = [row.split("|")[1] for row in rows.partition("\n\n")[0].splitlines()]
    return [name for cell in cells for name in re.findall(r"`([\w-]+)`", cell)]


def test_every_attribute_is_told() -> None:
    """Those that the element reads, and no other."""
    read = re.findall(r"""(?:getAttribute|hasAttribute|said)\("([\w-]+)"\)""", ELEMENT)
    assert sorted(column("attribute")) == sorted(set(read))


def test_every_part_is_told() -> None:
    """By the names that a page styles them by; a bubble's part is who said it."""
    made = set(re.findall(r"""make\("\w+", "(\w+)\"""", ELEMENT)) | {"person", "agent"}
    assert sorted(column("part")) == sorted(made)


def test_every_colour_is_told() -> None:
    """The custom properties that its style reads."""
    assert sorted(column("property")) == sorted(set(re.findall(r"var\((--voxint-\w+)", STYLE)))


def test_every_event_that_it_passes_on_is_one_of_the_agents() -> None:
    """And is told."""
    [passed] = re.findall(r"const TOLD = .*?\(\[(.*?)\]\)", ELEMENT)
    names = re.findall(r'"(\w+)"', passed)
    assert {*names} <= properties(SOURCES.parent / "client" / "voice-agent.js", "AgentEvents")
    [said] = re.findall(r"passes on its events (.*?),? with the same", EMBED.read_text(encoding="utf-8"))
    assert re.findall(r"`(\w+)`", said) == names


def test_both_languages_have_the_same_programs() -> None:
    """To the letter, comments too: one test runs them for both."""
    assert files(TWINS[EMBED]) == files(EMBED)
    assert sorted(files(EMBED)) == ["index.html", "own_site.mjs", "own_site.py"]
    assert [block.marker for block in blocks(EMBED) if block.marker in ("policy", "frame")] == ["policy", "frame"]
