"""One event of a streamed completion: read strictly, and where that fails, whatever of it can be used.

Servers write fields of forms that the document does not know. Only what is part of the answer may cost it: its text,
its function calls, and JSON that can't be read at all.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

__all__ = ["CallPiece", "CalledFunction", "Choice", "Chunk", "ChunkMessage", "Unreadable", "loads", "read_chunk"]

_TEXT_PARTS = (None, "text", "output_text")
"""The types of a part of `content` that is text; all others are passed over, thinking among them."""

_LONGEST_INT = 19
"""Digits. A longer number is no count, and Python refuses to read it from 4,300 digits on."""


MOST_VALUES = 8192
"""In JSON of a provider's, and one more for 32 bytes of it. Ours: a text or a program as an argument has fewer commas
and brackets than that, and reading so many values in one step takes some milliseconds."""

MOST_JOINED = 1 << 16
"""Bytes of an event whose cut characters are kept for their other half; ours: a model's token has a few."""

MOST_CHOICES = 16
"""Answers to one question that are looked at; voxint asks for one."""

MOST_PIECES = 512
"""Pieces of function calls in one event; an answer has at most 128 calls."""


class Unreadable(ValueError):
    """An event is no chunk of a completion; the text says why and quotes none of it."""


class _Struct(msgspec.Struct, gc=False):
    """What is read of the provider's JSON; fields not named here are passed over."""

    def __repr__(self) -> str:
        """Return the name alone: all of it is what a model says."""
        return f"{type(self).__name__}(...)"


class CalledFunction(_Struct):
    """The function of a call: `arguments` is a piece of JSON text, or all of them as an object."""

    name: str | None = None
    arguments: str | dict[str, Any] | None = None


class CallPiece(_Struct):
    """A function call, or a part of one."""

    index: int | None = None
    id: str | None = None
    function: CalledFunction | None = None


class ChunkMessage(_Struct):
    """A `delta` of a stream, or the `message` of an answer that is whole."""

    content: str | None = None
    refusal: str | None = None
    tool_calls: list[CallPiece] | None = None
    reasoning_content: Any = None
    reasoning: Any = None
    thinking: Any = None

    @property
    def reasons(self) -> bool:
        """Whether the model thinks in it, by the three names that vendors have for it."""
        return bool(self.reasoning_content or self.reasoning or self.thinking)


class Choice(_Struct):
    """One of the answers; voxint asks for one."""

    index: int = 0
    delta: ChunkMessage | None = None
    message: ChunkMessage | None = None
    finish_reason: str | None = None
    error: Any = None


class Chunk(_Struct):
    """What one event holds."""

    choices: list[Choice] | None = None
    usage: Any = None
    error: Any = None


_decode = msgspec.json.Decoder(Chunk).decode


def read_chunk(data: bytes) -> Chunk:
    """Return the chunk in `data`; text in it may hold halves of characters.

    Raises:
        Unreadable: It is no JSON object, or its text or function calls have no known form, or it holds far too much.
    """
    _bound(data)
    try:
        chunk = _decode(data)
    except (msgspec.MsgspecError, RecursionError):
        chunk = _read_leniently(loads(data))
    for choice in (chunk.choices or ())[:MOST_CHOICES]:
        for message in (choice.delta, choice.message):
            if message is not None and len(message.tool_calls or ()) > MOST_PIECES:
                raise Unreadable(f"more than {MOST_PIECES} pieces of function calls")
    return chunk


def loads(data: bytes) -> object:
    """Return what a JSON text holds, also one with control characters, cut characters or halves of surrogate pairs.

    Raises:
        Unreadable: It is no JSON, or holds far too many values.
    """
    _bound(data)
    # A cut character is joined with its other half later; in a large text that would take long, and none is cut.
    errors = "surrogateescape" if len(data) <= MOST_JOINED else "replace"
    try:
        found: object = _decode_anything(data.decode("utf-8", errors))
    except (ValueError, RecursionError):
        raise Unreadable("no JSON") from None
    return found


def _bound(data: bytes) -> None:
    """Refuse JSON that would take long to read; nothing of it is read yet."""
    if len(data) > MOST_VALUES and sum(map(data.count, (b",", b"[", b"{"))) > MOST_VALUES + len(data) // 32:
        raise Unreadable("JSON with far too many values")


def _number(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONGEST_INT else float(digits)


_decode_anything = json.JSONDecoder(strict=False, parse_int=_number).decode  # to make one takes longer than to use it


def _read_leniently(found: object) -> Chunk:
    if not isinstance(found, dict):
        raise Unreadable("no JSON object")
    choices = found.get("choices")
    entries = choices[:MOST_CHOICES] if isinstance(choices, list) else [choices]
    return Chunk([_choice(each) for each in entries if isinstance(each, dict)], found.get("usage"), found.get("error"))


def _choice(found: dict[str, Any]) -> Choice:
    reason = found.get("finish_reason")
    if reason is not None and not isinstance(reason, str):
        reason = "another" if reason else None  # it ended, whatever the form of its reason
    return Choice(
        _index(found.get("index")) or 0,
        _message(found.get("delta")),
        _message(found.get("message")),
        reason,
        found.get("error"),
    )


def _message(found: object) -> ChunkMessage | None:
    if not isinstance(found, dict):
        return None
    text, thinks = _content(found.get("content"))
    calls = found.get("tool_calls")
    pieces = calls[: MOST_PIECES + 1] if isinstance(calls, list) else [calls]
    return ChunkMessage(
        text,
        _text(found.get("refusal")),
        [_call(each) for each in pieces if each is not None],
        thinks or found.get("reasoning_content"),
        found.get("reasoning"),
        found.get("thinking"),
    )


def _content(content: object) -> tuple[str | None, bool]:
    """Return the text in a content of any known form, and whether there is anything else in it."""
    if content is None or isinstance(content, str):
        return content, False
    texts, others = [], False
    for part in content if isinstance(content, list) else [content]:
        if isinstance(part, str):
            texts.append(part)
        elif not isinstance(part, dict):
            raise Unreadable("content that is no text, and no list of parts")
        elif part.get("type") not in _TEXT_PARTS:
            others = True
        elif isinstance(part.get("text"), str):
            texts.append(part["text"])
        else:
            raise Unreadable("a part of text without its text")
    return "".join(texts), others


def _call(found: object) -> CallPiece:
    function = found.get("function") if isinstance(found, dict) else None
    if not isinstance(found, dict) or not isinstance(function, dict | None):
        raise Unreadable("a function call that is no object")
    if function is None:
        return CallPiece(_index(found.get("index")), _text(found.get("id")))
    arguments = function.get("arguments")
    if not isinstance(arguments, str | dict | None):
        arguments = json.dumps(arguments)  # no object, which is told when the call is whole
    return CallPiece(
        _index(found.get("index")), _text(found.get("id")), CalledFunction(_text(function.get("name")), arguments)
    )


def _index(value: object) -> int | None:
    """Return an index, also one that is written as text."""
    try:
        return int(value) if isinstance(value, int | float | str) else None
    except (ValueError, OverflowError):
        return None


def _text(value: object) -> str | None:
    """Return a text; of a number, such as an id, its digits."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None
