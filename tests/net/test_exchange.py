from __future__ import annotations

import gzip
from collections.abc import AsyncIterator

import httpx
import pytest
import trio
import trio.lowlevel
from attrs import evolve

from tests.net.loopback import Conversation, client_tls, saying, serve, server_tls, until
from voxint.net import spares
from voxint.net.exchange import HEAD_BYTES, HEADER_LINES
from voxint.net.pool import PoolStatistics
from voxint.net.transport import HttpTransport, open_transport

NOTHING = PoolStatistics(in_use=0, idle=0, spares=0, dialing=0, waiting=0)
HEAD = b"HTTP/1.1 200 OK\r\n"
OK = HEAD + b"content-length: 2\r\n\r\nok"


async def fetch(transport: HttpTransport, method: str, url: str, **fields: str) -> tuple[int, bytes]:
    """Ask, and return the status and the whole body."""
    received = await transport.send(httpx.Request(method, url, headers=fields))
    try:
        return received.head.status_code, b"".join([chunk async for chunk in received.body])
    finally:
        received.body.close()


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (OK, 200, b"ok"),
        (HEAD + b"content-length: 0\r\n\r\n", 200, b""),
        (HEAD + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nok", 200, b"ok"),
        (HEAD + b"transfer-encoding: Chunked\r\n\r\n1\r\no\r\n1;x=y\r\nk\r\n0\r\nTrailer: dropped\r\n\r\n", 200, b"ok"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n", 204, b""),
        (b"HTTP/1.1 304 Not Modified\r\ntransfer-encoding: chunked\r\n\r\n", 304, b""),
        (b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + OK, 200, b"ok"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + OK, 200, b"ok"),
        (HEAD + b"connection: keep-alive\r\ncontent-length: 2\r\n\r\nok", 200, b"ok"),
        (b"HTTP/1.1 200\r\ncontent-length: 2\r\n\r\nok", 200, b"ok"),
    ],
)
async def test_responses_that_keep_the_connection(answer: bytes, status: int, body: bytes) -> None:
    """Each framing ends where it says, and the connection carries the next request."""
    async with serve(saying(answer)) as server, open_transport() as transport:
        for _ in range(2):
            assert await fetch(transport, "GET", server.url) == (status, body)
        assert (server.accepted, transport.statistics()) == (1, evolve(NOTHING, idle=1))


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (HEAD + b"connection: close\r\ncontent-length: 2\r\n\r\nok", b"ok"),
        (HEAD + b"connection: upgrade, Close\r\ncontent-length: 2\r\n\r\nok", b"ok"),
        (HEAD + b"connection: foo\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok", b"ok"),
        (b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok", b"ok"),
        (b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nok", b"ok"),
        (HEAD + b"content-length: 7\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", b"ok"),
        (OK + b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil", b"ok"),
        (OK + b"\r\n", b"ok"),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n" + OK, b"ok"),
        (b"HTTP/1.1 204 No Content\r\ncontent-length: 2\r\n\r\nok", b""),
    ],
)
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
async def test_responses_that_cost_the_connection(answer: bytes, body: bytes, secure: bool) -> None:
    """The answer is read as it is meant, and what may follow on that connection is not trusted to be the next one's."""
    async with (
        serve(saying(answer), server_tls() if secure else None) as server,
        open_transport(verify=client_tls()) as transport,
    ):
        for _ in range(2):
            assert (await fetch(transport, "GET", server.url))[1] == body
        assert (server.accepted, transport.statistics()) == (2, NOTHING)
        assert server.sockets() == 0


async def test_bytes_that_follow_later_cost_the_connection() -> None:
    """They are found when the connection is about to be used again."""
    sent = trio.Event()

    async def late(conversation: Conversation) -> None:
        while await conversation.stream.receive_some():
            await conversation.stream.send_all(OK)
            await trio.lowlevel.checkpoint()
            await conversation.stream.send_all(HEAD + b"content-length: 4\r\n\r\nevil")
            sent.set()

    async with serve(late, server_tls()) as server, open_transport(verify=client_tls()) as transport:
        assert await fetch(transport, "GET", server.url) == (200, b"ok")
        await sent.wait()
        assert await fetch(transport, "GET", server.url) == (200, b"ok")
        assert server.accepted == 2


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
async def test_a_body_without_a_length_ends_with_the_connection(version: bytes) -> None:
    """However it is cut, and never with the connection kept."""

    async def old(conversation: Conversation) -> None:
        await conversation.stream.receive_some()
        for piece in (b"HTTP/" + version + b" 200 OK\r\n\r\none ", b"two"):
            await conversation.stream.send_all(piece)
            await trio.lowlevel.checkpoint()

    async with serve(old) as server, open_transport() as transport:
        assert await fetch(transport, "GET", server.url) == (200, b"one two")
        assert transport.statistics() == NOTHING


async def test_the_answer_to_head_has_no_body() -> None:
    """Whatever length it says the body would have."""
    async with serve(saying(HEAD + b"content-length: 1000\r\n\r\n")) as server, open_transport() as transport:
        for _ in range(2):
            assert await fetch(transport, "HEAD", server.url) == (200, b"")
        assert server.accepted == 1


async def test_a_request_that_says_close_is_the_last() -> None:
    """The server will close, whether it says so or not."""
    async with serve(saying(OK)) as server, open_transport() as transport:
        assert await fetch(transport, "GET", server.url, connection="close") == (200, b"ok")
        assert transport.statistics() == NOTHING


def padded(size: int) -> bytes:
    """Return a whole head of `size` bytes."""
    line = b"pad: "
    rest = size - len(HEAD) - len(b"content-length: 2\r\n") - len(line) - 4
    return HEAD + b"content-length: 2\r\n" + line + b"p" * rest + b"\r\n\r\n"


def lined(count: int) -> bytes:
    """Return a whole head of `count` header lines."""
    return HEAD + b"content-length: 2\r\n" + b"x: y\r\n" * (count - 1) + b"\r\n"


@pytest.mark.parametrize("head", [padded(HEAD_BYTES), lined(HEADER_LINES)])
async def test_a_head_at_its_bounds_passes(head: bytes) -> None:
    """The bounds are exact."""
    async with serve(saying(head + b"ok")) as server, open_transport() as transport:
        assert await fetch(transport, "GET", server.url) == (200, b"ok")


HINT = b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (padded(HEAD_BYTES + 1) + b"ok", "longer than"),
        (HEAD + b"x: " + b"x" * 200_000, "longer than"),
        (HEAD + b"x: y\r\n" * 20_000, "longer than"),
        (lined(HEADER_LINES + 1) + b"ok", "more than 100 header lines"),
        (b"HTTP/1.1 103 Early Hints\r\nlink: %b\r\n\r\n" % (b"x" * 2_000) * 40 + OK, "longer than"),
        (HINT * 51 + OK, "more than 100 header lines"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 101 + OK, "more than 100 header lines"),
        (b"HTTP/1.1 103 Early Hints\r\n" + b"x: y\r\n" * 101 + b"\r\n" + OK, "more than 100 header lines"),
        (b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n", "Received"),
        (HEAD + b"content-length: 2\r\ncontent-length: 3\r\n\r\nok", "conflicting"),
        (HEAD + b"content-length: -2\r\n\r\nok", "bad Content-Length"),
        (HEAD + b"transfer-encoding: gzip, chunked\r\n\r\n", "Transfer-Encoding"),
        (b"220 mail.example ESMTP\r\n\r\n", "illegal status line"),
        (b"\x16\x03\x01", "illegal request line"),
        (HEAD + b"transfer-encoding: chunked\r\n\r\nnonsense\r\n", "cannot be read"),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\nok", "in the middle"),
        (HEAD + b"content-length: 5\r\n\r\nok", "in the middle"),
        (HEAD[:10], "instead of answering"),
        (b"", "instead of answering"),
    ],
)
async def test_what_is_no_response_is_refused(answer: bytes, words: str) -> None:
    """It ends its connection, and leaves no place taken."""
    async with serve(saying(answer, closing=True)) as server, open_transport() as transport:
        with pytest.raises(httpx.RemoteProtocolError, match=words):
            await fetch(transport, "GET", server.url)
        assert transport.statistics().in_use == 0
        await until(lambda: server.sockets() == transport.statistics().spares)


