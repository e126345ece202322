"""Abbreviations, names, addresses and signs, as a reader says them."""

from __future__ import annotations

import pytest

from voxint.normalize import normalize


def said(text: str) -> str:
    """Return all that is said for a text."""
    return "".join(span.spoken for span in normalize(text, "en"))


WORDS = [
    ("Dr. Smith, Mr. Jones", "Doctor Smith, Mister Jones"),
    ("They met on Oak Dr. today.", "They met on Oak Drive today."),
    ("Elm St. near St. Paul", "Elm Street near Saint Paul"),
    ("221B Baker St., London", "two twenty-one B Baker Street, London"),
    ("Mr. & Mrs. Lee, Jr.", "Mister and Missus Lee, Junior."),
    ("Gen. Lee and Prof. X", "General Lee and Professor X"),
    ("fruit, e.g. apples, i.e. these", "fruit, for example apples, that is these"),
    ("e.g this, at 7 a.m", "for example this, at seven a.m."),
    ("apples, etc. But pears", "apples, et cetera. But pears"),
    ("A vs. B", "A versus B"),
    ("approx. 5", "approximately five"),
    ("No. 5. No. I don't.", "number five. No. I don't."),
    ("p. 5, pp. 5–7, Fig. 3, Vol. 2", "page five, pages five to seven, figure three, volume two"),
    ("the U.S. and a Ph.D. at 7 a.m.", "the U.S. and a Ph.D. at seven a.m."),
    ("a PhD in JSON", "a Ph.D. in Jason"),
    ("w/ cheese, w/o onions", "with cheese, without onions"),
    ("Henry VIII and Louis XIV", "Henry the eighth and Louis the fourteenth"),
    ("Henry I of England", "Henry the first of England"),
    ("Chapter IV, World War II", "Chapter four, World War two"),
    ("Mary I think, Part I like", "Mary I think, Part I like"),
    ("I mix vim", "I mix vim"),
    ("NASA, HTTP and the FBI", "NASA, HTTP and the FBI"),
    ("J. R. R. Tolkien", "J. R. R. Tolkien"),
    ("a café", "a cafe"),
    ("Elm Ave and Ave Maria", "Elm Avenue and Ave Maria"),
    ("Press # to end or * to go back, # of items", "Press pound to end or star to go back, of items"),
    ('the "#" key', 'the "pound" key'),
]

NAMES = [
    ("GPT-4 and GPT-3.5", "GPT four and GPT three point five"),
    ("GPT-4o, Llama-3.1-8B", "GPT four O, Llama three point one eight B"),
    ("iPhone 15", "iPhone fifteen"),
    ("A4 paper", "ay four paper"),
    ("B2B, H2O, H₂O", "B two B, H two O, H two O"),
    ("COVID-19, MP3, UTF-8, utf-8", "COVID nineteen, MP three, UTF eight, UTF eight"),
    ("4K, 5G, 3D, 1080p", "four K, five G, three D, ten eighty P"),
    ("RTX4090, A320, F-16", "RTX forty ninety, ay three twenty, F sixteen"),
    ("C++ and C#", "C plus plus and C sharp"),
    ("R&D, Q&A", "R and D, Q and ay"),
    ("main.py, Node.js, os.path", "main dot PY, Node dot JS, os dot path"),
    ("README.md", "read me dot MD"),
    ("The end.Start again", "The end.Start again"),
]

ADDRESSES = [
    ("john.doe@example.com", "john dot doe at example dot com"),
    ("mail a_b+c9@mail.example.co.uk.", "mail ay underscore B plus C nine at mail dot example dot co dot UK."),
    ("https://example.com/path?x=1", "example dot com slash path"),
    ("(see www.example.org)", "(see example dot org)"),
    ("http://user:word@example.com:8080/", "example dot com colon eighty eighty"),
    ("https://example.com/" + "a" * 50 + " ok", "example dot com ok"),
    ("localhost:8765", "localhost colon eighty-seven sixty-five"),
    ("voxint.io, now", "voxint dot IO, now"),
    ("/usr/local/bin", "slash usr slash local slash bin"),
]

SIGNS = [
    ("A & B", "A and B"),
    ("2 + 2 = 4", "two plus two equals four"),
    ("6 ÷ 2 ≠ 4", "six divided by two not equal to four"),
    ("x <= 5, y >= 2", "x less than or equal to five, y greater than or equal to two"),
    ("~5 and ≈6", "about five and about six"),
    ("a -> b → c", "a to b to c"),
    ("© 2026", "copyright twenty twenty-six"),
    ("and/or, TCP/IP", "and or, TCP IP"),
    ("#ai and @john", "hashtag ai and at john"),
    ("18+", "eighteen plus"),
    ("wait - what -- yes", "wait — what — yes"),
    ("=====", ""),
    ("5π, πr²", "five pi, pi r squared"),
    ("this / that", "this — that"),
    ("user_name", "user name"),
    ("Good :-) job", "Good job"),
]

SILENT = ["🎉", "👍🏽", "👩‍👩‍👧", "🇩🇪", "\u200b", "\ufeff", "®"]

PLAIN = [
    "Hello, world! I'm well-known: yes.",
    '"Quoted" (and in parentheses); what… no?',
    "Zürich, naïveté and 你好",
    "Don't stop — it's rock 'n' roll.",
]


@pytest.mark.parametrize(("written", "spoken"), WORDS + NAMES + ADDRESSES + SIGNS)
def test_what_is_no_plain_word_is_said_as_people_say_it(written: str, spoken: str) -> None:
    """As an American reads it aloud."""
    assert said(written) == spoken


@pytest.mark.parametrize("written", SILENT)
def test_pictures_are_silent(written: str) -> None:
    """And the words beside them stay apart."""
    assert said(f"Great {written} work") == "Great work"
    assert said(f"Great{written}work") == "Great work"


@pytest.mark.parametrize("text", PLAIN)
def test_plain_text_stays(text: str) -> None:
    """Every word is a span of its own, said as it is written."""
    spans = normalize(text, "en")
    assert [span.written for span in spans] == [span.spoken for span in spans]
    assert len(spans) >= len(text.split())


def test_a_span_is_a_word_or_an_amount_with_its_space() -> None:
    """That which is said as one is one."""
    spans = normalize("Pay $19.99 at 10:30 a.m. or 5 km away, Dr. Who.", "en")
    assert [span.written for span in spans] == [
        *("Pay ", "$19.99 ", "at ", "10:30 a.m. ", "or ", "5 km ", "away, ", "Dr. ", "Who."),
    ]
    assert spans[1].spoken == "nineteen dollars and ninety-nine cents "
