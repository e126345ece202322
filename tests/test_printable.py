"""What others wrote comes out of no printer raw: not of the log, not of the terminal."""

from __future__ import annotations

import json
import re
import unicodedata

import structlog
from hypothesis import example, given
from hypothesis import strategies as st
from structlog.testing import CapturingLogger

from voxint.logs import get_logger
from voxint.printable import (
    FIELD_CHARS,
    LINE_BYTES,
    printable,
    printable_event,
    printable_fields,
    printable_lines,
)

CLIPBOARD = "\x1b]52;c;cm0gLXJmIH4=\x07"
NASTY = [
    CLIPBOARD,
    "\x1b]0;title\x07",
    "\x9b31m\x9d52;c;eA==\x9c",
    "one\u2028two\u2029three\x85four\x0bfive\x0csix",
    "\u202egnp.exe\u202c \u2066x\u2069 \u200e\u200f\u061c",
    "\ud800 lone \udfff",
    "a\rb\nc\td\x00e\x7f",
    "\U000e0048\U000e0069\ufeff\u200b",
]

CONTROLS = {*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029}
BIDI = {0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}


def forbidden(text: str, *, but: str = "") -> set[str]:
    """Return what of a text no terminal may get."""
    return {
        char
        for char in text
        if (ord(char) in CONTROLS | BIDI or unicodedata.category(char) == "Cs") and char not in but
    }


# Mostly what does harm: any text by itself would seldom hold two controls.
TEXTS = st.one_of(
    st.text(st.one_of(st.sampled_from("".join(NASTY)), st.characters(codec=None, categories=None)), max_size=60),
    st.sampled_from(NASTY),
)
FIELDS = st.recursive(
    st.one_of(TEXTS, st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4), st.tuples(inner, inner)
    ),
    max_leaves=20,
)


@given(TEXTS)
def test_one_line_is_one_line_of_harmless_characters(text: str) -> None:
    """Any encoding that can say what is left takes it; what was harmless is as it was, and twice is once."""
    shown = printable(text)
    assert forbidden(shown) == set()
    assert len(shown.splitlines()) <= 1
    shown.encode()
    assert printable(shown) == shown
    if text.isprintable():
        assert shown == text


@given(TEXTS)
def test_lines_keep_their_line_feeds_and_tabs(text: str) -> None:
    """And nothing else of what a terminal obeys."""
    shown = printable_lines(text)
    assert forbidden(shown, but="\n\t") == set()
    assert shown.count("\n") == text.count("\n")
    assert shown.count("\t") == text.count("\t")


@given(st.lists(TEXTS, max_size=6))
@example(["\x1b", "]52;c;eA==", "\x07"])
def test_a_sequence_in_pieces_gets_no_further_than_a_whole_one(pieces: list[str]) -> None:
    """Each character is judged alone, so that it does not matter how a stream was cut."""
    assert "".join(map(printable_lines, pieces)) == printable_lines("".join(pieces))


def test_what_languages_need_is_left() -> None:
    """Chinese, Persian with its joiners, emoji of several characters, Hebrew."""
    for text in ("你好，世界", "می\u200cخواهم", "👩\u200d👩\u200d👧", "שלום", "naïve café", "C:\\new"):
        assert printable(text) == text


def test_how_it_is_spelt() -> None:
    """As Python would in a literal, so that an operator sees what came."""
    assert printable("a\x1b]0;\x9b\u202e\n\ud800") == "a\\x1b]0;\\x9b\\u202e\\n\\ud800"


def rendered(renderer: structlog.typing.Processor, fields: dict[str, object], event: str = "event") -> str:
    """Return the line that a renderer makes of fields, as `configure_logs` chains it."""
    line = {"timestamp": "12:00:00", "level": "info", **fields, "event": event}
    return str(renderer(None, "info", printable_event(None, "info", line)))


JSON = structlog.processors.JSONRenderer(ensure_ascii=False)
CONSOLE = structlog.dev.ConsoleRenderer(colors=False, sort_keys=False, pad_event_to=18)
COLOURED = structlog.dev.ConsoleRenderer(colors=True, sort_keys=False, pad_event_to=18)


