"""A provider's words, as its operator reads them."""

from __future__ import annotations

import base64
import random
import string
from collections.abc import Callable
from typing import SupportsIndex
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxint.providers._openai_secrets import Secrets, View
from voxint.providers._openai_words import (
    ECHO_CHARS,
    LEAST_BYTES,
    LOOKED_AT_CHARS,
    MOST_NEAR,
    SAID_CHARS,
    TURN_CHARS,
    Echoes,
    shown,
)

NONE = Secrets(())
KEY = "Xq-7fT_kw2.Lp0Zr9vB4nM"


def percent(text: str) -> str:
    """Return a text with each byte percent-encoded."""
    return "".join(f"%{byte:02x}" for byte in text.encode())


def b64(before: int) -> Callable[[str], str]:
    """Return what encodes a text with so many bytes before it, and some behind it."""
    return lambda text: base64.b64encode(b"Basic u:"[:before] + text.encode() + b":z").decode()


FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "upper case": str.upper,
    "lower case": str.lower,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 behind one byte": b64(1),
    "base64 behind two bytes": b64(2),
    "base64 behind three bytes": b64(3),
    "base64 for urls, without padding": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "percent-encoded": percent,
    "percent-encoded twice": lambda text: quote(percent(text)),
    "percent-encoded where it has to be": lambda text: quote(text, safe="").replace("-", "%2D").replace(".", "%2E"),
    "hex": lambda text: text.encode().hex(),
    "hex with colons": lambda text: text.encode().hex(":").upper(),
    "escapes of JSON": lambda text: "".join(f"\\u{ord(char):04x}" for char in text),
    "escapes of JSON in JSON": lambda text: "".join(f"\\\\u{ord(char):04x}" for char in text),
    "escapes of Python": lambda text: "".join(f"\\x{ord(char):02x}" for char in text),
    "entities": lambda text: "".join(f"&#{ord(char)};" for char in text),
}

SPLITS: dict[str, Callable[[str], str]] = {
    "whole": str,
    "spaced": " ".join,
    "lines": lambda text: "\r\n\t".join((text[:5], text[5:11], text[11:])),
    "marks": lambda text: "... [".join((text[:4], text[4:9], text[9:])),
    "quotes": lambda text: '" + "'.join((text[:9], text[9:])),
}


def bare(text: str) -> str:
    """Return the letters and digits of a text, in lower case."""
    return "".join(char for char in text.lower() if char.isalnum())


@pytest.mark.parametrize("split", list(SPLITS))
@pytest.mark.parametrize("form", list(FORMS))
def test_a_key_is_found_in_every_form(form: str, split: str) -> None:
    """Nothing of it is left but what may be shown of any key: a few of its letters at the edges."""
    written = SPLITS[split](FORMS[form](KEY))
    words = shown(f"I refuse the thing {written} that came", Secrets((KEY,)), ())
    assert words.startswith("I refuse the thing ***" if split == "whole" else "I refuse the thing ")
    assert words.endswith("that came")
    left = bare(words.removeprefix("I refuse the thing ").removesuffix(" that came"))
    assert not any(left[at : at + 8] in bare(written) for at in range(len(left) - 7))


@given(
    st.text(string.ascii_letters + string.digits + "-_.~", min_size=8, max_size=60),
    st.sampled_from(sorted(FORMS)),
    st.text(max_size=40),
    st.text(max_size=40),
)
def test_any_key_is_found(key: str, form: str, before: str, behind: str) -> None:
    """Whatever stands round it, its whole is not to be read."""
    written = FORMS[form](key)
    words = shown(f"{before} {written} {behind}", Secrets((key,)), ())
    if len(bare(key)) >= 8 or form == "as it is":
        assert written not in words or written in f"{before} {behind}"


def test_a_capital_of_two_letters_hides_no_key() -> None:
    """Some letters are two when they are made small, and all places behind them would be others."""
    assert "Lp0Zr9" not in shown(f"{chr(0x130) * 30} {KEY.upper()}", Secrets((KEY,)), ()).lower()


