from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable, Mapping
from typing import Any, Literal

import attrs
import numpy as np
import pytest
from attrs import Factory, evolve, field, frozen, validators

import voxint
from voxint import Agent, AudioFormat, Exchange, Limits, Settings, Tool
from voxint.arguments import a, not_negative, typed, typed_arguments, typed_fields, with_words
from voxint.testing.stages import ScriptedModel

CANARY = "persimmon"


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("x", str),
        (np.str_("x"), str),
        (3, int),
        (np.int64(3), int),
        (3, float),
        (np.float32(3), float),
        (True, bool),
        (None, str | None),
        ("WEB", Literal["WEB", "APP"]),
        (("x", "y"), tuple[str, ...]),
        ({"x": 1}, Mapping[str, object]),
        (["x"], Iterable[str]),
        (print, Callable[[str], None] | None),
        (AudioFormat(), AudioFormat),
        (object(), object),
    ],
)
def test_what_fits_passes(value: object, kind: object) -> None:
    """Numbers and texts of other libraries are numbers and texts."""
    typed(value, kind, "it")


@pytest.mark.parametrize(
    ("value", "kind", "sentence"),
    [
        (CANARY.encode(), str, "it must be a str, not bytes: decode it"),
        (None, str, "it must be a str, not None"),
        (True, int, "it must be a whole number, not a bool"),
        (CANARY, float, "it must be a number, not a str"),
        (1, bool, "it must be True or False, not an int"),
        ({}, Settings, "it must be a Settings, not a dict: write Settings(...)"),
        (None, Settings, "it must be a Settings, not None"),
        (Settings, Settings, "it must be a Settings, not the class Settings: give an instance, Settings(...)"),
        (16_000, AudioFormat | None, "it must be an AudioFormat or None, not an int: write AudioFormat(...)"),
        (CANARY, tuple[str, ...], "it must be a tuple of str, not a str: a single one is written (...,)"),
        ((CANARY, 1), tuple[str, ...], "it must be a tuple of str, not a tuple with an int in it"),
        (Tool("f"), Iterable[Tool], "it must be a list or tuple of Tool, not a Tool: a single one is written (...,)"),
        ([], Mapping[str, object], "it must be a mapping, not a list"),
        ({CANARY: 1}, Mapping[str, str], "it must be a mapping of strings, not a dict with an int in it"),
        ({1: CANARY}, Mapping[str, str], "it must be a mapping of strings, not a dict with an int in it"),
        (3, Callable[[], None], "it must be a function, not an int"),
        (3, Literal["WEB", "APP"], "it must be one of WEB, APP, not an int"),
        ([b""], bytes | AsyncIterable[bytes], "it must be bytes or an AsyncIterable, not a list"),
    ],
)
def test_what_does_not_fit_is_told_in_a_sentence(value: object, kind: object, sentence: str) -> None:
    """It says what belongs there, what was given, and what was probably meant; nothing of the value."""
    with pytest.raises(TypeError) as raised:
        typed(value, kind, "it")
    assert str(raised.value) == sentence
    assert CANARY not in str(raised.value)


def test_a_string_that_is_not_known_is_a_wrong_value() -> None:
    """Its type is right; it is not quoted, since nobody knows what it is."""
    with pytest.raises(ValueError, match="it must be one of WEB, APP, and is another string") as raised:
        typed(CANARY, Literal["WEB", "APP"], "it")
    assert CANARY not in str(raised.value)


def test_a_remedy_of_the_callers_stands_behind_the_types() -> None:
    """Where what is to be done does not follow from them."""
    with pytest.raises(TypeError, match=r"^audio must be bytes, not a str: PCM, 16 bits a sample$"):
        typed("", bytes, "audio", "PCM, 16 bits a sample")


@pytest.mark.parametrize("empty", ["", "  \n"])
def test_a_text_without_a_word_is_refused(empty: str) -> None:
    """There is nothing to ask."""
    with_words("Hello?", "text")
    with pytest.raises(ValueError, match=r"^text is empty: there is nothing to ask$"):
        with_words(empty, "text")


@pytest.mark.parametrize(("wrong", "kind"), [(-1, ValueError), (float("nan"), ValueError), ("1", TypeError)])
def test_nobody_has_heard_less_than_nothing(wrong: object, kind: type[Exception]) -> None:
    """A number that is none is refused as well."""
    not_negative(0, "played_ms")
    with pytest.raises(kind, match=r"^played_ms "):
        not_negative(wrong, "played_ms")


