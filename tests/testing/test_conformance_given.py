"""What a conformance check is given: a stage of another shape, or arguments of other types, is told what to write."""

from __future__ import annotations

import inspect
import re
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest
import trio

from voxint.core.audio import AudioFormat
from voxint.core.failure import Stage
from voxint.core.shape import stage_fault
from voxint.core.stages import Delta, LanguageModel, ModelOutput, SpeechToText, TextToSpeech, Thinking, Turn
from voxint.testing.conformance import (
    TrialBounds,
    check_language_model,
    check_speech_to_text,
    check_text_to_speech,
)
from voxint.testing.stages import HEAR, ScriptedEars, ScriptedModel, ScriptedVoice

pytestmark = pytest.mark.virtual_time

TURN = Turn(())

Out = trio.abc.SendChannel[ModelOutput]


@pytest.mark.parametrize("check", [check_language_model, check_text_to_speech, check_speech_to_text])
async def test_what_is_no_stage_is_no_stage(check: object) -> None:
    """An object without the method is told which it lacks."""
    with pytest.raises(AssertionError, match=r"^AudioFormat has no method `.*`: a .* is an object with"):
        await check(AudioFormat(), ())  # type: ignore[operator]  # the mistake that the check has to find


class Yields:
    """Yields its words, as of other libraries."""

    async def generate(self, turn: Turn, out: Out) -> AsyncGenerator[Delta]:
        """Yield a word."""
        yield Delta("Hello.")


class TakesText:
    """Wants a text for a turn, and nothing to write to."""

    async def generate(self, text: str) -> None:
        """Write nothing."""


class Plain:
    """Forgot `async`."""

    def generate(self, turn: Turn, out: Out) -> str:
        """Return a word."""
        return "Hello."


class Returns:
    """Returns its text."""

    async def generate(self, turn: Turn, out: Out) -> str:
        """Return a word."""
        return "Hello."


@pytest.mark.parametrize(
    ("stage", "complaint"),
    [
        (Plain, "Plain is a class: give an instance, Plain(...)"),
        (Yields(), "Yields.generate is a generator: write each piece with `await out.send(Delta(text))` instead of"),
        (TakesText(), "TakesText.generate takes other arguments: write `async def generate(self, turn, out)`"),
        (Plain(), "Plain.generate returned a str, which can't be awaited: write `async def generate(self, turn,"),
        (Returns(), "Returns returned a str, and what a stage returns is thrown away: write each piece with"),
        (ScriptedVoice(), "ScriptedVoice is another kind of stage: use check_text_to_speech"),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
async def test_a_model_of_another_shape_is_told_what_to_write(stage: LanguageModel, complaint: str) -> None:
    """In the words of `Agent` where it is the shape; what only a call shows is told likewise."""
    with pytest.raises(AssertionError, match=f"^{re.escape(complaint)}"):
        await check_language_model(stage, TURN)


class Mistypes:
    """Writes what is no piece.

    Args:
        piece: What.
    """

    def __init__(self, piece: Any) -> None:
        self.piece = piece

    async def generate(self, turn: Turn, out: Out) -> None:
        """Write it."""
        await out.send(self.piece)


async def test_what_a_stage_writes_wrong_is_told_with_its_line() -> None:
    """As the log of a server tells it, and with what to write there."""
    line = Mistypes.generate.__code__.co_firstlineno + 2
    at = re.escape(f"tests/testing/test_conformance_given.py:{line}: write `await out.send(Delta(...))`")
    with pytest.raises(AssertionError, match=f"^Mistypes wrote a str at {at}$"):
        await check_language_model(Mistypes("Hello."), TURN)
    with pytest.raises(AssertionError, match=r"wrote the class Thinking at .*: write an instance, Thinking\(\.\.\.\)$"):
        await check_language_model(Mistypes(Thinking), TURN)


async def test_what_a_check_is_given_is_judged() -> None:
    """A text of its own would be taken for a list of letters, and a model would get a turn that is none."""
    with pytest.raises(TypeError, match=r"^turn must be a Turn, not a str: write Turn\(\.\.\.\)$"):
        await check_language_model(ScriptedModel("Hello."), "Hi")  # type: ignore[arg-type]  # the mistake
    with pytest.raises(TypeError, match=r"^text must be a list or tuple of str, not a str: a single one is written"):
        await check_text_to_speech(ScriptedVoice(), "Hello.")
    with pytest.raises(TypeError, match=r"^text must be a list or tuple of str, and has bytes in it"):
        await check_text_to_speech(ScriptedVoice(), [b"Hello."])  # type: ignore[list-item]  # the mistake
    with pytest.raises(TypeError, match=r"^audio must be bytes, a bytearray or a memoryview, not a str: PCM"):
        await check_speech_to_text(ScriptedEars(HEAR), "hello.wav")  # type: ignore[arg-type]  # the mistake
    with pytest.raises(TypeError, match=r"^bounds must be a TrialBounds, not a float"):
        await check_language_model(ScriptedModel("Hello."), TURN, bounds=5.0)  # type: ignore[arg-type]  # the mistake
    with pytest.raises(TypeError, match=r"^TrialBounds\.stop_s must be a number, not a str"):
        TrialBounds(stop_s="250ms")  # type: ignore[arg-type]  # the mistake


@pytest.mark.parametrize(
    ("kind", "protocol", "method"),
    [
        ("llm", LanguageModel, LanguageModel.generate),
        ("stt", SpeechToText, SpeechToText.transcribe),
        ("tts", TextToSpeech, TextToSpeech.synthesize),
    ],
)
def test_the_shape_of_a_stage_is_its_protocols(kind: Stage, protocol: type, method: Callable[..., object]) -> None:
    """What a stage of another shape is told to write is what the types say; and nothing else is asked of it."""
    takes = ", ".join(inspect.signature(method).parameters)
    told = stage_fault(kind, object())
    assert told is not None
    assert told.endswith(f"`async def {method.__name__}({takes})`")
    members = {name for name in vars(protocol) if not name.startswith("_")} | set(inspect.get_annotations(protocol))
    made = {name: AudioFormat() if name == "audio_format" else getattr(protocol, name) for name in members}
    assert members <= {method.__name__, "audio_format"}
    assert stage_fault(kind, type("Made", (), made)()) is None
    for name in members:
        without = {other: value for other, value in made.items() if other != name}
        assert stage_fault(kind, type("Made", (), without)()) is not None
