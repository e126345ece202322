"""The house rules that a machine can check in what a browser loads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from voxint.server.web_files import front_page, web_files

ROOT = Path(__file__).parents[2]
FOLDERS = (ROOT / "voxint" / "web", ROOT / "tests" / "web")
SCRIPTS = sorted(path for folder in FOLDERS for path in folder.rglob("*.js"))
LOADED = sorted(path for path in FOLDERS[0].rglob("*") if path.suffix in (".js", ".css", ".html", ".svg"))

LONGEST_FILE = 399
LONGEST_LINE = 120

MOST_BYTES = 150_000
"""Of all files together that the page loads."""

OUTSIDE = re.compile(r"""(?:(?:https?|wss?):)//[^\s"'`)<>]*|(?<=["'(])//\w[^\s"'`)<>]*""")
"""An address with a name of its own, also one that takes the page's scheme."""

OURS = re.compile(
    r"""(?:(?:http|ws)s?:)?//(?:$|\$\{|localhost\b|127\.0\.0\.1\b|\[::1\]|(?:[\w-]+\.)*example\b|HOST\b|ws/agent)"""
)
"""What is made of parts, is this machine, or stands for somebody's in an explanation."""

NAMES = ("http://www.w3.org/2000/svg",)
"""Addresses that are names, and that nobody goes to."""

FORBIDDEN = re.compile(
    r"\b(?:innerHTML|outerHTML|insertAdjacentHTML|TODO|FIXME)\b|document\.write|\beval\(|new Function\(|@ts-ignore"
)


def name_of(path: Path) -> str:
    """Return a file's path in the repository."""
    return path.relative_to(ROOT).as_posix()


def outside(text: str) -> list[str]:
    """Return the addresses in a text that lead somewhere else."""
    return [each for each in OUTSIDE.findall(text) if each not in NAMES and not OURS.match(each)]


@pytest.mark.parametrize("path", SCRIPTS, ids=name_of)
def test_a_script_has_one_subject(path: Path) -> None:
    """It ends before 400 lines, and a line can be read."""
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= LONGEST_FILE
    assert [number for number, line in enumerate(lines, 1) if len(line) > LONGEST_LINE] == []


@pytest.mark.parametrize("path", SCRIPTS, ids=name_of)
def test_no_script_makes_code_of_text(path: Path) -> None:
    """What somebody said is text and stays text; and nothing is left for later, or hidden from the type checker."""
    assert FORBIDDEN.findall(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", LOADED, ids=name_of)
def test_nothing_is_loaded_from_elsewhere(path: Path) -> None:
    """No address leads away from the server."""
    assert outside(path.read_text(encoding="utf-8")) == []


def test_the_page_is_small() -> None:
    """All its files and the client's as they travel, packed; the detector is loaded only where one is needed."""
    loaded = {
        path: len(file.packed)
        for path, file in web_files().items()
        if path.startswith(("/web/client/", "/web/page/")) and "/detector." not in path
    }
    assert loaded
    assert sum(loaded.values()) + len(front_page().packed) < MOST_BYTES


@pytest.mark.parametrize(("text", "found"), [
    ('import "https://cdn.museum.org/a.js"', ["https://cdn.museum.org/a.js"]),
    ('<script src="//cdn.museum.org/a.js">', ["//cdn.museum.org/a.js"]),
    ("url(http://museum.org/a.png)", ["http://museum.org/a.png"]),
    ('new WebSocket("wss://museum.org/ws")', ["wss://museum.org/ws"]),
    ("// a comment", []),
    ('createElementNS("http://www.w3.org/2000/svg", "g")', []),
    ("/** such as wss://voice.example/ws/agent/stream */", []),
    ("`ws://${host}/ws/agent/stream`", []),
    ("write wss://HOST/ws/agent/stream", []),
    ('replace("http://", "ws://")', []),
    ('fetch("http://127.0.0.1:8765/")', []),
])  # fmt: skip
def test_an_address_is_told_from_other_text(text: str, found: list[str]) -> None:
    """Those that lead away, and no comment, name or example."""
    assert outside(text) == found