def test_a_password_of_basic_authentication_is_a_secret() -> None:
    """It was sent in base64, and comes back as it is."""
    sent = base64.b64encode(b"me:correct horse").decode()
    assert shown("no user with correct horse here", Secrets(("Basic", sent)), ()) == "no user with *** here"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("see https://me:pa55@host.example/v1/x", "see https://***@host.example/v1/x"),
        ("see redis://:pa55@host", "see redis://***@host"),
        ("GET /v1/chat?key=abcd1234&x=1", "GET /v1/chat?key=***&x=1"),
        ("https://h/?api-version=1&sig=a%2Bb%3D", "https://h/?api-version=1&sig=***"),
        ("https://h/?access_token=abcd;x", "https://h/?access_token=***;x"),
        ("X-Amz-Signature=deadbeef and so on", "X-Amz-Signature=*** and so on"),
        ("Authorization: Bearer abcdefgh.ijkl", "Authorization: ***"),
        ("authorization='Basic dTpw'", "authorization='***'"),
        ("header Bearer abcdefgh12 was bad", "header Bearer *** was bad"),
        ('{"api_key": "hunter2hunter2"}', '{"api_key": "***"}'),
        ("no such key: sk-proj-abc123def", "no such key: ***"),
        ("bad ghp_abcdefghijkl", "bad ***"),
        ("bad AKIAIOSFODNN7EXAMPLE", "bad ***"),
        ("jwt eyJhbGciOiJIUzI1.eyJzdWIiOiIx.SflKxwRJ", "jwt ***"),
        ("id 9f86d081884c7d659a2feaa0c55ad015", "id ***"),
        ("id 3b241101-e2bb-4255-8caf-4136c566a962", "id ***"),
        ("no file /home/alice/models/a.bin here", "no file *** here"),
        ('File "/usr/lib/python3/x.py", line 3', 'File "***", line 3'),
        ("in C:\\Users\\alice\\x.py", "in ***"),
        ("in \\\\server\\share\\x", "in ***"),
        ("in ~/models/x and ~alice/y", "in *** and ***"),
        ("at file:///etc/passwd", "at ***"),
        ("at %2Fetc%2Fpasswd", "at ***"),
    ],
)
def test_what_looks_secret_is_blotted_out(said: str, words: str) -> None:
    """Keys of others, passwords, places on somebody's disk: as far as they can be told."""
    assert shown(said, NONE, ()) == words


@pytest.mark.parametrize(
    "said",
    [
        "The model meta-llama/Llama-3.3-70B-Instruct-Turbo does not exist",
        "model claude-3-5-sonnet-20241022 not found",
        "Not Found: POST /v1/chat/completions",
        "This model's maximum context length is 8192 tokens. However, you requested 10240 tokens.",
        "Rate limit reached for requests per min (RPM): Limit 3, Used 3. Please try again in 20s.",
        "invalid token: write a value, or true/false/null",
        "see https://platform.example.com/docs/guides/error-codes/api-errors.",
        "max_completion_tokens_and_reasoning_effort_are_exclusive",
    ],
)
def test_what_helps_the_operator_is_left(said: str) -> None:
    """Names of models, routes, numbers and advice."""
    assert shown(said, NONE, ()) == said


@given(st.text(max_size=3000), st.lists(st.text(max_size=40), max_size=3), st.lists(st.text(max_size=60), max_size=3))
def test_any_words_are_one_printable_line(said: str, secrets: list[str], texts: list[str]) -> None:
    """However odd they are, and bounded."""
    words = shown(said, Secrets(secrets), texts)
    assert len(words) <= SAID_CHARS
    assert words.isprintable()


