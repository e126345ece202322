"""A language model behind any OpenAI-compatible `/chat/completions` endpoint, streamed."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import AsyncIterator, Mapping
from math import inf
from urllib.parse import urlsplit

import httpx
import trio
import trio.abc

from voxint.arguments import check_type
from voxint.core.stages import CheckVerdict, Delta, ModelOutput, Thinking, Turn
from voxint.core.tools import Tool
from voxint.errors import ConfigError, UpstreamError, UpstreamTimeout
from voxint.net.http import HttpClient, chunks
from voxint.providers._openai_failure import Provider, refusal_words
from voxint.providers._openai_secrets import Secrets
from voxint.providers._openai_stream import Completion
from voxint.providers.openai_models import LIST_BYTES, ListedModel, listed_models

__all__ = ["OpenAIChat"]

CLOSE_S = 0.25
"""How long the end of the body may follow when all was said: it saves the connection, and servers send it at once."""

FINISHED_S = 5.0
"""How long a server that gave a finish reason, and neither `[DONE]` nor the end of the body, may add nothing. Some give
one with every piece, so it is not taken at its word at once; ours: longer than a model that writes pauses, and shorter
than `token_stall_s`, which would fail an answer that is whole."""

ERROR_BODY_S = 2.0
"""How long the words of a refusal may take; its status is known by then."""

CHECK_S = 10.0
"""How long `check` may take: a person waits for it."""

ERROR_BODY_BYTES = 16_384
SECRET_CHARS = 8  # a word so long in a header may be a key; no shorter one is
MODEL_CHARS = 200  # ours: a name that is compared with the one configured; real ones have some 60


NAME_OF_VARIABLE = "the *name* of an environment variable, such as OPENAI_API_KEY"

PLAIN_NAME = re.compile(r"_?[A-Z]{1,20}\d{0,3}(_([A-Z]{1,20}\d{0,3}|\d{1,4})){0,8}")
"""Names of variables that are shown. Ours: narrower than what a system takes, since many a key is made of the same
letters, digits and underscores, as `gsk_...` and `hf_...` are."""


class OpenAIChat:
    """Answers turns with a chat model; implements `LanguageModel`.

    Args:
        base_url: Such as ``https://api.openai.com/v1``.
        model: The model's name at the provider.
        http: The client to send with.
        api_key_env: The name of the environment variable that holds the key; None sends no key.
        headers: More headers; an ``authorization`` here takes the place of the key's.
        extra_body: More fields of the request, such as ``temperature``.
        include_usage: Ask for the usage (`stream_options`); false for servers that refuse the field.

    Raises:
        ConfigError: An option has a bad value, or the variable is not set.
        TypeError: `http` is no client of `open_http`.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        http: HttpClient,
        api_key_env: str | None = None,
        headers: Mapping[str, str] | None = None,
        extra_body: Mapping[str, object] | None = None,
        include_usage: bool = True,
    ) -> None:
        self._url = _base_url(base_url)
        self._model = _text("model", model, "the model's name at the provider")
        self._http = check_type(http, HttpClient, "http", "give what `async with open_http() as http:` gives")
        key = None if api_key_env is None else _key(_text("api_key_env", api_key_env, NAME_OF_VARIABLE))
        self._headers = ({"authorization": f"Bearer {key}"} if key else {}) | _headers(headers or {})
        self._extra_body = _extra_body({} if extra_body is None else extra_body)
        if not isinstance(include_usage, bool):
            raise ConfigError(_place("include_usage"), "write true or false")
        self._include_usage = include_usage
        secrets = [key] if key else []
        secrets += [word for value in self._headers.values() for word in value.split() if len(word) >= SECRET_CHARS]
        self._provider = Provider(urlsplit(self._url).netloc, self._model, api_key_env, Secrets(secrets))

    async def generate(self, turn: Turn, out: trio.abc.SendChannel[ModelOutput]) -> None:
        """Stream the answer: text as it comes, then the function calls, then the usage if the server tells it.

        The text that came in one network read is one `Delta`; a read that brought reasoning or a part of a call, and no
        text, is one `Thinking`. The answer ends by the server's word: with `[DONE]`, or after a finish reason with the
        body, or with 5 s in which no more of the answer comes. Before that word no pause ends it; the caller bounds
        those. However the connection ends after it, the answer stands. Cancellation closes it, so the model stops.

        Raises:
            UpstreamError: The provider refused, broke off, reported an error in mid-stream or spoke nonsense.
            UpstreamTimeout: It could not be reached in time.
        """
        provider = self._provider.asked(turn)
        url = f"{self._url}/chat/completions"
        async with self._http.stream("POST", url, headers=self._headers, json=self._body(turn)) as response:
            if response.status_code != 200:
                raise await _refusal(provider, response)
            answer = Completion(provider, response.headers.get("content-type", "none"))
            body = chunks(response)
            wait_until = inf
            while not answer.all_said and (data := await _next(body, answer, wait_until)) is not None:
                if text := answer.feed(data):
                    await out.send(Delta(text))
                elif answer.thinking:
                    await out.send(Thinking())
                if answer.finished and (text or answer.thinking or wait_until == inf):
                    wait_until = trio.current_time() + FINISHED_S
            if text := answer.end():
                await out.send(Delta(text))
            for call in answer.tool_calls():
                await out.send(call)
            if answer.usage is not None:
                await out.send(answer.usage)
            with trio.move_on_after(CLOSE_S):
                while answer.all_said and await _next(body, answer) is not None:
                    pass  # whatever it is, it is no part of the answer

    async def list_models(self) -> tuple[ListedModel, ...] | None:
        """Ask the provider for its models and return them, None where it lists none; bounded by 10 s.

        Raises:
            UpstreamError: It cannot be reached, or refuses the key.
            UpstreamTimeout: It did not answer in time.
        """
        return (await self._listed())[1]

    async def check(self) -> CheckVerdict:
        """Ask the provider for its models and return a verdict in one line; bounded by 10 s.

        It is a warning where the model is not among them, or there is no list.

        Raises:
            UpstreamError: It cannot be reached, or refuses the key.
            UpstreamTimeout: It did not answer in time.
        """
        status, listed = await self._listed()
        names = None if listed is None else {model.id for model in listed}
        return _verdict(self._provider.place, self._model, status, names)

    async def _listed(self) -> tuple[int, tuple[ListedModel, ...] | None]:
        """Return the status of the provider's answer to the question for its models, and the models."""
        try:
            with trio.fail_after(CHECK_S):
                async with self._http.stream("GET", f"{self._url}/models", headers=self._headers) as response:
                    status = response.status_code
                    if status in (401, 403, 429) or status >= 500:
                        raise await _refusal(self._provider, response)
                    return status, listed_models(await _read(response, LIST_BYTES)) if status == 200 else None
        except trio.TooSlowError:
            message = f"the model's provider did not answer within {CHECK_S:g} s"
            raise UpstreamTimeout(message, operator_detail=self._provider.place) from None

    def _body(self, turn: Turn) -> dict[str, object]:
        body: dict[str, object] = {"model": self._model}
        if self._include_usage:
            body["stream_options"] = {"include_usage": True}
        if turn.tools:
            body["tools"] = [_tool(tool) for tool in turn.tools]
        body |= self._extra_body
        body["messages"] = [{"role": each.role, "content": each.content} for each in turn.messages]
        body["stream"] = True
        return body


