"""The page of messages is what the sources say, and each message is a sentence that helps."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.docs.messages import PAGE, SECTIONS, SOURCES, Message, made_in, messages, page

EVERY = messages()


def said(source: str) -> list[str]:
    """Return what a file of the server would say that has this text."""
    return [each.text for each in made_in(SOURCES / "server" / "any.py", source)]


def test_the_page_is_up_to_date() -> None:
    """``python -m tests.docs.messages`` makes it anew."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_section_has_its_messages() -> None:
    """None is there for nothing, and the folders that talk to a user are all met."""
    assert {each.section for each in EVERY} == set(SECTIONS)
    folders = {each.source.split("/")[1] for each in EVERY}
    assert folders >= {"cli", "client", "core", "measure", "net", "protocol", "providers", "server"}


@pytest.mark.parametrize(
    ("source", "texts"),
    [
        ('raise ConfigError(str(path), "write a number")', ["{path}: write a number"]),
        ('raise WireError("SERVER_BUSY", f"has {most:,} calls")', ["SERVER_BUSY: has {most} calls"]),
        ('log.info("it began", session_id=1, **more)', ["it began (session_id, ...)"]),
        ('A = "the end of it"\nthing.close(1000, A)', ["1000: the end of it"]),
        ('def f():\n    m = "one thing" if x else "no such"\n    raise ValueError(m)', ["one thing", "no such"]),
        ('f(x="no message at all")\nraise ValueError(str(error))', []),
        ('raise UpstreamError("it is down; try again", operator_detail=f"{self.place} broke")',
         ["it is down; try again — {place} broke"]),
        ("raise HttpError(404, f\"no {', '.join(names)} here\")", ["404: no {names} here"]),
        ('raise TypeError(f"no {type(error).__name__} here")', ["no {kind} here"]),
    ],
)  # fmt: skip
def test_a_message_is_found_where_it_is_made(source: str, texts: list[str]) -> None:
    """With what is filled in by its name, and once for each way in which it can be said."""
    assert said(source) == texts


def glued(text: str) -> bool:
    """Return whether behind the place stands a thing, such as "a file in PEM", where a sentence belongs."""
    return re.search(r": (an?|the) [\w ]+(:|\(|$)(?! )", text) is not None and not re.search(
        r"\b(is|are|was|has|have|had|can't|must|may|wants|needs|takes|cannot|did|does|failed|comes|came)\b", text
    )


FOREIGN = re.compile(r"Expected `|Invalid enum|Object missing|Nursery|\[Errno|\bexpected a|unknown provider")


@pytest.mark.parametrize(
    ("fault", "wrong"),
    [
        ("words of a library", lambda each: FOREIGN.search(each.text)),
        ("a thing and no sentence", lambda each: each.section == "Configuration" and glued(each.text)),
        ("two sentences without a mark between", lambda each: re.search(r"[a-z_] [A-Z][a-z]+ [a-z]+", each.text)
         and not re.search(r"\b(Any|Close|REGISTER|Ctrl|Host|Accept|Transfer|Content)\b", each.text)),
        ("too long to be read in one breath", lambda each: each.section != "Providers" and len(each.text) > 200),
        ("a comma or a colon at its end", lambda each: each.text.rstrip().endswith((",", ":", ";"))),
        ("two spaces", lambda each: "  " in each.text),
    ],
    ids=lambda value: value.replace(" ", "-") if isinstance(value, str) else "",
)  # fmt: skip
def test_no_message_has(fault: str, wrong: Callable[[Message], object]) -> None:
    """What a machine can hear when the page is read aloud."""
    assert [f"{each.source}:{each.line} {each.text}" for each in EVERY if wrong(each)] == [], fault


@pytest.mark.parametrize("old", [
    "unknown provider; known here", "Any module:attribute does too", "is the path right, is it full",
    "Invalid enum value", "the server failed; its log says how", "REGISTER first)", "Expected `",
])  # fmt: skip
def test_what_did_not_help_is_said_no_more(old: str) -> None:
    """Each of these was met by somebody in the first hour."""
    assert [each.text for each in EVERY if old in each.text] == []
