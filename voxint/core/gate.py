"""Whatever a stage hands over is checked here, where it comes in: a wrong type is the provider's error.

What can be made harmless is: a character that no wire can carry is replaced, a number of another library becomes a
plain one. What can't ends the request alone, and is told in words that quote nothing of it. So does a stage that does
not end: all that it writes for one request has a bound.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Mapping
from operator import index

import msgspec

from voxint.arguments import type_in_words
from voxint.core.agent import Limits
from voxint.core.audio import BYTES_PER_SAMPLE, AudioFormat, is_wav
from voxint.core.depth import MOST_LEVELS, nests_too_deep
from voxint.core.encodable import encodable
from voxint.core.stages import Delta, ModelOutput, Speech, Thinking, ToolCall, Transcript, Usage
from voxint.errors import UpstreamError

__all__ = [
    "MOST_ARGUMENT_BYTES",
    "MOST_CALLS",
    "MOST_COMMAS",
    "MOST_TOKENS",
    "NOT_BELIEVED",
    "ModelGate",
    "SpeechGate",
    "TranscriptGate",
    "checked_model_output",
    "checked_speech",
    "checked_transcript",
]

MOST_TEXT = 1 << 20
"""Characters in one piece; ours: a thousand times what any stage writes at once."""

MOST_AUDIO_BYTES = 1 << 24
"""Of speech in one piece: over five minutes at 24 kHz; ours, far beyond a sentence."""

MOST_TOKENS = 10_000_000
"""That a model reads or writes for one answer; ours: several times the largest context there is. A larger number is a
bug, and budgets that believed it would be spent at once."""

NOT_BELIEVED = Usage(-1, -1)
"""In the place of a usage that cannot be."""

MOST_CALLS = 128
"""Of functions in one answer: so many OpenAI lets one offer; an answer that calls more is a mad model's."""

MOST_ARGUMENT_BYTES = 1 << 20
"""Of functions' arguments as JSON, of one call and of all in one answer: a document that a model writes fits, and a
request that holds as much for its caller costs no other."""

MOST_VALUES = 8192
"""In the arguments of one call; ours: reading and writing so many takes 4 ms, and the others wait meanwhile."""

MOST_COMMAS = 1 << 15
"""And brackets, in arguments that have not been read yet: there are more of them in prose than values in arguments."""

MOST_TRANSCRIPTS = 20_000
"""Of one upload, the partial ones included; ours: a hundred a second for as long as a request may take."""


class ModelGate:
    """What one answer's model writes, checked and counted.

    Args:
        limits: `answer_chars`.
    """

    def __init__(self, limits: Limits) -> None:
        self._most_chars = limits.answer_chars
        self._chars = self._calls = self._bytes = 0

    @property
    def wrote(self) -> bool:
        """Whether there was a word, or a call."""
        return bool(self._chars or self._calls)

    def checked(self, item: object) -> ModelOutput:
        """Return what the model wrote, made harmless.

        Raises:
            UpstreamError: As `checked_model_output`; or it has written more than an answer may hold.
        """
        if isinstance(item, ToolCall):
            call, size = _tool_call(item)
            self._calls += 1
            self._bytes += size
            if self._calls > MOST_CALLS:
                raise _too_much(f"called more than {MOST_CALLS} functions in one answer")
            if self._bytes > MOST_ARGUMENT_BYTES:
                raise _too_much(f"called functions with more than {MOST_ARGUMENT_BYTES:,} bytes of arguments in all")
            return call
        output = checked_model_output(item)
        if isinstance(output, Delta):
            self._chars += len(output.text)
            if self._chars > self._most_chars:
                raise _too_much(f"wrote more than {self._most_chars:,} characters in one answer (limit answer_chars)")
        return output


class SpeechGate:
    """What one answer's synthesizer writes, checked and counted.

    Args:
        limits: `speech_s`.
        audio: The synthesizer's format.

    Attributes:
        spoke: Whether there was audio.
        named: Whether it has said of any what text it speaks.
    """

    def __init__(self, limits: Limits, audio: AudioFormat) -> None:
        self._most_s = limits.speech_s
        self._left = limits.speech_s * audio.rate * BYTES_PER_SAMPLE
        self.spoke = False
        self.named = False

    def checked(self, item: object) -> Speech:
        """Return what the synthesizer wrote, made harmless.

        Raises:
            UpstreamError: As `checked_speech`; or it has said more than an answer may hold.
        """
        speech = checked_speech(item)
        self._left -= len(speech.audio)
        if self._left < 0:
            raise _too_much(f"said more than {self._most_s:g} s in one answer (limit speech_s)")
        self.spoke = self.spoke or bool(speech.audio)
        self.named = self.named or bool(speech.text)
        return speech


