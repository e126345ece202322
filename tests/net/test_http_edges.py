"""What the HTTP client says to a program that uses it wrongly, or too late."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import trio

from tests.net.loopback import Conversation, serve
from voxint.errors import ConfigError
from voxint.net.http import chunks, open_http

CANARY = "persimmon"
wrong: Any = CANARY
octets: Any = CANARY.encode()
nothing: Any = None
nested: Any = {"a": None}


@pytest.mark.parametrize(
    ("given", "kind", "sentence"),
    [
        ({"url": nothing}, TypeError, "url must be a str, not None"),
        ({"url": octets}, TypeError, "url must be a str, not bytes: decode it"),
        ({"url": f"/{CANARY}"}, ConfigError, "URL of a provider: write a whole URL"),
        ({"method": nothing}, TypeError, "method must be a str, not None"),
        ({"headers": []}, TypeError, "headers must be a mapping of strings or None, not a list"),
        ({"headers": nested}, TypeError, "headers must be a mapping of strings or None, and has None in it"),
        ({"content": wrong}, TypeError, "content must be bytes, an AsyncIterable or None, not a str"),
        ({"content": octets, "json": {}}, ValueError, "json and content are each a whole body: give one of them"),
    ],
)
async def test_a_request_is_judged_before_anything_is_dialed(
    given: dict[str, Any], kind: type[Exception], sentence: str
) -> None:
    """A sentence that names the argument, and quotes nothing of it."""
    async with open_http() as http:
        with pytest.raises(kind) as raised:
            async with http.stream(**{"method": "GET", "url": "http://127.0.0.1:9/", **given}):
                pytest.fail("it was sent")
        assert str(raised.value).startswith(sentence)
        assert CANARY not in str(raised.value)
        with pytest.raises(TypeError, match=r"^url must be a str, not None$"):
            http.warm(nothing)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"verify": False}, "verify must be an SSLContext or None, not a bool"),
        ({"max_connections": wrong}, "max_connections must be a whole number, not a str"),
        ({"connect_timeout_s": nothing}, "connect_timeout_s must be a number, not None"),
    ],
)
async def test_what_open_http_is_given_is_judged(given: dict[str, Any], sentence: str) -> None:
    """Other clients take False to check no certificate; this one says what it takes."""
    with pytest.raises(TypeError) as raised:
        async with open_http(**given):
            pytest.fail("it was opened")
    assert str(raised.value) == sentence


async def test_a_client_after_its_block_says_so() -> None:
    """Not that some nursery is closed."""

    async def answer(conversation: Conversation) -> None:
        while await conversation.request():
            await conversation.answer(b"yes")

    async with serve(answer) as server:
        async with open_http() as http, http.stream("GET", server.url) as response:
            assert b"".join([chunk async for chunk in chunks(response)]) == b"yes"
        with pytest.raises(trio.ClosedResourceError, match=r"^the block of open_http\(\) has ended: "):
            async with http.stream("GET", server.url):
                pytest.fail("it was sent")
        with pytest.raises(trio.ClosedResourceError, match=r"^the block of open_http\(\) has ended: "):
            http.warm(server.url)


def test_only_its_own_responses_have_chunks() -> None:
    """One of httpx's own client is read another way."""
    with pytest.raises(TypeError, match=r"^response is none of HttpClient.stream: httpx's own have aiter_bytes\(\)$"):
        chunks(httpx.Response(200, content=b""))
    with pytest.raises(TypeError, match=r"^response must be a Response, not None$"):
        chunks(nothing)
