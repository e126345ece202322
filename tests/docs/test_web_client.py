"""The reference of the browser client has what its sources have: no more, no less."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs.javascript import CLIENT, exports, members, properties, words
from tests.docs.pages import ROOT

PAGE = ROOT / "docs" / "reference" / "web-client.md"

_TABLE = re.compile(
    r"^<!-- (?P<kind>events|fields|words): (?P<type>\w+) in (?P<file>\S+) -->\n(?P<rows>(?:\|.*\n)+)", re.MULTILINE
)

READERS: dict[str, Callable[[Path, str], set[str]]] = {"events": properties, "fields": properties, "words": words}

CLASSES = {
    "VoiceAgent": "voice-agent.js",
    "WebSocketClient": "websocket-client.js",
    "MessageService": "message-service.js",
    "Player": "player.js",
    "Recorder": "recorder.js",
}

TABLES = list(_TABLE.finditer(PAGE.read_text(encoding="utf-8")))


def named(rows: str) -> list[str]:
    """Return the names that the first cells of a table have in code type."""
    cells = [row.split("|")[1] for row in rows.splitlines()[2:]]
    return [name for cell in cells for name in re.findall(r"`(\w+)[^`]*`", cell)]


def section(title: str) -> str:
    """Return what stands below a heading of the second level."""
    _, _, below = PAGE.read_text(encoding="utf-8").partition(f"\n## {title}\n")
    return below.partition("\n## ")[0]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: f"{table['type']}-{table['file']}")
def test_a_table_has_what_the_type_has(table: re.Match[str]) -> None:
    """Events, fields and words of the JSDoc, each once."""
    found = READERS[table["kind"]](CLIENT / table["file"], table["type"])
    assert sorted(named(table["rows"])) == sorted(found)


def test_every_type_that_a_page_is_written_against_has_a_table() -> None:
    """Options, settings, events, states, codes, acknowledgements, messages and records."""
    assert {(table["type"], table["file"]) for table in TABLES} == {
        ("OwnOptions", "voice-agent.js"),
        ("OwnOptions", "types.js"),
        ("Settings", "types.js"),
        ("AgentEvents", "voice-agent.js"),
        ("ClientEvents", "types.js"),
        ("MessageEvents", "types.js"),
        ("PlayerEvents", "player.js"),
        ("RecorderEvents", "recorder.js"),
        ("AgentState", "agent-state.js"),
        ("ErrorCode", "errors.js"),
        ("Ack", "types.js"),
        ("Message", "types.js"),
        ("InterruptionRecord", "interruption.js"),
    }


def test_every_exported_name_is_told() -> None:
    """In the first table."""
    [rows] = re.findall(r"^((?:\|.*\n)+)", section("What it exports"), re.MULTILINE)
    assert sorted(named(rows)) == sorted(exports(CLIENT / "index.js"))


@pytest.mark.parametrize("name", CLASSES)
def test_every_member_of_a_class_is_told(name: str) -> None:
    """Methods, properties and fields that are public, each in a row of its section."""
    tables = re.findall(r"^((?:\|.*\n)+)", section(name), re.MULTILINE)
    [rows] = [rows for rows in tables if rows.startswith("| member |")]
    assert sorted(named(rows)) == sorted(members(CLIENT / CLASSES[name]))


def test_every_instant_of_a_record_is_told() -> None:
    """In the order in which they are told where two are the same."""
    source = (CLIENT / "interruption.js").read_text(encoding="utf-8")
    [listed] = re.findall(r"export const MARKS = .*?\(\[(.*?)\]\)", source, re.DOTALL)
    text = PAGE.read_text(encoding="utf-8").partition("<!-- marks -->\n")[2]
    assert sorted(named(text.partition("\n\n")[0])) == sorted(re.findall(r'"(\w+)"', listed))


def test_the_states_of_the_microphone_and_of_a_message_are_told() -> None:
    """Each word that a page may meet."""
    text = PAGE.read_text(encoding="utf-8")
    for file, name in (("sound.js", "MicrophoneState"), ("types.js", "MessageStatus"), ("types.js", "ConnectionState")):
        for word in words(CLIENT / file, name):
            assert f"`{word}`" in text, f"{name} {word}"