def _tool(tool: Tool) -> dict[str, object]:
    """Return a tool in OpenAI's form; servers refuse a schema without a type."""
    parameters = dict(tool.parameters) or {"type": "object", "properties": {}}
    return {
        "type": "function",
        "function": {"name": tool.name, "description": tool.description, "parameters": parameters},
    }


async def _next(body: AsyncIterator[bytes], answer: Completion, until: float = inf) -> bytes | None:
    """Return the next bytes of the body; None at its end, which after that of the answer may be any.

    A broken connection then, or nothing more by `until`.
    """
    if not answer.finished:
        return await anext(body, None)
    try:
        with trio.CancelScope(deadline=until):
            return await anext(body, None)
    except UpstreamError:
        pass
    return None


async def _refusal(provider: Provider, response: httpx.Response) -> UpstreamError:
    body = b""
    try:
        with trio.move_on_after(ERROR_BODY_S):
            body = await _read(response, ERROR_BODY_BYTES)
    except UpstreamError:
        pass  # its status says enough
    return provider.refused(response.status_code, refusal_words(body))


async def _read(response: httpx.Response, limit: int) -> bytes:
    """Return the body, or its beginning where it is longer than `limit` bytes."""
    body = bytearray()
    async for chunk in chunks(response):
        body += chunk
        if len(body) >= limit:
            break
    return bytes(body[:limit])