@given(st.text("ab\u4e2d ", max_size=80), st.lists(st.text("ab\u4e2d ", max_size=60), max_size=4))
def test_no_run_of_the_turn_is_left(line: str, texts: list[str]) -> None:
    """What is shown shares no run of `ECHO_CHARS` with the turn, and is the line where it shares none."""
    words = shown(line, NONE, texts)
    runs = {
        text[at : at + ECHO_CHARS]
        for text in (" ".join(text.split()) for text in texts)
        for at in range(len(text) - ECHO_CHARS + 1)
    }
    assert not any(run in words for run in runs)
    line = " ".join(line.split())
    short = [" ".join(text.split()) for text in texts if len(" ".join(text.split()).encode()) >= LEAST_BYTES]
    if not any(run in line for run in (*runs, *(text for text in short if len(text) < ECHO_CHARS))):
        assert words == line


@given(st.integers(0, 40), st.integers(ECHO_CHARS, 60), st.integers(0, 20))
def test_an_echo_is_found_wherever_it_begins(begin: int, size: int, before: int) -> None:
    """Blocks are looked up at an eighth of all places; none is missed for that."""
    text = "".join(random.Random(begin).choices("abcdefghij ", k=120)).replace("  ", " k")
    echo = " ".join(text.split())[begin : begin + size].strip()
    assert len(echo) < ECHO_CHARS or shown("!" * before + echo + "?", NONE, [text]) == "!" * before + "***?"


class Counted(str):
    """A text that counts how many pieces of it are taken."""

    taken = 0

    def __getitem__(self, at: SupportsIndex | slice) -> str:
        Counted.taken += 1
        return super().__getitem__(at)


def pieces_taken(line: str, known: str) -> int:
    """Return how many pieces of either are taken to find what they share."""
    Counted.taken = 0
    Echoes(Counted(known), set()).found_in(View(Counted(line), tuple(range(len(line) + 1))))
    return Counted.taken


HARD: dict[str, tuple[str, Callable[[int], str]]] = {
    "periodic": ("abcdefgh" * 188, lambda size: "abcdefg" * 3 + "h" + "abcdefgh" * (size // 8)),
    "one letter": ("a" * 1500, lambda size: "a" * size),
    "near all over": (("a" * 15 + "b") * 94, lambda size: ("a" * 14 + "b") * (size // 15)),
    "another neighbour each time": (
        "a" * 1500,
        lambda size: "".join(f"{'a' * 16}{number:07}" for number in range(size // 23)),
    ),
}


@pytest.mark.parametrize("case", list(HARD))
def test_looking_for_an_echo_is_linear(case: str) -> None:
    """Twice the conversation is at most twice the work, and however near to it the words are, the work has a bound."""
    line, known = HARD[case]
    little, much = pieces_taken(line, known(TURN_CHARS // 2)), pieces_taken(line, known(TURN_CHARS))
    assert much <= 2 * little + 1000
    assert much <= TURN_CHARS // 4 + 8 * MOST_NEAR + 4 * len(line)


def test_words_too_like_the_conversation_are_held_back() -> None:
    """Rather than to look at each of thousands of places that might be one, or to show one."""
    text = "".join(f"{'a' * 12}{number:04}" for number in range(4000))
    assert "too like" in shown("a" * 900, NONE, [text])


def test_words_about_a_very_long_conversation_are_held_back() -> None:
    """What cannot be looked for within the bound is not shown."""
    assert "held back" in shown("it failed", NONE, ["word " * (TURN_CHARS // 5 + 1)])
    assert shown("it failed", NONE, ["word " * (TURN_CHARS // 5 - 1)]) == "it failed"
    assert shown("", NONE, ["word " * TURN_CHARS]) == ""


def test_a_key_at_the_edge_of_what_is_looked_at_is_known() -> None:
    """It is cut there, and what blots take away before it lets its beginning be shown."""
    said = "this was said before " * 100
    for shift in range(len(KEY) + 1):
        line = said[: LOOKED_AT_CHARS - 1 - shift] + KEY
        assert not any(KEY[:size] in shown(line, Secrets((KEY,)), [said]) for size in range(3, len(KEY)))
