"""A streamed completion: the bytes of a response in, its text, function calls, usage and failure out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from attrs import define, field

from voxint.core.gate import MOST_TOKENS, NOT_BELIEVED
from voxint.core.stages import ToolCall, Usage
from voxint.errors import UpstreamError
from voxint.net.sse import EventParser, ServerSentEvent
from voxint.providers._openai_calls import BadCall, Calls
from voxint.providers._openai_characters import hold_back, mend
from voxint.providers._openai_chunk import MOST_CHOICES, Choice, ChunkMessage, Unreadable, loads, read_chunk
from voxint.providers._openai_failure import Provider, is_failure

__all__ = ["Completion"]

MOST_EVENT_BYTES = 2 << 20
"""Of one event; ours: the arguments of a call as large as it may be, escaped as JSON in JSON is, with room."""

MOST_DOCUMENT_BYTES = 4 << 20
"""An answer that is not streamed, its function calls included; twice the largest event of a stream."""

_BLANK = b" \t\r\n\xef\xbb\xbf"

_NO_REASON = ("", "null", "none")
"""What servers write as the `finish_reason` of an answer that goes on."""


@define
class Completion:
    """The answer as far as it has come.

    Args:
        provider: Who answers, to word its failures.
        content_type: Of the response.

    Attributes:
        thinking: Whether the last bytes held reasoning, or a piece of a function call, which nobody hears of yet.
        usage: What the answer cost, where the server told it.
        all_said: Whether the server said that nothing follows: `[DONE]`, or after the finish the chunk of the usage.
    """

    provider: Provider
    content_type: str = "none"
    thinking: bool = False
    usage: Usage | None = None
    all_said: bool = False
    _reason: str | None = None
    _done: bool = False
    _began: bool = False
    _spoke: bool = False
    _half: str = ""
    _calls: Calls = field(factory=Calls)
    _parser: EventParser = field(factory=lambda: EventParser(MOST_EVENT_BYTES))
    _form: Literal["unknown", "events", "document"] = "unknown"
    _document: bytearray = field(factory=bytearray)

    @property
    def finished(self) -> bool:
        """Whether the answer's end was said: what fails after it costs nothing of it."""
        return self._done or (self._reason is not None and self._has_answer)

    @property
    def _has_answer(self) -> bool:
        return self._spoke or bool(self._calls)

    def feed(self, data: bytes) -> str:
        """Take some bytes of the body and return the text that they complete.

        Raises:
            UpstreamError: They tell a failure, or are no part of a completion.
        """
        self.thinking = False
        if self._form != "events":
            data = self._sniff(data)
        return self._take(self._events(data))

    def end(self) -> str:
        """Take the end of the body and return the last of the text.

        Raises:
            UpstreamError: The answer is not whole, or none.
        """
        document = self._form == "document"
        text = self._take_document() if document else self._take(self._events(b"\n\n"), at_the_end=True)
        text, self._half = text + mend(self._half), ""
        self._check_end()
        return text

    def tool_calls(self) -> list[ToolCall]:
        """Return the function calls, in the order of their indices.

        Raises:
            UpstreamError: One has no name, or arguments that are no JSON object.
        """
        try:
            return self._calls.whole(cut=self._reason == "length")
        except BadCall as error:
            raise self.provider.nonsense(str(error)) from None

    def _events(self, data: bytes) -> list[ServerSentEvent]:
        try:
            return self._parser.feed(data)
        except UpstreamError:
            if self.finished:
                self.all_said = True
                return []
            raise self.provider.nonsense(f"an event of more than {MOST_EVENT_BYTES:,} bytes") from None

    def _sniff(self, data: bytes) -> bytes:
        """Keep a body that is one JSON document; return what belongs to a stream of events.

        Some servers do not stream, whatever they are asked, and some tell their failures in this form; the content
        type says neither. No line of events begins with a bracket.
        """
        self._document += data
        if self._form == "unknown":
            self._document = self._document.lstrip(_BLANK)
            if not self._document:
                return b""
            if self._document[0] not in b"{[":
                self._form, data, self._document = "events", bytes(self._document), bytearray()
                return data
            self._form = "document"
        if len(self._document) > MOST_DOCUMENT_BYTES:
            raise self.provider.nonsense(f"an answer of more than {MOST_DOCUMENT_BYTES:,} bytes")
        return b""

    def _take_document(self) -> str:
        """Take an answer that is not streamed."""
        data = bytes(self._document.strip(_BLANK))
        try:
            found = loads(data)
        except Unreadable:
            raise self.provider.cut_off() from None
        if not isinstance(found, dict):
            raise self.provider.failed(found)
        text = self._take_data(data)
        self._done = True
        return self._mended(text)

    def _take(self, events: Iterable[ServerSentEvent], *, at_the_end: bool = False) -> str:
        text = ""
        for event in events:
            if event.data == b"[DONE]":
                self._done = self.all_said = True
                break
            try:
                text += self._take_event(event)
            except UpstreamError:
                if self.finished:
                    self.all_said = True  # whatever it is, it is no part of the answer
                    break
                if at_the_end and event.name != "error" and _loaded(event.data) == "":
                    break  # the end of the body cut it off
                raise
        return text if not self._half and (text.isascii() or _is_whole(text)) else self._mended(text)

    def _take_event(self, event: ServerSentEvent) -> str:
        if event.name == "error":
            raise self.provider.failed(_loaded(event.data))
        return self._take_data(event.data) if event.data else ""

    def _mended(self, text: str) -> str:
        whole, self._half = hold_back(self._half + text)
        return mend(whole)

    def _take_data(self, data: bytes) -> str:
        try:
            chunk = read_chunk(data)
        except Unreadable as error:
            raise self.provider.nonsense(f"an event that is no chunk of a completion: {error}") from None
        self._began = True
        if chunk.error:
            raise self.provider.failed(_loaded(data))
        if not chunk.choices and is_failure(found := _loaded(data)):
            raise self.provider.failed(found)
        if chunk.usage is not None:
            self._take_usage(chunk.usage)
            # With no choice in it, it is the chunk that the protocol puts behind the whole answer.
            self.all_said = not chunk.choices and self.finished
        text = ""
        for choice in (chunk.choices or ())[:MOST_CHOICES]:
            if choice.index == 0:
                text += self._take_choice(choice)
        return text

    def _take_choice(self, choice: Choice) -> str:
        if choice.error:
            raise self.provider.failed(choice.error)
        message = choice.delta
        if message is None and not self._has_answer:
            message = choice.message  # whole; where pieces came before, some servers repeat all of them in it
        text = "" if message is None else self._take_message(message)
        reason = choice.finish_reason
        if reason is not None and reason.strip().lower() not in _NO_REASON:
            self._reason = reason
        return text

    def _take_message(self, message: ChunkMessage) -> str:
        for piece in message.tool_calls or ():
            self.thinking = True
            try:
                self._calls.take(piece)
            except BadCall as error:
                raise self.provider.nonsense(str(error)) from None
        text = message.content or message.refusal or ""
        if text:
            self._spoke = True
        elif message.reasons:
            self.thinking = True
        return text

    def _take_usage(self, usage: object) -> None:
        """Note a usage; of one that cannot be the answer takes no harm, and the core tells of it."""
        if not isinstance(usage, dict):
            self.usage = NOT_BELIEVED
        elif usage.get("completion_tokens") is not None:
            self.usage = Usage(_count(usage.get("prompt_tokens")), _count(usage["completion_tokens"]))

    def _check_end(self) -> None:
        if self._reason is not None:
            if (error := self.provider.stopped(self._reason, empty=not self._has_answer)) is not None:
                raise error
        elif self._done and self._has_answer:
            return
        elif self._began and not self._done:
            raise self.provider.cut_off()
        else:
            kind = self.provider.quoted(self.content_type)[:60]
            what = "[DONE] and no answer before it" if self._form == "events" and self._done else "no answer"
            raise self.provider.empty(f"{what} (content type {kind})")


def _is_whole(text: str) -> bool:
    """Return whether no character in `text` is cut; the quickest way to find out, since each token is asked."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _count(value: object) -> int:
    """Return a number of tokens, also one that is written as 7.0 or is null; -1 where it can be none."""
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST_TOKENS:
        return -1
    return int(value) if value == int(value) else -1


def _loaded(data: bytes) -> object:
    """Return the JSON in `data`, else its text where it is no JSON in the making."""
    try:
        return loads(data)
    except Unreadable:
        return "" if data.lstrip()[:1] in (b"{", b"[", b'"') else data.decode("utf-8", "replace")