def _verdict(place: str, model: str, status: int, names: set[str] | None) -> CheckVerdict:
    """Return what is to be said of a provider that answers: with its models, or with None where it lists none."""
    if names is None:
        said = "" if status == 200 else f" at /models (HTTP {status})"
        words = f"it lists no models{said}, so neither {model} nor the path of base_url is verified"
        return CheckVerdict(f"{place} is reachable; {words}", warning=True)
    if model in names:
        return CheckVerdict(f"{place} is reachable and has {model}")
    close = difflib.get_close_matches(model, [name for name in names if len(name) <= MODEL_CHARS], n=1)
    hint = f": did you mean {close[0]}?" if close else ""
    words = f"{place} is reachable, but {model} is not among the {len(names)} models it lists{hint}"
    return CheckVerdict(words, warning=True)


def _place(option: str) -> str:
    return f"openai_chat option {option}"


def _text(option: str, value: object, what: str) -> str:
    if not isinstance(value, str) or not value or not value.isprintable():
        raise ConfigError(_place(option), f"write {what}, as a string")
    return value


def _base_url(value: object) -> str:
    url = _text("base_url", value, "a URL such as https://api.openai.com/v1").rstrip("/")
    try:
        parts = urlsplit(url)
        well_formed = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        (parts.hostname or "").encode("idna")  # a name that cannot be looked up, such as a..b, is a UnicodeError
    except ValueError:
        well_formed = False
    if not well_formed or parts.username is not None or parts.query or parts.fragment:
        # The value stays out of the message: some put the key into it.
        raise ConfigError(
            _place("base_url"),
            "write an http or https URL such as https://api.openai.com/v1, without user, query or fragment",
        )
    if parts.path.endswith("/chat/completions"):
        raise ConfigError(_place("base_url"), "write only the part of the URL before /chat/completions")
    return url


def _key(variable: str) -> str:
    """Return the key that the variable holds. A `variable` that may be the key itself is in no error."""
    key = os.environ.get(variable, "").strip()
    shown = PLAIN_NAME.fullmatch(variable) is not None
    place = f"environment {variable}" if shown else _place("api_key_env")
    if not key and not shown:
        raise ConfigError(
            place,
            f"this takes {NAME_OF_VARIABLE}, and none has the name given: put the key into one, and name it",
        )
    if not key:
        raise ConfigError(place, "the variable is not set, and api_key_env names it: set it to the provider's key")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigError(place, "this is no key: it must be of printable ASCII characters, without spaces")
    return key


def _headers(value: object) -> dict[str, str]:
    expected = "write a table of header names and their values, all strings of one printable ASCII line"
    if not isinstance(value, Mapping):
        raise ConfigError(_place("headers"), expected)
    for text in (*value.keys(), *value.values()):
        if not isinstance(text, str) or not text.isascii() or not text.isprintable():
            raise ConfigError(_place("headers"), expected)
    return {name.lower(): text for name, text in value.items()}


def _extra_body(value: object) -> dict[str, object]:
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise ConfigError(_place("extra_body"), "write a table of fields of the request, such as temperature")
    for name in ("messages", "stream"):
        if name in value:
            raise ConfigError(_place("extra_body"), f"leave out {name}, which voxint itself sets")
    return dict(value)