@pytest.mark.parametrize(
    "request_",
    [
        httpx.Request("GET", "http://127.0.0.1:1/", headers={"a": "b\r\nc: d"}),
        httpx.Request("GET /x HTTP/1.1\r\nx: ", "http://127.0.0.1:1/"),
        httpx.Request("POST", "http://127.0.0.1:1/", headers={"content-length": "2"}, content=b"more"),
        httpx.Request("GÉT", "http://127.0.0.1:1/"),
    ],
)
async def test_what_is_no_request_is_not_sent(request_: httpx.Request) -> None:
    """Nobody can put a second request into the first, and the error shows nothing of it."""
    async with serve(saying(OK)) as server, open_transport() as transport:
        request_.url = request_.url.copy_with(port=server.port)
        with pytest.raises(httpx.LocalProtocolError, match=r"^the request is not legal HTTP$") as caught:
            await transport.send(request_)
        assert caught.value.__cause__ is None
        assert transport.statistics().in_use == 0


async def endless(taken: list[bytes]) -> AsyncIterator[bytes]:
    """Yield a piece and then wait for ever, as a microphone does in silence."""
    taken.append(b"piece")
    yield b"piece"
    await trio.sleep_forever()


async def test_a_refusal_ends_the_upload() -> None:
    """It is heard while the upload goes on, and not when that ends; the connection is not used again."""

    async def refusing(conversation: Conversation) -> None:
        await conversation.stream.receive_some()
        await conversation.stream.send_all(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\n\r\nno")
        await conversation.closed()

    taken: list[bytes] = []
    async with serve(refusing) as server, open_transport() as transport:
        with trio.fail_after(5):
            received = await transport.send(httpx.Request("POST", server.url, content=endless(taken)))
        assert received.head.status_code == 401
        assert await received.body.read() == b"no"
        assert (taken, transport.statistics()) == ([b"piece"], NOTHING)


async def test_a_refusal_of_a_large_body_is_heard() -> None:
    """A server that reads no further keeps the client from sending, not from hearing."""

    async def refusing(conversation: Conversation) -> None:
        await conversation.stream.receive_some(1000)
        await conversation.stream.send_all(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n")
        await trio.sleep_forever()

    async with serve(refusing) as server, open_transport() as transport:
        with trio.fail_after(5):
            received = await transport.send(httpx.Request("POST", server.url, content=bytes(50_000_000)))
        assert received.head.status_code == 413
        assert transport.statistics() == NOTHING


async def test_a_refusal_before_the_connection_closes_is_heard() -> None:
    """The upload cannot be sent to its end; the answer that came before says why."""

    async def refusing(conversation: Conversation) -> None:
        await conversation.stream.receive_some(1000)
        await conversation.stream.send_all(b"HTTP/1.1 413 Too Large\r\nconnection: close\r\n\r\nno")
        assert isinstance(conversation.stream, trio.SocketStream)
        await conversation.stream.send_eof()
        await conversation.closed()

    async with serve(refusing) as server, open_transport() as transport:
        received = await transport.send(httpx.Request("POST", server.url, content=bytes(5_000_000)))
        assert (received.head.status_code, await received.body.read()) == (413, b"no")
        received.body.close()


async def test_an_answer_that_is_no_refusal_waits_for_the_upload() -> None:
    """A server may begin its answer early and still want all of the request."""
    begun = trio.Event()

    async def upload() -> AsyncIterator[bytes]:
        yield b"one "
        await begun.wait()
        yield b""
        yield b"two"

    async def early(conversation: Conversation) -> None:
        data = bytes(await conversation.stream.receive_some())
        await conversation.stream.send_all(HEAD + b"transfer-encoding: chunked\r\n\r\n")
        begun.set()
        while not data.endswith(b"0\r\n\r\n"):
            data += await conversation.stream.receive_some()
        body = data.partition(b"\r\n\r\n")[2]
        await conversation.stream.send_all(b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))

    async with serve(early) as server, open_transport() as transport:
        received = await transport.send(httpx.Request("POST", server.url, content=upload()))
        assert await received.body.read() == b"4\r\none \r\n3\r\ntwo\r\n0\r\n\r\n"
        assert await received.body.read() == b""
        assert transport.statistics() == evolve(NOTHING, idle=1)


async def test_what_an_upload_raises_comes_out() -> None:
    """As it is and not in a group; the connection is closed, also where it has to be waited for."""

    async def failing(pieces: int) -> AsyncIterator[bytes]:
        for _ in range(pieces):
            yield b"piece"
        raise ZeroDivisionError

    async with serve(saying(b"")) as server, open_transport() as transport:
        for pieces in range(3):
            with pytest.raises(ZeroDivisionError):
                await transport.send(httpx.Request("POST", server.url, content=failing(pieces)))
            assert (transport.statistics().in_use, server.sockets()) == (0, 0)


async def test_an_empty_upload_is_a_request_all_the_same() -> None:
    """A stream that yields nothing is an empty body."""

    async def nothing() -> AsyncIterator[bytes]:
        for piece in (b"",):
            yield piece

    async def echo(conversation: Conversation) -> None:
        while request := await conversation.request():
            await conversation.answer(b"<%b>" % request[1])

    async with serve(echo) as server, open_transport() as transport:
        received = await transport.send(httpx.Request("POST", server.url, content=nothing()))
        assert await received.body.read() == b"<>"
        received.body.close()


async def test_cancelled_in_an_upload_nothing_is_left() -> None:
    """Waiting for the first piece, for the next one, or for room: the place is free and the socket closed at once."""

    async def slow(pieces: int) -> AsyncIterator[bytes]:
        for _ in range(pieces):
            yield b"piece"
        await trio.sleep_forever()

    async def reading_nothing(conversation: Conversation) -> None:
        await trio.sleep_forever()

    async with serve(reading_nothing) as server, open_transport() as transport:
        for content in (slow(0), slow(1), slow(2), bytes(50_000_000)):
            with trio.move_on_after(0.02) as scope:
                await transport.send(httpx.Request("POST", server.url, content=content))
            assert scope.cancelled_caught
            held = transport.statistics()
            assert (held.in_use, held.spares + held.dialing > 0) == (0, True)
            assert server.sockets() <= held.spares + held.dialing


async def test_cancelled_in_an_upload_the_socket_closes_in_that_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a pass of the scheduler later, when everything that belonged to the request has ended."""
    monkeypatch.setattr(spares, "SPARES_IN_ALL", 0)

    async def taking(conversation: Conversation) -> None:
        await conversation.closed()

    async def ask() -> None:
        with scope:
            await transport.send(httpx.Request("POST", server.url, content=endless([])))

    async with serve(taking) as server, open_transport() as transport, trio.open_nursery() as nursery:
        for _ in range(30):
            scope = trio.CancelScope()
            nursery.start_soon(ask)
            await until(lambda: server.sockets() == 1)
            await trio.testing.wait_all_tasks_blocked()
            scope.cancel()
            await trio.lowlevel.checkpoint()
            await trio.lowlevel.checkpoint()  # now everything that was cancelled has taken one step, or two
            assert server.sockets() == 0


async def test_a_packed_body_is_the_callers_to_unpack() -> None:
    """The transport gives bytes as they came, as httpx wants them."""
    body = gzip.compress(b"plain")
    answer = HEAD + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
    async with (
        serve(saying(answer)) as server,
        open_transport() as transport,
        httpx.AsyncClient(transport=transport) as client,
    ):
        assert (await client.get(server.url)).content == b"plain"
        assert await fetch(transport, "GET", server.url) == (200, body)
