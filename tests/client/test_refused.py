"""What an HTTP status, a close code or an error of the system means to who connects, and what to do."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Awaitable, Callable
from functools import partial

import pytest
import trio

from voxint.client import connect
from voxint.client.refused import (
    CLOSES,
    MOST_WORDS,
    REDIRECTS,
    STATUSES,
    no_websocket,
    refused,
    tls_failed,
    unreachable,
    why_closed,
)
from voxint.errors import Disconnected

PATIENCE_S = 5.0
NEXT = (
    b"HTTP/1.1 301 Moved\r\nLocation: https://me:pw@voice.example/ws/agent/stream?key=secret\r\nContent-Length: 0\r\n"
)


@pytest.mark.parametrize("status", [*STATUSES, 402, 418, 599])
def test_each_status_says_what_to_do(status: int) -> None:
    """A question to ask oneself, or something to do; and the number, for who looks it up."""
    said = refused(status)
    assert said.startswith(f"the server refused the WebSocket (HTTP status {status}). ")
    assert "?" in said or ": " in said


@pytest.mark.parametrize("status", [200, 204])
def test_a_web_page_is_no_refusal(status: int) -> None:
    """It is the wrong path, or another server: to be full is another status."""
    said = refused(status)
    assert "a web page answered" in said
    assert "/ws/agent/stream" in said
    assert "full" not in said


@pytest.mark.parametrize("status", REDIRECTS)
def test_a_redirect_says_where_to(status: int) -> None:
    """As a WebSocket's address, without what may be a key."""
    location = b"https://me:pw@voice.example/ws/agent/stream?key=secret"
    assert refused(status, [(b"location", location)]) == (
        f"the server leads elsewhere (HTTP status {status}): give the address wss://voice.example/ws/agent/stream"
    )


@pytest.mark.parametrize("location", [b"", b"http://[", b"\xff\x00"])
def test_a_redirect_to_nowhere_is_told_all_the_same(location: bytes) -> None:
    """A header that is none costs no more than its place in the sentence."""
    assert refused(302, [(b"location", location)]).endswith("give the address that it leads to")


def test_the_servers_own_sentence_is_shown() -> None:
    """Its first line, no longer than a sentence, and only where it is a text for a person to read."""
    assert refused(403, (), b"this page's origin is not allowed\nmore").endswith(
        "It says: this page's origin is not allowed"
    )
    assert refused(503, (), b"x" * 1000).endswith("It says: " + "x" * MOST_WORDS)
    for headers, body in (([(b"content-type", b"text/html")], b"<html>"), ([], b"\x1b[2J"), ([], b""), ([], None)):
        assert "It says" not in refused(403, headers, body)


@pytest.mark.parametrize("code", [*CLOSES, 4999])
def test_each_close_code_says_what_it_means(code: int) -> None:
    """And the server's reason in its place, where one came."""
    assert why_closed(code, "").startswith(f"the server closed the connection ({code}). ")
    assert why_closed(code, "no more") == f"the server closed the connection ({code}) and says: no more"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionRefusedError(), "is the server running"),
        (socket.gaierror(-2, "Name or service not known"), "is it spelt right"),
        (TimeoutError(), "firewall"),
        (ConnectionResetError(), "is the port right"),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), "is the network up"),
        (OSError(errno.EMFILE, "Too many open files"), "Too many open files"),
    ],
)
def test_what_the_system_says_is_told_in_our_words(error: OSError, words: str) -> None:
    """Also where it is the cause within a group, as of a name with several addresses."""
    outer = OSError("all attempts to connect failed")
    outer.__cause__ = ExceptionGroup("", [error])
    for each in (error, outer):
        assert words in unreachable(each)
        assert "Errno" not in unreachable(each)


def test_tls_against_plain_and_the_other_way_round() -> None:
    """Each side says which address to write; an unknown certificate is told as that."""
    plain = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number")
    plain.reason = "WRONG_VERSION_NUMBER"
    assert tls_failed(plain).endswith("is its address ws:// and not wss://?")
    assert no_websocket(secure=False, answered=True).endswith("or does it want wss://?")
    assert "wss://" not in no_websocket(secure=True, answered=True)
    unknown = ssl.SSLCertVerificationError()
    unknown.verify_message = "self-signed certificate"
    assert "not trusted (self-signed certificate)" in tls_failed(unknown)


async def told(url: str, answer: Callable[[trio.SocketStream], Awaitable[None]]) -> str:
    """Return what a client says of a server that answers so."""
    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:
            [listener] = await nursery.start(partial(trio.serve_tcp, answer, 0, host="127.0.0.1"))
            port = listener.socket.getsockname()[1]
            with pytest.raises(Disconnected) as caught:
                async with connect(f"{url}127.0.0.1:{port}/ws/agent/stream"):
                    pass
            nursery.cancel_scope.cancel(reason="the test is over")
    return caught.value.message


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "a web page answered (HTTP status 200)"),
        (NEXT + b"\r\n", "give the address wss://voice.example/ws/agent/stream"),
        (b"HTTP/1.1 404 No\r\nContent-Type: text/plain\r\nContent-Length: 7\r\n\r\nno page",
         "There is nothing at this path: voxint's is /ws/agent/stream. It says: no page"),
        (b"HTTP/1.1 503 Busy\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nlate", "It says: late"),
    ],
)  # fmt: skip
async def test_a_server_that_answers_with_http(head: bytes, words: str) -> None:
    """Its status means something, and its words come along, over a real socket."""

    async def answer(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(head)

    assert words in await told("ws://", answer)


async def test_a_plain_server_met_by_tls() -> None:
    """What it answers is no TLS: the client is told which address to write."""

    async def answer(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    assert "is its address ws:// and not wss://?" in await told("wss://", answer)
