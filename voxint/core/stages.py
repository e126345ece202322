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

from voxint.arguments import check_fields, check_type, field_name
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
    "VoiceOption",
]

MOST_NAME_CHARS = 64
"""Of a voice's name, and of a language's tag; ours: more than any has, and a refusal that lists them stays short."""


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


def _named(option: object, attribute: Attribute[Any], value: str) -> None:
    """Refuse what can't stand in a list to choose from."""
    if not (0 < len(value) <= MOST_NAME_CHARS and value.isprintable()):
        name = field_name(option, attribute)
        raise ValueError(f"{name} must have 1 to {MOST_NAME_CHARS} characters that can be printed")


@frozen(field_transformer=check_fields)
class VoiceOption:
    """A voice that a synthesizer offers its callers.

    Args:
        name: What a caller chooses it by.
        language: The language that it is for, as a primary tag of BCP 47, such as ``en`` or ``zh``. It may speak
            others too.
    """

    name: str = field(validator=_named)
    language: str = field(validator=_named)


@runtime_checkable
class SpeechToText(Protocol):
    """Turn audio into transcripts while the audio still comes in.

    One that keeps up with so many callers and no more has a `seats` too, as `TextToSpeech` has.

    One that can be told what is spoken has two attributes more. ``languages: tuple[str, ...]``: what it knows, as
    primary tags of BCP 47. ``def hearing(self, language)``: returns the recogniser that hears that one, which is one of
    `languages`; it may be itself. That one shares all that this one owns; to make it is cheap, and waits for nothing.
    It is asked for whenever a request begins of a session that has chosen a language. The seats are this one's.
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

    One that has several voices has two attributes more. ``voices: tuple[VoiceOption, ...]``: those that a caller may
    choose from. ``def speaking_as(self, voice)``: returns the synthesizer that speaks with that one, by its name. For
    both holds what `SpeechToText` says of `hearing`.
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
