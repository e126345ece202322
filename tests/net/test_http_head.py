"""The head of a request: bounded to the byte, refused where two could read it two ways, understood otherwise."""

from __future__ import annotations

import pytest
import trio

from tests.net.httpd_client import echo, in_memory
from voxint.net.http_head import find_head
from voxint.net.http_request import HttpError, HttpLimits, HttpRequest, RequestHead

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"

REFUSED = {
    "a length beside chunks": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n" + CHUNKED + b"\r\n0\r\n\r\n",
    "chunks beside a length": b"POST / HTTP/1.1\r\nHost: x\r\n" + CHUNKED + b"content-length:0\r\n\r\n0\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n",
    "two lengths in a line": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0, 5\r\n\r\n",
    "a length with a sign": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +0\r\n\r\n",
    "no length": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: \r\n\r\n",
    "chunked not last": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "chunked not last in two lines": b"POST / HTTP/1.1\r\nHost: x\r\n"
    + CHUNKED
    + b"Transfer-Encoding: identity\r\n\r\n",
    "chunks in HTTP/1.0": b"POST / HTTP/1.0\r\n" + CHUNKED + b"\r\n0\r\n\r\n",
    "a coding that looks chunked": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a space before the colon": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a header in two lines": b"GET / HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n",
    "a length in two lines": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\t0\r\n\r\n",
    "a line feed alone": b"GET / HTTP/1.1\r\nHost: x\r\nX: a\nY: b\r\n\r\n",
    "an end of line feeds": b"GET / HTTP/1.1\nHost: x\n\n",
    "a carriage return alone": b"GET / HTTP/1.1\r\nHost: x\r\nX: a\rY: b\r\n\r\n",
    "a zero byte": b"GET / HTTP/1.1\r\nHost: x\r\nX: a\0\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
    "a host that is none": b"GET / HTTP/1.1\r\nHost: user@x\r\n\r\n",
    "two hosts in a line": b"GET / HTTP/1.1\r\nHost: x, y\r\n\r\n",
    "a URL without a host": b"GET http:///a HTTP/1.1\r\nHost: x\r\n\r\n",
    "a URL with a user": b"GET http://user@x/a HTTP/1.1\r\nHost: x\r\n\r\n",
    "an empty line in front": b"\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.mark.parametrize("kind", REFUSED)
async def test_what_can_be_read_in_two_ways_is_refused_and_ends_the_connection(kind: str) -> None:
    """With 400, and what may be a second request behind it is not answered."""
    asked: list[str] = []

    async def handler(request: HttpRequest) -> None:
        asked.append(request.head.path)
        await request.respond(200)

    async with in_memory(handler) as client:
        await client.send(REFUSED[kind] + SMUGGLED)
        answer = b""
        while data := await client.stream.receive_some():
            answer += data
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"connection: close\r\n" in answer.lower()
    assert asked == []


async def test_a_coding_that_is_not_known_is_refused_as_such() -> None:
    """With 501: it is the server that cannot (RFC 9112, 6.1)."""
    async with in_memory(echo) as client:
        await client.send(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + SMUGGLED)
        assert (await client.answer())[0] == 501
        assert await client.closed()


def test_the_bound_of_a_head_is_exact() -> None:
    """Whole or not yet, in bytes and in lines, whatever comes behind it in the same read."""
    fits = b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 10 + b"\r\n"
    limits = HttpLimits(head_bytes=len(fits), head_lines=10)
    assert find_head(fits, limits) == len(fits)
    assert find_head(fits + b"\n" * 1000, limits) == len(fits)
    for cut in range(len(fits)):
        assert find_head(fits[:cut], limits) is None
    too_long = fits.replace(b"GET /", b"GET /a")
    too_few_lines = HttpLimits(head_bytes=1000, head_lines=9)
    for raw, bound in ((too_long, limits), (fits, too_few_lines), (fits[:-2] + b"x: y\r\n", limits)):
        with pytest.raises(HttpError) as refusal:
            find_head(raw, bound)
        assert refusal.value.status == 431


@pytest.mark.parametrize("lines", [100, 101, 12_500])
async def test_a_hundred_header_lines_pass(lines: int) -> None:
    """Not one more, however short, in one read or in many, also on a connection that has served before."""
    head = b"GET / HTTP/1.1\r\nHost: x\r\n" + b"a:\r\n" * (lines - 1) + b"\r\n"
    async with in_memory(echo, HttpLimits(head_bytes=1 << 20)) as client:
        await client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + head)
        assert (await client.answer())[0] == 200
        assert (await client.answer())[0] == (200 if lines == 100 else 431)


@pytest.mark.parametrize(
    ("target", "path", "host"),
    [
        ("/a?b=c", "/a", "x"),
        ("http://host/a?b=c", "/a", "host"),
        ("HTTP://host:80/a?b=c", "/a", "host:80"),
        ("https://[::1]:80?b=c", "/", "[::1]:80"),
        ("http://host", "/", "host"),
        ("*", "*", "x"),
        ("//a?b=c", "//a", "x"),
    ],
)
async def test_a_whole_url_is_served_by_its_path(target: str, path: str, host: str) -> None:
    """And its host stands for the header's, as the standard wants it."""
    heads: list[RequestHead] = []

    async def handler(request: HttpRequest) -> None:
        heads.append(request.head)
        await request.respond(200)

    async with in_memory(handler) as client:
        await client.send(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert (await client.answer())[0] == 200
    [head] = heads
    assert (head.path, head.header("host"), head.values("host")) == (path, host, (host,))
    assert head.query == ({"b": "c"} if "b=c" in target else {})


async def test_a_head_that_drips_in_is_bounded_while_it_does() -> None:
    """No end of line has to come for it."""
    async with in_memory(echo, HttpLimits(head_bytes=1000)) as client:
        with trio.fail_after(1):
            await client.send(b"GET /")
            for _ in range(100):
                await client.send(b"x" * 10)
            assert (await client.answer())[0] == 431
