"""What an OpenAI-compatible server says, put together: chunks of an answer, function calls, refusals."""

from __future__ import annotations

import json
from collections.abc import Iterable

import msgspec
from attrs import define, evolve, field

from voxint.core.stages import ToolCall, Turn, Usage
from voxint.errors import UpstreamError
from voxint.net.sse import Event

__all__ = ["Completion", "Provider", "model_names", "refusal_words"]

SAID_CHARS = 300  # the brief words of a provider; a page of them is of no use in a log
LOOKED_AT_CHARS = 1000  # of its words; blotting makes them fewer

ECHO_CHARS = 16
"""So many characters in a row that also stand in the turn are an echo of it. Two English texts share shorter ones by
chance; of a longer text, servers quote some 25 at its begin and end."""

LEAST_BYTES = 8  # a shorter message is blotted out nowhere: yes and no would be gone from every sentence


class _Struct(msgspec.Struct, gc=False):
    """What is read of the provider's JSON; fields not named here are passed over, `reasoning` among them."""


class _Function(_Struct):
    name: str | None = None
    arguments: str | None = None


class _CallPiece(_Struct):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None


class _Message(_Struct):
    content: str | None = None
    tool_calls: list[_CallPiece] | None = None


class _Choice(_Struct):
    index: int = 0
    delta: _Message | None = None
    finish_reason: str | None = None


