from __future__ import annotations

from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from trio import open_memory_channel

from voxint.core.gate import MOST_AUDIO_BYTES, NOT_BELIEVED, checked_model_output, checked_speech, checked_transcript
from voxint.core.stages import Delta, Speech, Thinking, ToolCall, Transcript, Usage
from voxint.errors import UpstreamError

HALF = "\ud83d"

CHANNEL: Any = open_memory_channel[str](0)[1]
ARRAY: Any = np.zeros(2, np.int16)
WAV = b"RIFF\x2c\0\0\0WAVEfmt "


@pytest.mark.parametrize(
    ("written", "passed"),
    [
        (Delta("Well, "), Delta("Well, ")),
        (Delta("你好 👋"), Delta("你好 👋")),
        (Delta(f"a{HALF}b\0c"), Delta("a\ufffdbc")),
        (Delta(np.str_("Well, ")), Delta("Well, ")),
        (Thinking(), Thinking()),
        (Usage(np.int64(3), np.int64(4)), Usage(3, 4)),  # type: ignore[arg-type]  # wrong on purpose
        (Usage(-1, 4), NOT_BELIEVED),
        (Usage(3, 9_000_000_000_000_000_000), NOT_BELIEVED),
        (Usage(3, 10_000_000), Usage(3, 10_000_000)),
        (Usage(3, 4.0), NOT_BELIEVED),  # type: ignore[arg-type]  # wrong on purpose
        (Usage(3, float("nan")), NOT_BELIEVED),  # type: ignore[arg-type]  # wrong on purpose
        (Usage("3", 4), NOT_BELIEVED),  # type: ignore[arg-type]  # wrong on purpose
        (ToolCall("c", f"look{HALF}", MappingProxyType({"a": (1, 2)})), ToolCall("c", "look\ufffd", {"a": [1, 2]})),
    ],
)
def test_what_a_model_writes_is_made_harmless(written: object, passed: object) -> None:
    """A character that no wire carries is replaced, a foreign number becomes a plain one, an absurd one is dropped."""
    came = checked_model_output(written)
    assert came == passed
    if isinstance(came, Usage):
        assert type(came.input_tokens) is int
    if isinstance(came, Delta):
        assert type(came.text) is str


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("Well, ", "the model wrote a str where a Delta, Thinking, ToolCall or Usage belongs"),
        (Delta, "the class Delta"),
        (None, "the model wrote None where"),
        (Delta(None), "the model wrote a Delta whose text is None"),  # type: ignore[arg-type]  # wrong on purpose
        (Delta("a", protected="yes"), "the model wrote a Delta whose protected is a str"),  # type: ignore[arg-type]  # wrong on purpose
        (Delta("x" * (1 << 21)), "more than 1,048,576 characters"),
        (ToolCall("c", "look", ["word"]), "the model wrote a ToolCall whose arguments are a list"),  # type: ignore[arg-type]  # wrong on purpose
        (ToolCall("c", "look", {"a": object()}), "arguments that are not JSON"),
        (ToolCall("c", "look", {"a": float("nan")}), ""),
        (ToolCall("c", "look", {"a": HALF}), "arguments that are not JSON"),
        (ToolCall("c", "look", {"a": "x" * (1 << 20)}), "more than 1,048,576 bytes of arguments"),
        (ToolCall("c", "look", {"a": [0] * 8192}), "more than 8,192 values in its arguments"),
        (ToolCall("c", "look", {"a": [[0] * 100] * 100}), "more than 8,192 values in its arguments"),
        (ToolCall("c", "look", {"a": [0] * 100_000}), "more than 8,192 values in its arguments"),
        (ToolCall("c", 7, {}), "the model wrote a ToolCall whose name is an int"),  # type: ignore[arg-type]  # wrong on purpose
    ],
)
def test_what_a_model_may_not_write_is_its_fault(written: object, words: str) -> None:
    """It is told by its type, never by its content; trying again would not help."""
    if not words:  # JSON has no such number: it is written as null
        assert checked_model_output(written) == ToolCall("c", "look", {"a": None})
        return
    with pytest.raises(UpstreamError, match=words) as raised:
        checked_model_output(written)
    assert not raised.value.retryable


def test_nothing_is_nested_without_end() -> None:
    """Arguments that refer to themselves, or are nested deeper than JSON goes, are no JSON."""
    arguments: dict[str, Any] = {}
    arguments["self"] = arguments
    with pytest.raises(UpstreamError, match="not JSON"):
        checked_model_output(ToolCall("c", "look", arguments))


@pytest.mark.parametrize(
    ("written", "passed"),
    [
        (Speech(b"\0\0"), Speech(b"\0\0")),
        (Speech(b"", f"Hi{HALF}"), Speech(b"", "Hi\ufffd")),
        (Speech(bytearray(b"\1\0"), "Hi"), Speech(b"\1\0", "Hi")),  # type: ignore[arg-type]  # wrong on purpose
        (Speech(memoryview(b"\1\0")), Speech(b"\1\0")),  # type: ignore[arg-type]  # wrong on purpose
    ],
)
def test_what_a_synthesizer_writes_is_made_harmless(written: object, passed: Speech) -> None:
    """Its text as a model's; what holds bytes becomes bytes."""
    assert checked_speech(written) == passed
    assert type(checked_speech(written).audio) is bytes


@pytest.mark.parametrize(
    ("written", "words"),
    [
        (b"\0\0", "the synthesizer wrote bytes where a Speech belongs"),
        (Speech("sound"), "the synthesizer wrote a Speech whose audio is a str"),  # type: ignore[arg-type]  # wrong on purpose
        (Speech(b"\0"), "half a sample"),
        (Speech(bytes(MOST_AUDIO_BYTES + 2)), "more than 16,777,216 bytes of speech in one piece"),
        (Speech(b"", 7), "the synthesizer wrote a Speech whose text is an int"),  # type: ignore[arg-type]  # wrong on purpose
    ],
)
def test_what_a_synthesizer_may_not_write_is_its_fault(written: object, words: str) -> None:
    """Half a sample would make noise of all that follows; far too much would fill the memory."""
    with pytest.raises(UpstreamError, match=words):
        checked_speech(written)


@pytest.mark.parametrize(
    ("written", "words"),
    [
        (Speech(WAV), "a WAV file where bare samples belong (write its samples alone, as wave.open(...).readframes("),
        (Speech(b"\0\0", CHANNEL), "MemoryReceiveChannel (write a str there: read it with `async for piece in text`"),
        (Speech(ARRAY), "an ndarray (write bytes of 16-bit samples there: its tobytes() gives them"),
    ],
)
def test_what_an_author_meant_is_told_him(written: Speech, words: str) -> None:
    """What people hand over who have a file, a channel or an array."""
    with pytest.raises(UpstreamError) as raised:
        checked_speech(written)
    assert words in str(raised.value)


def test_what_a_recogniser_writes_is_checked_too() -> None:
    """A numpy truth is a truth."""
    came = checked_transcript(Transcript(f"you{HALF}", np.True_))  # type: ignore[arg-type]  # wrong on purpose
    assert came == Transcript("you\ufffd", True)
    assert came.is_final is True
    with pytest.raises(UpstreamError, match="the recogniser wrote a str where a Transcript belongs"):
        checked_transcript("words")
    with pytest.raises(UpstreamError, match="the recogniser wrote a Transcript whose text is None"):
        checked_transcript(Transcript(None, True))  # type: ignore[arg-type]  # wrong on purpose
