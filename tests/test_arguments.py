from __future__ import annotations

import math
import re
from collections.abc import AsyncIterable, Callable, Iterable, Mapping
from contextlib import suppress
from fractions import Fraction
from typing import Any, Literal, cast

import attrs
import msgspec
import numpy as np
import pytest
from attrs import evolve, field, frozen

import voxint
from voxint import Agent, AudioFormat, Limits, ServerConfig, Settings, Tool
from voxint.arguments import (
    bounded,
    check_all,
    check_arguments,
    check_fields,
    check_not_negative,
    check_text,
    check_type,
    type_in_words,
)
from voxint.server.quotas import Quotas
from voxint.testing.stages import ScriptedModel

CANARY = "persimmon"


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("x", str),
        (3, int),
        (3.5, float),
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
    """It is the value itself, or one that is equal."""
    assert check_type(value, kind, "it") == value


@pytest.mark.parametrize(
    ("value", "kind", "plain"),
    [
        (np.int64(3), int, 3),
        (np.uint8(3), int | None, 3),
        (np.float32(3), float, 3.0),
        (np.float64(0.5), float | None, 0.5),
        (np.int16(3), float, 3.0),
        (3, float, 3.0),
        (Fraction(1, 2), float, 0.5),
        (np.str_("x"), str, "x"),
        (np.str_("WEB"), Literal["WEB", "APP"], "WEB"),
        ([np.str_("x")], tuple[str, ...], ("x",)),
    ],
)
def test_what_other_libraries_have_becomes_plain(value: object, kind: object, plain: object) -> None:
    """Their numbers and texts are taken, and a wire can carry what is made of them."""
    taken: object = check_type(value, kind, "it")
    assert taken == plain
    assert type(taken) is type(plain)
    assert msgspec.json.encode(taken) == msgspec.json.encode(plain)


def test_a_number_beyond_every_float_is_refused() -> None:
    """Nothing could be reckoned with it, and it is not written out: Python has a limit for that."""
    with pytest.raises(ValueError, match=r"^it must be a number that a float can hold, and is larger$"):
        check_type(10**400, float | None, "it")


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
        (CANARY, tuple[str, ...], "it must be a list or tuple of str, not a str: a single one is written (...,)"),
        ((CANARY, 1), tuple[str, ...], "it must be a list or tuple of str, and has an int in it"),
        (Tool("f"), Iterable[Tool], "it must be a list or tuple of Tool, not a Tool: a single one is written (...,)"),
        ([], Mapping[str, object], "it must be a mapping, not a list"),
        ({CANARY: 1}, Mapping[str, str], "it must be a mapping of strings, and has an int in it"),
        ({1: CANARY}, Mapping[str, str], "it must be a mapping of strings, and has an int in it"),
        (3, Callable[[], None], "it must be a function, not an int"),
        (np.bool_(True), bool, "it must be True or False, not a numpy.bool"),
        (
            np.zeros(2, np.int16),
            bytes | bytearray,
            "it must be bytes or a bytearray, not an ndarray: give its bytes,"
            " it.tobytes() where its samples are of 16 bits",
        ),
        (3, Literal["WEB", "APP"], "it must be one of WEB, APP, not an int"),
        ([b""], bytes | AsyncIterable[bytes], "it must be bytes or an AsyncIterable, not a list"),
    ],
)
def test_what_does_not_fit_is_told_in_a_sentence(value: object, kind: object, sentence: str) -> None:
    """It says what belongs there, what was given, and what was probably meant; nothing of the value."""
    with pytest.raises(TypeError) as raised:
        check_type(value, kind, "it")
    assert str(raised.value) == sentence
    assert CANARY not in str(raised.value)


def test_a_string_that_is_not_known_is_a_wrong_value() -> None:
    """Its type is right; it is not quoted, since nobody knows what it is."""
    with pytest.raises(ValueError, match="it must be one of WEB, APP, and is another string") as raised:
        check_type(CANARY, Literal["WEB", "APP"], "it")
    assert CANARY not in str(raised.value)


def test_a_remedy_of_the_callers_stands_behind_the_types() -> None:
    """Where what is to be done does not follow from them."""
    with pytest.raises(TypeError, match=r"^audio must be bytes, not a str: PCM, 16 bits a sample$"):
        check_type("", bytes, "audio", "PCM, 16 bits a sample")


@pytest.mark.parametrize("empty", ["", "  \n"])
def test_a_text_without_a_word_is_refused(empty: str) -> None:
    """There is nothing to ask."""
    assert check_text("Hello?", "text") == "Hello?"
    with pytest.raises(ValueError, match=r"^text is empty: give at least a word$"):
        check_text(empty, "text")