class _Tokens(_Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Error(_Struct):
    message: str | None = None
    code: int | str | None = None


class _Chunk(_Struct):
    choices: list[_Choice] | None = None
    usage: _Tokens | None = None
    error: _Error | str | None = None


class _Detail(_Struct):
    """One of FastAPI's complaints; its other fields quote the request."""

    msg: str = ""


class _Refusal(_Struct):
    """An error body: OpenAI's form, or the bare forms of FastAPI and vLLM."""

    error: _Error | str | None = None
    message: str | None = None
    detail: str | list[_Detail] | None = None


class _Model(_Struct):
    id: str


class _Models(_Struct):
    data: list[_Model]


_decode_chunk = msgspec.json.Decoder(_Chunk).decode
_decode_refusal = msgspec.json.Decoder(_Refusal | list[_Refusal]).decode
_decode_models = msgspec.json.Decoder(_Models).decode
_decode_arguments = msgspec.json.Decoder(dict[str, object]).decode


@define
class Provider:
    """Who answers, and how its failures are worded.

    Args:
        place: Host and port.
        model: The model's name.
        key_env: The variable that holds the key.
        secrets: Key and header values, to blot them out of what the provider says.
        turn: What it was asked: a person's words, blotted out as well.
    """

    place: str
    model: str
    key_env: str | None
    secrets: tuple[str, ...] = field(repr=False)
    turn: Turn = field(default=Turn(()), repr=False)

    def asked(self, turn: Turn) -> Provider:
        """Return the same with what it is asked now."""
        return evolve(self, turn=turn)

    def refused(self, status: int, said: str) -> UpstreamError:
        """Return the error for an HTTP status other than 200."""
        retryable = status in (408, 409, 425, 429) or status >= 500
        return UpstreamError(
            f"{self.place} answered {status}: {self._advice(status)}{self._quoted(said)}", retryable, status
        )

    def failed(self, error: _Error | str) -> UpstreamError:
        """Return the error for one that came inside the stream."""
        said, code = (error, None) if isinstance(error, str) else (error.message or "", error.code)
        status = code if isinstance(code, int) and 400 <= code < 600 else None
        if status is not None:
            return self.refused(status, said)
        return UpstreamError(f"{self.place} failed in mid-answer; try again{self._quoted(said)}")

    def nonsense(self, what: str) -> UpstreamError:
        """Return the error for an answer that is not what the protocol says."""
        return UpstreamError(f"{self.place} sent {what}: is it OpenAI-compatible, and {self.model} fit for this?")

    def cut_off(self, content_type: str, began: bool) -> UpstreamError:
        """Return the error for a stream that ended before its end was said."""
        if began:
            return UpstreamError(f"{self.place} broke the answer off before its end; try again")
        kind = " ".join(content_type[:60].split())
        return UpstreamError(f"{self.place} sent no event (content type {kind}): check that base_url is an API's")

    def _advice(self, status: int) -> str:
        match status:
            case 401 | 403 if self.key_env is None:
                return "it wants a key; name the environment variable that holds it in api_key_env"
            case 401 | 403:
                return f"it refuses the key; check the environment variable {self.key_env}"
            case 404:
                return f"it does not know the URL or the model {self.model}; check base_url and model"
            case 429:
                return "too many requests, or no credit left; try again later"
            case _ if 300 <= status < 400:
                return "it redirects, which is not followed; set base_url to where it leads"
            case _ if status >= 500 or status in (408, 409, 425):
                return "it is overloaded or failing; try again later"
            case _:
                return "it does not accept the request; check model, headers and extra_body"

    def _quoted(self, said: str) -> str:
        line = " ".join(said.split())
        for secret in self.secrets:
            line = line.replace(secret, "***")
        line = _without_echo(line[:LOOKED_AT_CHARS], (message.content for message in self.turn.messages))
        return f"; it says: {line[:SAID_CHARS]}" if line else ""


@define
class _Call:
    """A function call that comes in pieces."""

    id: str = ""
    name: str = ""
    arguments: list[str] = field(factory=list)


@define
class Completion:
    """The answer as far as it has come."""

    provider: Provider
    began: bool = False
    finished: bool = False
    finish_reason: str | None = None
    usage: Usage | None = None
    calls: dict[int, _Call] = field(factory=dict)

    def take(self, events: Iterable[Event]) -> str:
        """Take some events and return the text in them.

        Raises:
            UpstreamError: One is an error of the provider, or no chunk of a completion.
        """
        texts = []
        for event in events:
            if event.data == b"[DONE]":
                self.finished = True
            elif event.data:
                texts.append(self._take_chunk(event.data))
        return "".join(texts)

    def _take_chunk(self, data: bytes) -> str:
        try:
            chunk = _decode_chunk(data)
        except msgspec.MsgspecError as error:
            raise self.provider.nonsense(f"an event that is no chunk of a completion ({error})") from None
        self.began = True
        if chunk.error is not None:
            raise self.provider.failed(chunk.error)
        if chunk.usage is not None:
            self.usage = Usage(chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
        for choice in chunk.choices or ():
            if choice.index == 0:
                return self._take_choice(choice)
        return ""

    def _take_choice(self, choice: _Choice) -> str:
        if choice.finish_reason is not None:
            self.finished = True
            self.finish_reason = choice.finish_reason
        if choice.delta is None:
            return ""
        for piece in choice.delta.tool_calls or ():
            self._take_call(piece)
        return choice.delta.content or ""

    def _take_call(self, piece: _CallPiece) -> None:
        last = next(reversed(self.calls), -1)
        if piece.index is not None:
            index = piece.index
        else:  # some servers number nothing: a new id begins a new call
            index = last if last >= 0 and piece.id in (None, "", self.calls[last].id) else last + 1
        call = self.calls.setdefault(index, _Call())
        call.id = call.id or piece.id or ""
        if piece.function is not None:
            call.name = call.name or piece.function.name or ""
            call.arguments.append(piece.function.arguments or "")

    def tool_calls(self) -> list[ToolCall]:
        """Return the function calls, in the order of their indices.

        Raises:
            UpstreamError: One has no name, or arguments that are no JSON object.
        """
        return [self._tool_call(index, call) for index, call in sorted(self.calls.items())]

    def _tool_call(self, index: int, call: _Call) -> ToolCall:
        if not call.name:
            raise self.provider.nonsense("a function call without a name")
        try:
            arguments = _decode_arguments("".join(call.arguments).strip() or "{}")
        except msgspec.MsgspecError:
            cut = ", cut off at the token limit" if self.finish_reason == "length" else ""
            raise self.provider.nonsense(f"arguments of a function call that are no JSON object{cut}") from None
        return ToolCall(call.id or f"call_{index}", call.name, arguments)


def refusal_words(body: bytes) -> str:
    """Return what an error body says to people; nothing of a page of HTML, or of JSON in a form of its own."""
    try:
        refusal = _decode_refusal(body)
    except msgspec.MsgspecError:
        return "" if body.lstrip()[:1] in (b"<", b"{", b"[", b'"') else body.decode("utf-8", "replace")
    if isinstance(refusal, list):  # Gemini wraps its own in a list
        refusal = refusal[0] if refusal else _Refusal()
    error, detail = refusal.error, refusal.detail
    if isinstance(detail, list):
        detail = "; ".join(each.msg for each in detail)
    return (error.message if isinstance(error, _Error) else error) or refusal.message or detail or ""


def _without_echo(line: str, texts: Iterable[str]) -> str:
    """Return `line` with all blotted out that it shares with one of `texts`, also where it quotes it as JSON does."""
    long = []
    for text in (" ".join(text.split()) for text in texts):
        if len(text.encode()) >= LEAST_BYTES:
            for form in (text, json.dumps(text)[1:-1]):
                if len(form) >= ECHO_CHARS:
                    long.append(form)
                else:
                    line = line.replace(form, "***")
    known = "\n".join(long)  # `line` has no line break, so it shares nothing with two of them
    shown = []
    start = 0
    while start < len(line):
        end = start + ECHO_CHARS
        if end > len(line) or line[start:end] not in known:
            shown.append(line[start])
            start += 1
            continue
        while end < len(line) and line[start : end + 1] in known:
            end += 1
        shown.append("***")
        start = end
    return "".join(shown)


def model_names(body: bytes) -> set[str] | None:
    """Return the names in a provider's list of models; None where `body` is no such list."""
    try:
        return {model.id for model in _decode_models(body).data}
    except msgspec.MsgspecError:
        return None