@given(st.dictionaries(TEXTS, FIELDS, max_size=5), TEXTS)
def test_no_line_of_the_log_commands_a_terminal(fields: dict[str, object], event: str) -> None:
    """As JSON, which `tail -f` shows in one, and in colours of our own; each line is one, and within its bound."""
    for renderer in (JSON, CONSOLE):
        line = rendered(renderer, fields, event)
        assert forbidden(line) == set()
        assert len(line.encode()) <= LINE_BYTES
        assert len(line.splitlines()) == 1
    assert json.loads(rendered(JSON, fields, event))["event"] == printable(event)
    colours = re.compile(r"\x1b\[\d+m")
    assert forbidden(colours.sub("", rendered(COLOURED, fields, event))) == set()


@given(TEXTS)
def test_no_text_adds_a_colour_to_the_log(text: str) -> None:
    """The escape sequences of a line are those of the same line with a harmless text."""
    escapes = re.compile(r"\x1b[^m]*m?")
    assert escapes.findall(rendered(COLOURED, {"a": text}, text)) == escapes.findall(
        rendered(COLOURED, {"a": "x"}, "x")
    )


@given(
    st.lists(st.sampled_from(["x", "'", '"', "\\", "\x1b", "语", "😀"]), min_size=1).map("".join),
    st.integers(1, 3_000),
    st.integers(1, 40),
)
def test_a_line_has_a_bound_whatever_is_in_it(text: str, times: int, fields: int) -> None:
    """Long fields are cut, and then fields left out; the line still says when, how bad and what."""
    line: dict[str, object] = {f"field{number}": text * times for number in range(fields)}
    line["nested"] = {"many": [text * times] * 50}
    for renderer in (JSON, CONSOLE):
        assert len(rendered(renderer, line).encode()) <= LINE_BYTES
    kept = json.loads(rendered(JSON, line))
    assert (kept["timestamp"], kept["level"], kept["event"]) == ("12:00:00", "info", "event")
    assert all(len(value) <= FIELD_CHARS for name, value in kept.items() if name != "nested")


def test_a_cut_says_so() -> None:
    """By an ellipsis at its end."""
    assert printable_fields({"a": "x" * 5_000})["a"] == "x" * (FIELD_CHARS - 1) + "…"


class _Rude:
    def __repr__(self) -> str:
        return CLIPBOARD


class _Broken:
    def __repr__(self) -> str:
        raise ValueError("persimmon")


def test_objects_are_told_by_their_repr_made_printable() -> None:
    """One whose repr fails by its type; a number of a million digits by its size; what is too deep not at all."""
    deep: list[object] = []
    deep.append(deep)
    told = printable_fields(
        {"rude": _Rude(), "bytes": b"\x1b", "broken": _Broken(), "big": 1 << 4_000_000, "deep": deep}
    )
    assert told["rude"] == printable(CLIPBOARD)
    assert told["bytes"] == "b'\\x1b'"
    assert told["broken"] == "a _Broken whose repr raises ValueError"
    assert told["big"] == "an integer of 4000001 bits"
    assert "…" in str(told["deep"])


def test_an_embedding_programs_log_gets_it_printable_too() -> None:
    """Whatever its own configuration is, our lines are harmless."""
    wrote = CapturingLogger()
    structlog.configure(processors=[CONSOLE], logger_factory=lambda *_: wrote)
    try:
        get_logger().warning(f"event {CLIPBOARD}", path=CLIPBOARD)
    finally:
        structlog.reset_defaults()
    [call] = wrote.calls
    assert forbidden(str(call.args[0])) == set()


def test_the_test_can_fail() -> None:
    """Without the processor the renderers let it all through."""
    assert forbidden(str(CONSOLE(None, "info", {"event": CLIPBOARD}))) == {"\x1b", "\x07"}
    assert forbidden(str(JSON(None, "info", {"event": "\u2028\x9b"}))) == {"\u2028", "\x9b"}