class TranscriptGate:
    """What a recogniser understands of one upload, checked and counted.

    Args:
        limits: `transcript_chars`.

    Attributes:
        unsettled: Whether the last words are not final.
    """

    def __init__(self, limits: Limits) -> None:
        self._most_chars = limits.transcript_chars
        self._settled = self._pieces = 0
        self.unsettled = False

    def checked(self, item: object) -> Transcript:
        """Return what the recogniser wrote, made harmless.

        Raises:
            UpstreamError: As `checked_transcript`; or it has written more than there can be in an upload.
        """
        transcript = checked_transcript(item)
        chars = self._settled + len(transcript.text)
        self._pieces += 1
        if chars > self._most_chars:
            raise _too_much(f"understood more than {self._most_chars:,} characters (limit transcript_chars)")
        if self._pieces > MOST_TRANSCRIPTS:
            raise _too_much(f"wrote more than {MOST_TRANSCRIPTS:,} pieces of a transcript")
        self.unsettled = bool(transcript.text) and not transcript.is_final
        if transcript.is_final:
            self._settled = chars
        return transcript


def checked_model_output(item: object) -> ModelOutput:
    """Return what a language model wrote, made harmless; `NOT_BELIEVED` for a usage that cannot be.

    Raises:
        UpstreamError: The item is none of a model's pieces, or one with something in it that cannot be.
    """
    if type(item) is Delta:
        text = item.text
        plain = type(text) is str and text.isascii() and "\0" not in text and len(text) <= MOST_TEXT
        if plain and type(item.protected) is bool:
            return item  # what nearly every piece is
    match item:
        case Delta():
            if type(item.protected) is not bool:
                raise _wrong_part("model", "a Delta whose protected is", item.protected, "True or False")
            return Delta(_text(item.text, "model", "a Delta whose text is"), item.protected)
        case Thinking():
            return item
        case ToolCall():
            return _tool_call(item)[0]
        case Usage():
            return _usage(item)
    raise _wrong("model", item, "a Delta, Thinking, ToolCall or Usage", "Delta(text=...)")


def checked_speech(item: object) -> Speech:
    """Return what a synthesizer wrote, made harmless.

    Raises:
        UpstreamError: The item is no `Speech`, or its audio is no whole number of samples, or far too much.
    """
    if not isinstance(item, Speech):
        raise _wrong("synthesizer", item, "a Speech", "Speech(audio=..., text=...)")
    audio = item.audio
    if not isinstance(audio, bytes):
        if not isinstance(audio, bytearray | memoryview):
            remedy = "its tobytes() gives them where its samples are of 16 bits" if hasattr(audio, "tobytes") else ""
            raise _wrong_part("synthesizer", "a Speech whose audio is", audio, "bytes of 16-bit samples", remedy)
        audio = bytes(audio)
    if len(audio) > MOST_AUDIO_BYTES:
        raise UpstreamError(
            f"the provider wrote more than {MOST_AUDIO_BYTES:,} bytes of speech in one piece", retryable=False
        )
    if len(audio) % BYTES_PER_SAMPLE:
        raise UpstreamError("the provider wrote half a sample: write whole samples of 16 bits", retryable=False)
    if is_wav(audio):
        raise UpstreamError(
            "the synthesizer wrote a WAV file where bare samples belong",
            retryable=False,
            operator_detail="write its samples alone, as wave.open(...).readframes(...) reads them",
        )
    text = None if item.text is None else _text(item.text, "synthesizer", "a Speech whose text is")
    return item if audio is item.audio and text is item.text else Speech(audio, text)