@frozen(field_transformer=typed_fields)
class Judged:
    """Every kind of field."""

    words: str
    count: int = field(default=1, validator=validators.ge(1))
    tags: tuple[str, ...] = ()
    length: int = field(init=False, default=Factory(lambda self: len(self.words), takes_self=True))


def test_fields_are_judged_before_anything_is_made_of_them() -> None:
    """Also before a validator, or a default that is reckoned from another field, fails in words of its own."""
    assert Judged("word").length == 4
    with pytest.raises(TypeError, match=r"^Judged.words must be a str, not None$"):
        Judged(None)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(TypeError, match=r"^Judged.count must be a whole number, not a str$"):
        Judged("word", count="1")  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(ValueError, match="'count' must be >= 1"):
        Judged("word", count=0)
    with pytest.raises(TypeError, match=r"^Judged.words must be a str, not bytes"):
        evolve(Judged("word"), words=b"word")  # type: ignore[arg-type]  # wrong on purpose


def test_a_list_does_for_a_tuple() -> None:
    """It becomes one, so that what is frozen stays as it is."""
    given = ["one", "two"]
    judged = Judged("word", tags=given)  # type: ignore[arg-type]  # what people write
    given.clear()
    assert judged.tags == ("one", "two")


@typed_arguments
def plain(text: str, *tags: str, count: int = 1, **options: object) -> str:
    """A function."""
    return text * count


@typed_arguments
async def waits(text: str) -> str:
    """A coroutine function."""
    return text


async def test_arguments_are_judged_by_their_annotations() -> None:
    """Wherever they stand; a call that Python itself refuses is refused in Python's words."""
    wrong: Any = 3
    assert plain("x", "y", count=2, whatever=None) == "xx"
    assert await waits("x") == "x"
    with pytest.raises(TypeError, match=r"^text must be a str, not an int$"):
        plain(wrong)
    with pytest.raises(TypeError, match=r"^tags must be a str, not an int$"):
        plain("x", "y", wrong)
    with pytest.raises(TypeError, match=r"^text must be a str, not an int$"):
        await waits(wrong)
    with pytest.raises(TypeError, match=r"plain\(\) missing 1 required positional argument"):
        plain()  # type: ignore[call-arg]  # wrong on purpose


def test_articles() -> None:
    """As they are spoken."""
    given: tuple[object, ...] = (1, "", b"", None, {}, voxint.Usage(1, 1), Settings, Settings())
    assert [a(each) for each in given] == [
        "an int",
        "a str",
        "bytes",
        "None",
        "a dict",
        "a Usage",
        "the class Settings",
        "a Settings",
    ]


SOUND: Mapping[str, Mapping[str, object]] = {
    "Agent": {"llm": ScriptedModel()},
    "ChatMessage": {"role": "user", "content": "Hi"},
    "Exchange": {"key": 1, "user": "Hi"},
    "ResumePoint": {"session_id": "s", "resume_token": "t"},
    "Tool": {"name": "look"},
    "Turn": {"messages": ()},
    "UpstreamError": {"message": "it broke off"},
    **{name: {} for name in ("AudioFormat", "Dialogue", "Limits", "ServerConfig", "Settings")},
}
"""What a program makes itself of the public classes, and what each needs. A stage's pieces are judged by the gate, and
the rest is made by voxint."""


@pytest.mark.parametrize("name", sorted(SOUND))
@pytest.mark.parametrize("wrong", [None, b"x", "", {}, [{}], 3.5, object(), Limits], ids=lambda value: a(value))
def test_every_field_of_a_public_class_takes_the_value_or_says_what_belongs_there(name: str, wrong: object) -> None:
    """None fails in words of Python's, and none passes what would fail later."""
    public = getattr(voxint, name)
    for attribute in attrs.fields(public):
        if not attribute.init:
            continue
        try:
            made = public(**{**SOUND[name], attribute.name: wrong})
        except (TypeError, ValueError) as refused:
            told = str(refused)
            assert told.startswith((f"{name}.{attribute.name}", f"'{attribute.name}' ", attribute.name)), told
        else:
            kept = getattr(made, attribute.name)
            assert kept is wrong or (isinstance(wrong, list) and kept == tuple(wrong)), attribute.name


def test_what_an_agent_is_made_of_is_judged() -> None:
    """Beside its stages, which have a test of their own."""
    with pytest.raises(TypeError, match=r"^Agent.limits must be a Limits, not a dict: write Limits\(\.\.\.\)$"):
        Agent(llm=ScriptedModel(), limits={})  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(TypeError, match=r"^Exchange.user must be a str, not None$"):
        Exchange(1, None)  # type: ignore[arg-type]  # wrong on purpose