@pytest.mark.parametrize(
    ("wrong", "kind", "told"),
    [
        (-1, ValueError, "from 0 on, not -1"),
        (float("nan"), ValueError, "from 0 on, not nan"),
        (float("inf"), ValueError, "from 0 on, not inf"),
        (10**400, ValueError, "that a float can hold, and is larger"),
        ("1", TypeError, ", not a str"),
    ],
)
def test_nobody_has_heard_less_than_nothing(wrong: object, kind: type[Exception], told: str) -> None:
    """A number that is none is refused as well, and one that no wire carries."""
    assert check_not_negative(np.float32(0), "played_ms") == 0
    with pytest.raises(kind, match=rf"^played_ms must be a number ?{told}$"):
        check_not_negative(wrong, "played_ms")


def test_what_is_wrong_in_a_list_is_told_of_the_list() -> None:
    """Whatever it is made of."""
    with pytest.raises(TypeError, match=r"^tools must be a list or tuple of Tool, and has a str in it$"):
        check_all([Tool("f"), CANARY], Tool, "tools")


def _seconds(given: Any) -> Any:
    return 0.0 if given is None else given


@frozen(field_transformer=check_fields)
class Judged:
    """Every kind of field."""

    words: str
    count: int = field(default=1, validator=bounded(at_least=1))
    tags: tuple[str, ...] = ()
    seconds: float = field(default=1.0, converter=_seconds)


def test_fields_are_judged_before_their_own_validators() -> None:
    """Which would fail in words of their own."""
    with pytest.raises(TypeError, match=r"^Judged.words must be a str, not None$"):
        Judged(None)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(TypeError, match=r"^Judged.count must be a whole number, not a str$"):
        Judged("word", count="1")  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(ValueError, match=r"^Judged.count must be at least 1, not 0$"):
        Judged("word", count=0)
    with pytest.raises(ValueError, match=r"^Judged.count must be at least 1, not a number of many digits$"):
        Judged("word", count=-(10**5000))
    with pytest.raises(TypeError, match=r"^Judged.words must be a str, not bytes"):
        evolve(Judged("word"), words=b"word")  # type: ignore[arg-type]  # wrong on purpose


def test_a_list_does_for_a_tuple() -> None:
    """It becomes one, so that what is frozen stays as it is."""
    given = ["one", "two"]
    judged = Judged("word", tags=given)  # type: ignore[arg-type]  # what people write
    given.clear()
    assert judged.tags == ("one", "two")


def test_a_converter_of_the_fields_own_stays() -> None:
    """What it makes of a value is judged."""
    assert Judged("word", seconds=None).seconds == 0
    assert type(Judged("word", seconds=np.float32(2)).seconds) is float
    with pytest.raises(TypeError, match=r"^Judged.seconds must be a number, not a str$"):
        Judged("word", seconds="1")


def test_an_annotation_that_cannot_be_judged_is_refused_where_it_stands() -> None:
    """When the class or the function is made, and not with the first value."""

    class Wrong:
        tags: "list[str]"  # noqa: UP037 - as all annotations here

    def wrong(tags: list[str]) -> None:
        pass

    with pytest.raises(TypeError, match=r"^a value can't be judged by list\[str\]: annotate it with a class, "):
        frozen(Wrong, field_transformer=check_fields)
    with pytest.raises(TypeError, match=r"^a value can't be judged by list\[str\]"):
        check_arguments(wrong)


@check_arguments
def plain(text: str, *tags: str, count: int = 1, **options: object) -> str:
    """A function."""
    return text * count


@check_arguments
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
    assert type(plain("x", count=cast("int", np.int8(1)))) is str
    with pytest.raises(TypeError, match=r"^count must be a whole number, not a str$"):
        plain("x", count="1")  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(TypeError, match=r"waits\(\) takes 1 positional argument but 2 were given"):
        await waits("x", "y")  # type: ignore[call-arg]  # wrong on purpose
    with pytest.raises(TypeError, match=r"plain\(\) missing 1 required positional argument"):
        plain()  # type: ignore[call-arg]  # wrong on purpose


def test_articles() -> None:
    """As they are spoken."""
    given: tuple[object, ...] = (1, "", b"", None, {}, voxint.Usage(1, 1), Settings, Settings())
    assert [type_in_words(each) for each in given] == [
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
    "ResumePoint": {"session_id": "s", "resume_token": "t"},
    "Tool": {"name": "look"},
    "Turn": {"messages": ()},
    "UpstreamError": {"message": "it broke off"},
    **{name: {} for name in ("AudioFormat", "Limits", "Quotas", "ServerConfig", "Settings")},
}
"""What a program makes itself of the public classes, and what each needs. A stage's pieces are judged by the gate, and
the rest is made by voxint."""

