"""What a provider must do: one async method between two channels.

A stage reads one channel, writes the other, returns at its end and lets `trio.Cancelled` through. It needs no base
class, no registration and no thought for interruption: its task lives in the request's nursery, so an interrupt
cancels whatever it awaits. A stage that owns something longer-lived than a request (a pool, worker processes) is an
async context manager too; whoever builds the agent enters it.
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import trio.abc
from attrs import Attribute, field, frozen

from voxint.arguments import check_type, field_name
from voxint.core.audio import AudioFormat
from voxint.core.dialogue import ChatMessage
from voxint.core.discreet import size_of
from voxint.core.tools import Tool, ToolCall

__all__ = [
    "CheckVerdict",
    "Delta",
    "LanguageModel",
    "ModelOutput",
    "Speech",
    "SpeechToText",
    "TextToSpeech",
    "Thinking",
    "ToolCall",
    "Transcript",
    "Turn",
    "Usage",
]


def _tuple_of(turn: object, attribute: Attribute[Any], values: object) -> None:
    """Refuse what is no tuple of what belongs there, by its first: voxint makes a turn of every request."""
    name = field_name(turn, attribute)
    for first in check_type(values, tuple, name, "write [...]")[:1]:  # type: ignore[index]  # it is a tuple
        check_type(first, ChatMessage if attribute.name == "messages" else Tool, f"{name}[0]")


def _frozen(values: object) -> object:
    return tuple(values) if isinstance(values, list) else values


@frozen
class Turn:
    """What a language model answers: the conversation so far, the user's words last, and the tools it may call."""

    messages: tuple[ChatMessage, ...] = field(converter=_frozen, validator=_tuple_of)
    tools: tuple[Tool, ...] = field(default=(), converter=_frozen, validator=_tuple_of)


@frozen
class Delta:
    """A piece of the model's text, as it came.

    Args:
        text: The text.
        protected: Whether it may not be interrupted by a voice while it is spoken, such as a warning that the law wants
            to be heard: what is said meanwhile waits, and is not lost. An INTERRUPT stops it all the same.
    """

    text: str = field(repr=size_of)
    protected: bool = False


@frozen
class Thinking:
    """A sign of life: the model works on something that nobody hears of yet, such as reasoning or a function call.

    A model that thinks before its first word gets the time that it shows to be using.
    """


@frozen
class Usage:
    """What the provider says the answer cost, in its own tokens.

    A count that cannot be (negative, no integer, beyond ten million) is not believed: the answer stands, its tokens are
    estimated, and the operator is told.
    """

    input_tokens: int
    output_tokens: int


ModelOutput = Delta | Thinking | ToolCall | Usage
"""What a language model may write."""


@frozen
class Transcript:
    """What was understood.

    Args:
        text: The words of this segment. A partial replaces the partial before it; finals follow one another and are
            joined by a space (nothing between Chinese characters).
        is_final: Whether the segment is settled.
    """

    text: str = field(repr=size_of)
    is_final: bool


@frozen
class Speech:
    """A piece of synthesized audio.

    Args:
        audio: Whole samples in the stage's `audio_format`; any length.
        text: The text this audio begins to speak, exactly as it came in, or None where it goes on with the text
            before. It is how history knows what was heard.
    """

    audio: bytes = field(repr=size_of)
    text: str | None = field(default=None, repr=size_of)


@runtime_checkable
class SpeechToText(Protocol):
    """Turn audio into transcripts while the audio still comes in.

    One that keeps up with so many callers and no more has a `seats` too, as `TextToSpeech` has.
    """

    @property
    def audio_format(self) -> AudioFormat:
        """The format `transcribe` wants; the pipeline resamples to it."""

    async def transcribe(self, audio: trio.abc.ReceiveChannel[bytes], out: trio.abc.SendChannel[Transcript]) -> None:
        """Read PCM until `audio` ends, write transcripts, return after the last final one.

        Where nothing was said, that one is empty: without any, the log asks why.

        Raises:
            UpstreamError: The recogniser failed; any other exception is reported as one too.
        """


@runtime_checkable
class LanguageModel(Protocol):
    """Answer a turn, piece by piece."""

    async def generate(self, turn: Turn, out: trio.abc.SendChannel[ModelOutput]) -> None:
        """Write the answer's pieces as they come, signs of life between them, and the usage where it is known.

        Raises:
            UpstreamError: The model failed; any other exception is reported as one too.
        """


@runtime_checkable
class TextToSpeech(Protocol):
    """Speak text while the text still comes in.

    One that keeps up with so many callers and no more says so by an attribute, which is none of this protocol because
    most have none: ``seats: int | None``, 1 or more; None, as without it: no bound. It is read whenever a request
    begins. Beyond it a request is refused at the door (`core.seats`); it bounds callers and not calls, as a call that
    has overrun may still be under way when the next one comes.
    """

    @property
    def audio_format(self) -> AudioFormat:
        """The format of what `synthesize` writes; the pipeline resamples from it."""

    async def synthesize(self, text: trio.abc.ReceiveChannel[str], out: trio.abc.SendChannel[Speech]) -> None:
        """Read speakable pieces until `text` ends and write their audio in order.

        Raises:
            UpstreamError: The synthesizer failed; any other exception is reported as one too.
        """


@frozen
class CheckVerdict:
    """What a stage's own `check` returns of a provider that answers; a plain `str` is one without a warning.

    Args:
        words: What was found, in a line for the operator.
        warning: Whether something may still be wrong. `voxint check` shows it as a warning, which is no failure.
    """

    words: str
    warning: bool = False
