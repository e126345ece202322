"""Whatever a stage hands over is checked here, where it comes in: a wrong type is the provider's error.

What can be made harmless is: a character that no wire can carry is replaced, a number of another library becomes a
plain one. What can't ends the request alone, and is told in words that quote nothing of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import index

import msgspec

from voxint.core.audio import BYTES_PER_SAMPLE
from voxint.core.depth import MOST_LEVELS, nests_too_deep
from voxint.core.encodable import encodable
from voxint.core.stages import Delta, ModelOutput, Speech, Thinking, ToolCall, Transcript, Usage
from voxint.errors import UpstreamError

__all__ = ["checked_model_output", "checked_speech", "checked_transcript"]

MOST_TEXT = 1 << 20
"""Characters in one piece; ours: a thousand times what any stage writes at once."""

MOST_AUDIO_BYTES = 1 << 24
"""Of speech in one piece: over five minutes at 24 kHz; ours, far beyond a sentence."""

MOST_TOKENS = 1 << 40
"""Beyond any bill; a number that large is a bug, and JSON readers lose digits not far above."""

MOST_ARGUMENT_BYTES = 1 << 18
"""Of a function's arguments as JSON; ours: as much as a session may have in prompts and functions together."""


def checked_model_output(item: object) -> ModelOutput:
    """Return what a language model wrote, made harmless.

    Raises:
        UpstreamError: The item is none of a model's pieces, or one with something in it that cannot be.
    """
    if type(item) is Delta:
        text = item.text
        if type(text) is str and text.isascii() and "\0" not in text and len(text) <= MOST_TEXT:
            return item  # what nearly every piece is
        return Delta(_text(text, "a Delta's text"))
    match item:
        case Delta():
            return Delta(_text(item.text, "a Delta's text"))
        case Thinking():
            return item
        case ToolCall():
            return _tool_call(item)
        case Usage():
            return Usage(_tokens(item.input_tokens), _tokens(item.output_tokens))
    raise _wrong("a Delta, Thinking, ToolCall or Usage", item)


def checked_speech(item: object) -> Speech:
    """Return what a synthesizer wrote, made harmless.

    Raises:
        UpstreamError: The item is no `Speech`, or its audio is no whole number of samples, or far too much.
    """
    if not isinstance(item, Speech):
        raise _wrong("a Speech", item)
    audio = item.audio
    if not isinstance(audio, bytes):
        if not isinstance(audio, bytearray | memoryview):
            raise _wrong("a Speech whose audio is bytes", audio)
        audio = bytes(audio)
    if len(audio) > MOST_AUDIO_BYTES:
        raise UpstreamError(f"it wrote more than {MOST_AUDIO_BYTES:,} bytes of speech in one piece", retryable=False)
    if len(audio) % BYTES_PER_SAMPLE:
        raise UpstreamError("it wrote half a sample", retryable=False)
    text = None if item.text is None else _text(item.text, "a Speech's text")
    return item if audio is item.audio and text is item.text else Speech(audio, text)


def checked_transcript(item: object) -> Transcript:
    """Return what a recogniser wrote, made harmless.

    Raises:
        UpstreamError: The item is no `Transcript`, or its text is none.
    """
    if not isinstance(item, Transcript):
        raise _wrong("a Transcript", item)
    return Transcript(_text(item.text, "a Transcript's text"), bool(item.is_final))


def _tool_call(call: ToolCall) -> ToolCall:
    """Return a copy that can be written, whatever the model makes of its own later.

    JSON's writers and readers each have a depth of their own at which they give up; no function comes near ours.
    """
    if not isinstance(call.arguments, Mapping):
        raise _wrong("a ToolCall whose arguments are a mapping", call.arguments)
    try:
        written = msgspec.json.encode(dict(call.arguments))
        arguments: dict[str, object] = msgspec.json.decode(written)
    except (TypeError, ValueError, OverflowError, RecursionError):  # depending on what is wrong
        # Without the exception, whose text quotes what the model wrote.
        raise UpstreamError("it called a function with arguments that are not JSON", retryable=False) from None
    if nests_too_deep(arguments):
        message = f"it called a function with arguments nested deeper than {MOST_LEVELS} levels"
        raise UpstreamError(message, retryable=False)
    if len(written) > MOST_ARGUMENT_BYTES:
        message = f"it called a function with more than {MOST_ARGUMENT_BYTES:,} bytes of arguments"
        raise UpstreamError(message, retryable=False)
    return ToolCall(_text(call.call_id, "a ToolCall's call_id"), _text(call.name, "a ToolCall's name"), arguments)


def _tokens(count: object) -> int:
    try:
        tokens = index(count)  # type: ignore[arg-type]  # what is no integer raises; numpy's integers are ones
    except TypeError:
        raise _wrong("a Usage whose counts are integers", count) from None
    if not 0 <= tokens <= MOST_TOKENS:
        raise UpstreamError("it told a number of tokens that cannot be", retryable=False)
    return tokens


def _text(text: object, what: str) -> str:
    if not isinstance(text, str):
        raise _wrong(f"a str as {what}", text)
    if len(text) > MOST_TEXT:
        raise UpstreamError(f"it wrote more than {MOST_TEXT:,} characters in one piece", retryable=False)
    return encodable(text)


def _wrong(expected: str, given: object) -> UpstreamError:
    kind = f"the class {given.__name__}" if isinstance(given, type) else type(given).__name__
    return UpstreamError(f"it wrote {kind} where {expected} belongs", retryable=False)