PUBLIC: Mapping[str, Any] = {name: Quotas if name == "Quotas" else getattr(voxint, name) for name in SOUND}

STAGES = {("Agent", "stt"), ("Agent", "tts"), ("Agent", "llm")}
"""Judged by their shape."""


@pytest.mark.parametrize("name", sorted(SOUND))
@pytest.mark.parametrize(
    "wrong", [None, b"x", "", {}, [{}], 3.5, -3, 10**400, object(), Limits], ids=lambda value: type_in_words(value)
)
def test_every_field_of_a_public_class_takes_the_value_or_says_what_belongs_there(name: str, wrong: object) -> None:
    """None fails in words of Python's, and none passes what would fail later."""
    public = PUBLIC[name]
    for attribute in attrs.fields(public):
        if not attribute.init:
            continue
        try:
            made = public(**{**SOUND[name], attribute.name: wrong})
        except (TypeError, ValueError) as refused:
            told = str(refused)
            assert told.startswith(tuple(f"{name}.{attribute.name}{end}" for end in (" ", ": ", "[0] "))), told
        else:
            kept = getattr(made, attribute.name)
            assert kept is wrong or kept == (tuple(wrong) if isinstance(wrong, list) else wrong), attribute.name


@pytest.mark.parametrize("name", sorted(SOUND))
@pytest.mark.parametrize("foreign", [np.int64(9000), np.float32(0.5), np.str_("WEB")])
def test_no_field_of_a_public_class_keeps_what_only_numpy_knows(name: str, foreign: object) -> None:
    """A receipt, a message or a log line would end in the error of an encoder."""
    for attribute in attrs.fields(PUBLIC[name]):
        if attribute.init and (name, attribute.name) not in STAGES:
            with suppress(TypeError, ValueError):
                made = PUBLIC[name](**{**SOUND[name], attribute.name: foreign})
                assert type(getattr(made, attribute.name)).__module__ == "builtins", attribute.name


@pytest.mark.parametrize("name", sorted(SOUND))
@pytest.mark.parametrize(
    "wrong", [-3, 0, 10**9, float("nan"), -(10**5000)], ids=["negative", "zero", "much", "nan", "digits"]
)
def test_every_bound_of_a_public_class_is_told_in_a_sentence(name: str, wrong: float) -> None:
    """It names the class and the field, and says what belongs there and what was given."""
    told = {}
    for attribute in attrs.fields(PUBLIC[name]):
        if attribute.init and type(attribute.default) in (int, float):
            try:
                PUBLIC[name](**{**SOUND[name], attribute.name: wrong})
            except ValueError as refused:
                told[attribute.name] = str(refused)
            except TypeError:
                pass  # NaN for a whole number
    bound = r"must be (at least|at most|more than|less than) [\d.]+, not (nan|[-+\de.]+|a number of many digits)"
    too_large = "must be a number that a float can hold, and is larger"
    for field_, sentence in told.items():
        assert re.fullmatch(rf"{name}\.{field_} ({bound}|{too_large})", sentence)


@pytest.mark.parametrize("public", [Limits, ServerConfig, Quotas], ids=lambda public: public.__name__)
def test_no_bound_takes_a_whole_number_beyond_any_float(public: Any) -> None:
    """What reckons with it in seconds would overflow, and the caller be told of a bug."""
    bounded_ones = [each.name for each in attrs.fields(public) if type(each.default) in (int, float)]
    assert len(bounded_ones) >= 10
    for name in bounded_ones:
        with pytest.raises(ValueError, match=f"^{public.__name__}.{name} must be "):
            public(**{name: 10**400})


def test_a_session_ends_at_some_time() -> None:
    """The client is told in how many seconds, and endless is no number of them."""
    with pytest.raises(ValueError, match=r"^ServerConfig\.session_timeout_s must be at most 31536000"):
        ServerConfig(session_timeout_s=math.inf)


def test_what_an_agent_is_made_of_is_judged() -> None:
    """Beside its stages, which have a test of their own."""
    with pytest.raises(TypeError, match=r"^Agent.limits must be a Limits, not a dict: write Limits\(\.\.\.\)$"):
        Agent(llm=ScriptedModel(), limits={})  # type: ignore[arg-type]  # wrong on purpose
