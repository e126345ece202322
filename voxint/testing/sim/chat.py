"""`POST /v1/chat/completions`, as OpenAI-compatible servers answer it, streamed or whole."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec
from attrs import field, frozen

from voxint.testing.sim.content import answer_to, numbered, pieces_of, turn_of, words_in
from voxint.testing.sim.play import PacedAnswer, SimCall, play
from voxint.testing.sim.settings import SimSettings

__all__ = ["chat"]

MODEL = "sim"
NUMBERED_TOKENS = 2000  # of an answer, by default: what the benchmark's heavy workload asks for
FLOOD_TOKENS = 10_000_000  # of an answer that floods: more than any test reads
CALL = re.compile(r"\bcall (\w+)\s*(\{.*\})?", re.IGNORECASE | re.DOTALL)
SSE_HEADERS = (("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache"))
JSON_HEADERS = (("content-type", "application/json"),)
GARBAGE = b'data: {"choices": [{"delta": nonsense\n\n'

encode = msgspec.json.encode


@frozen
class ContentPart:
    """A part of a message whose content is a list."""

    type: str
    text: str = ""


@frozen
class Message:
    """A message of the conversation."""

    role: str
    content: str | list[ContentPart] | None = None

    @property
    def text(self) -> str:
        """The message's words."""
        content = self.content or ""
        return content if isinstance(content, str) else " ".join(part.text for part in content)


@frozen
class OfferedFunction:
    """A function that the model may call."""

    name: str


@frozen
class OfferedTool:
    """An entry of `tools`."""

    function: OfferedFunction


@frozen
class StreamOptions:
    """The `stream_options` of a request."""

    include_usage: bool = False


@frozen
class ChatBody:
    """What is read of a request; all else is ignored, as servers do."""

    messages: list[Message]
    model: str = MODEL
    stream: bool = False
    stream_options: StreamOptions | None = None
    tools: list[OfferedTool] = field(factory=list)
    user: str = ""
    sim: dict[str, object] = field(factory=dict)


async def chat(call: SimCall, settings: SimSettings) -> None:
    """Answer a chat request, misbehaving as the settings and the request say.

    Raises:
        ValueError: The body is not such a request; the text says where.
    """
    entry = call.entry
    raw = await call.request.read()
    entry.bytes_received = len(raw)
    body = msgspec.json.decode(raw, type=ChatBody)
    settings = settings.override(body.sim)
    entry.tag = entry.tag or body.user
    heard = [message.text for message in body.messages if message.role == "user"]
    entry.turn = turn_of(heard[-1]) if heard else None
    answers = [message.text for message in body.messages if message.role == "assistant"]
    if answers:
        entry.recalled_turn, entry.recalled_words = turn_of(answers[-1]), words_in(answers[-1])
    function = _call_wanted(body, heard)
    words = _words(heard, entry.turn or 0, settings)
    form = _Form(entry.id, body, prompt_tokens=sum(len(message.text.split()) for message in body.messages))
    if body.stream:
        pieces, headers = form.call(*function) if function else form.deltas(words), SSE_HEADERS
        answer = PacedAnswer(
            pieces,
            form.end_of_call if function else form.end,
            GARBAGE,
            settings.first_token_s,
            settings.token_interval_s,
            headers,
        )
    else:
        every = [] if function else list(words)
        needs_s = settings.first_token_s + settings.token_interval_s * len(every)
        whole = form.whole("".join(every), len(every), function)
        answer = PacedAnswer([whole], lambda count: b"", GARBAGE, needs_s, 0.0, JSON_HEADERS)
    await play(call, settings, answer)


def _words(heard: Sequence[str], turn: int, settings: SimSettings) -> Iterator[str]:
    """Return the answer's tokens."""
    tokens = settings.tokens
    if tokens is None and settings.flood:
        tokens = FLOOD_TOKENS
    if settings.content == "numbered":
        return numbered(turn, NUMBERED_TOKENS if tokens is None else tokens, settings.tokens_per_sentence)
    return pieces_of(answer_to(heard), tokens)


def _call_wanted(body: ChatBody, heard: Sequence[str]) -> tuple[str, str] | None:
    """Return the offered function that the user's last words ask for, and the JSON of its arguments."""
    found = CALL.search(heard[-1]) if heard and body.messages[-1].role == "user" else None
    offered = {tool.function.name for tool in body.tools}
    return (found[1], found[2] or "{}") if found and found[1] in offered else None


@frozen
class _Form:
    """OpenAI's form of an answer. What is the same in every chunk is encoded once, since tokens are many."""

    id: int
    body: ChatBody
    prompt_tokens: int

    def deltas(self, words: Iterable[str]) -> Iterator[bytes]:
        """Yield a chunk for each token; the first bears the role."""
        before, after = self._chunk({"content": "\0"}).split(encode("\0"))
        first, _ = self._chunk({"role": "assistant", "content": "\0"}).split(encode("\0"))
        for word in words:
            yield b"%b%b%b" % (first, encode(word), after)
            first = before

    def call(self, name: str, arguments: str) -> Iterator[bytes]:
        """Yield the chunks of a function call: its name, then its arguments in two parts."""
        function = {"name": name, "arguments": ""}
        head = {"index": 0, "id": f"call_{self.id}", "type": "function", "function": function}
        yield self._chunk({"role": "assistant", "content": None, "tool_calls": [head]})
        middle = (len(arguments) + 1) // 2
        for part in (arguments[:middle], arguments[middle:]):
            yield self._chunk({"tool_calls": [{"index": 0, "function": {"arguments": part}}]})

    def end(self, tokens: int, finish_reason: str = "stop") -> bytes:
        """Return the chunks after the last token: the reason, the usage if it was asked for, and the end mark."""
        end = self._chunk({}, finish_reason)
        if self.body.stream_options and self.body.stream_options.include_usage:
            end += _event({**self._base("chat.completion.chunk"), "choices": [], "usage": self._usage(tokens)})
        return end + b"data: [DONE]\n\n"

    def end_of_call(self, tokens: int) -> bytes:
        """Return the chunks after a function call."""
        return self.end(tokens, "tool_calls")

    def whole(self, text: str, tokens: int, call: tuple[str, str] | None) -> bytes:
        """Return an answer that is not streamed."""
        message: dict[str, object] = {"role": "assistant", "content": text}
        if call:
            function = {"name": call[0], "arguments": call[1]}
            message = {"role": "assistant", "content": None}
            message["tool_calls"] = [{"id": f"call_{self.id}", "type": "function", "function": function}]
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if call else "stop"}
        return encode({**self._base("chat.completion"), "choices": [choice], "usage": self._usage(tokens)})

    def _base(self, kind: str) -> dict[str, object]:
        return {"id": f"chatcmpl-{self.id}", "object": kind, "created": int(time.time()), "model": self.body.model}

    def _chunk(self, delta: Mapping[str, object], finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        return _event({**self._base("chat.completion.chunk"), "choices": [choice]})

    def _usage(self, tokens: int) -> dict[str, int]:
        total = self.prompt_tokens + tokens
        return {"prompt_tokens": self.prompt_tokens, "completion_tokens": tokens, "total_tokens": total}


def _event(data: Mapping[str, object]) -> bytes:
    return b"data: " + encode(data) + b"\n\n"