def checked_transcript(item: object) -> Transcript:
    """Return what a recogniser wrote, made harmless.

    Raises:
        UpstreamError: The item is no `Transcript`, or its text is none.
    """
    if not isinstance(item, Transcript):
        raise _wrong("recogniser", item, "a Transcript", "Transcript(text=..., is_final=True)")
    return Transcript(_text(item.text, "recogniser", "a Transcript whose text is"), bool(item.is_final))


def _tool_call(call: ToolCall) -> tuple[ToolCall, int]:
    """Return a copy that can be written, whatever the model makes of its own later, and the size of its arguments.

    JSON's writers and readers each have a depth of their own at which they give up; no function comes near ours.
    """
    if not isinstance(call.arguments, Mapping):
        raise _wrong_part("model", "a ToolCall whose arguments are", call.arguments, "a mapping")
    try:
        written = msgspec.json.encode(dict(call.arguments))
        _bound_arguments(written)
        arguments: dict[str, object] = msgspec.json.decode(written)
    except (TypeError, ValueError, OverflowError, RecursionError):  # depending on what is wrong
        # Without the exception, whose text quotes what the model wrote.
        raise UpstreamError(
            "the provider called a function with arguments that are not JSON", retryable=False
        ) from None
    if nests_too_deep(arguments):
        message = f"the provider called a function with arguments nested deeper than {MOST_LEVELS} levels"
        raise UpstreamError(message, retryable=False)
    if _holds_too_many(arguments):
        raise _too_many_values()
    name = _text(call.name, "model", "a ToolCall whose name is")
    return ToolCall(_text(call.call_id, "model", "a ToolCall whose call_id is"), name, arguments), len(written)


def _bound_arguments(written: bytes) -> None:
    """Refuse arguments that would take long to read; nothing of them is read yet."""
    if len(written) > MOST_ARGUMENT_BYTES:
        raise _too_much(f"called a function with more than {MOST_ARGUMENT_BYTES:,} bytes of arguments")
    if sum(map(written.count, (b",", b"[", b"{"))) > MOST_COMMAS:
        raise _too_many_values()


def _holds_too_many(arguments: dict[str, object]) -> bool:
    """Return whether there are more than `MOST_VALUES` in `arguments`."""
    found, inside = 0, [arguments]
    while inside and found <= MOST_VALUES:
        value: object = inside.pop()
        inner = list(value.values()) if isinstance(value, dict) else value
        if isinstance(inner, list):
            found += len(inner)
            inside += inner
    return found > MOST_VALUES


def _usage(usage: Usage) -> Usage:
    """Return a usage of plain integers. One that cannot be is no reason to lose an answer that was written."""
    try:
        counts = index(usage.input_tokens), index(usage.output_tokens)  # numpy's integers are integers too
    except TypeError:
        return NOT_BELIEVED
    return Usage(*counts) if all(0 <= count <= MOST_TOKENS for count in counts) else NOT_BELIEVED


def _text(text: object, who: str, whose: str) -> str:
    if not isinstance(text, str):
        remedy = "read it with `async for piece in text`, and give the piece" if isinstance(text, AsyncIterable) else ""
        raise _wrong_part(who, whose, text, "a str", remedy)
    if len(text) > MOST_TEXT:
        raise UpstreamError(f"the provider wrote more than {MOST_TEXT:,} characters in one piece", retryable=False)
    return encodable(text)


def _wrong(who: str, given: object, expected: str, remedy: str) -> UpstreamError:
    """Return the error of a piece that is none; what to write in its place is for the stage's author."""
    if isinstance(given, type):
        remedy = f"an instance, {given.__name__}(...)"
    return UpstreamError(
        f"the {who} wrote {type_in_words(given)} where {expected} belongs",
        retryable=False,
        operator_detail=f"write {remedy}",
    )


def _wrong_part(who: str, whose: str, given: object, expected: str, remedy: str = "") -> UpstreamError:
    """Return the error of a piece with something in it that is of another type."""
    detail = f"write {expected} there{remedy and ': '}{remedy}"
    return UpstreamError(f"the {who} wrote {whose} {type_in_words(given)}", retryable=False, operator_detail=detail)


def _too_many_values() -> UpstreamError:
    return _too_much(f"called a function with more than {MOST_VALUES:,} values in its arguments")


def _too_much(what: str) -> UpstreamError:
    return UpstreamError(f"the provider {what}", retryable=False)
