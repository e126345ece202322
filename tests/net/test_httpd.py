from __future__ import annotations

from functools import partial

import h11
import pytest
import structlog
import trio
import trio.testing

from tests.net.httpd_client import GET, POST_CHUNKED, echo, in_memory
from voxint.net.http_request import HttpError, HttpLimits, HttpRequest, RequestHead
from voxint.net.httpd import serve_connection


async def test_keep_alive_serves_requests_one_after_another() -> None:
    """Bodies of both framings come whole, and one connection serves all requests."""
    async with in_memory(echo) as client:
        for _ in range(2):
            await client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
            assert await client.answer() == (200, b"abc")
            await client.send(POST_CHUNKED + b"2\r\nde\r\n1\r\nf\r\n0\r\n\r\n")
            assert await client.answer() == (200, b"def")


async def test_pipelined_requests_are_answered_in_order() -> None:
    """Requests that come while a handler runs wait for their turn and are not lost."""
    async with in_memory(echo) as client:
        await client.send(b"".join(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n%d" % n for n in range(3)))
        assert [await client.answer() for _ in range(3)] == [(200, b"0"), (200, b"1"), (200, b"2")]


async def test_head_tells_target_query_and_headers() -> None:
    """The handler reads the path, the query and the headers, whose names are case-insensitive."""
    seen: list[RequestHead] = []

    async def handler(request: HttpRequest) -> None:
        seen.append(request.head)
        await request.respond(204)

    async with in_memory(handler) as client:
        await client.send(b"GET /a/b?c=1&c=2&d=%20 HTTP/1.1\r\nHost: x\r\nX-Sim: {}\r\n\r\n")
        assert await client.answer() == (204, b"")
    (head,) = seen
    assert (head.method, head.path, head.query) == ("GET", "/a/b", {"c": "2", "d": " "})
    assert (head.header("x-sim"), head.header("none", "default")) == ("{}", "default")


async def test_body_is_read_while_the_upload_goes_on() -> None:
    """A handler gets the pieces of an upload as they arrive, before its end."""
    pieces, heard = trio.open_memory_channel[bytes](0)

    async def handler(request: HttpRequest) -> None:
        while piece := await request.receive():
            await pieces.send(piece)
        await request.respond(200)

    async with in_memory(handler) as client:
        await client.send(POST_CHUNKED)
        for piece in (b"one", b"two"):
            await client.send(b"3\r\n%b\r\n" % piece)
            assert await heard.receive() == piece
        await client.send(b"0\r\n\r\n")
        assert await client.answer() == (200, b"")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"no http\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nX: %b\r\n" % (b"y" * 2000), 431),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n", 413),
        (POST_CHUNKED + b"b\r\n12345678901\r\n0\r\n\r\n", 413),
        (POST_CHUNKED + b"not a length\r\n", 400),
    ],
)
async def test_bad_and_oversized_input_is_refused(sent: bytes, status: int) -> None:
    """What is malformed or too large gets its status, and the connection is closed."""
    async with in_memory(echo, HttpLimits(head_bytes=1000, body_bytes=10)) as client:
        await client.send(sent)
        assert (await client.answer())[0] == status
        assert await client.closed()


async def test_slow_head_is_answered_408(autojump_clock: trio.testing.MockClock) -> None:
    """The head's time runs from its first byte, however many bytes drip in."""
    async with in_memory(echo, HttpLimits(head_s=4.0)) as client:
        await trio.sleep(2)
        await client.send(GET[:5])
        await trio.sleep(3)
        await client.send(GET[5:10])
        assert (await client.answer())[0] == 408
        assert trio.current_time() - 6.0 == pytest.approx(0.0, abs=1e-9)


async def test_idle_connection_is_closed_in_silence(autojump_clock: trio.testing.MockClock) -> None:
    """Between two requests a connection lasts for the idle time, and its end is no error."""
    async with in_memory(echo, HttpLimits(head_s=4.0, idle_s=16.0)) as client:
        await client.send(GET)
        assert (await client.answer())[0] == 200
        assert await client.closed()
        assert trio.current_time() == 16.0


async def test_paused_body_is_answered_408(autojump_clock: trio.testing.MockClock) -> None:
    """A body may take its time as long as it does not pause for longer than the bound."""
    async with in_memory(echo, HttpLimits(body_s=2.0)) as client:
        await client.send(POST_CHUNKED)
        for _ in range(3):
            await trio.sleep(1.5)
            await client.send(b"1\r\nx\r\n")
        assert (await client.answer())[0] == 408
        assert trio.current_time() == 6.5


async def test_head_is_answered_without_a_body() -> None:
    """HEAD gets the headers of a whole and of a streamed response, and the connection stays in step."""

    async def handler(request: HttpRequest) -> None:
        if request.head.path == "/whole":
            await request.respond(200, b"body")
        else:
            response = await request.stream()
            await response.send(b"body")
            await response.end()

    async with in_memory(handler) as client:
        for path in (b"/whole", b"/stream", b"/whole"):
            await client.send(b"HEAD %b HTTP/1.1\r\nHost: x\r\n\r\n" % path)
            assert await client.answer("HEAD") == (200, b"")


async def test_100_continue_is_sent_when_the_body_is_wanted() -> None:
    """A client that waits for permission gets it with the first read of the body."""
    async with in_memory(echo) as client:
        await client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert (await client.stream.receive_some()).startswith(b"HTTP/1.1 100 ")
        await client.send(b"ok")
        assert await client.answer() == (200, b"ok")


async def test_connection_close_is_honoured() -> None:
    """A client that asks for it finds the connection closed behind the response."""
    async with in_memory(echo) as client:
        await client.send(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert await client.answer() == (200, b"")
        assert await client.closed()


async def test_http_1_0_gets_a_stream_that_ends_with_the_connection() -> None:
    """The old version knows no chunks: its streams are bare, and their end is the close."""

    async def handler(request: HttpRequest) -> None:
        response = await request.stream()
        await response.send(b"bare")
        await response.end()

    async with in_memory(handler) as client:
        await client.send(b"GET / HTTP/1.0\r\n\r\n")
        assert await client.answer() == (200, b"bare")


async def test_stream_is_read_as_it_is_sent() -> None:
    """Each piece of a streamed response is one chunk, there as soon as it was sent."""
    go_on = trio.Event()

    async def handler(request: HttpRequest) -> None:
        response = await request.stream(headers=[("content-type", "text/plain")])
        await response.send(b"one")
        await response.send(b"")
        await go_on.wait()
        await response.send(b"two")
        await response.end()

    async with in_memory(handler) as client:
        client.http.send(h11.Request(method="GET", target="/", headers=[("host", "x")]))
        await client.send(GET)
        assert isinstance(await client.event(), h11.Response)
        assert await client.event() == _chunk(b"one")
        go_on.set()
        assert await client.event() == _chunk(b"two")
        assert isinstance(await client.event(), h11.EndOfMessage)


async def test_stream_left_without_its_end_is_torn() -> None:
    """A handler that fails in mid-stream leaves no end mark, so the client can't take the part for the whole."""

    async def handler(request: HttpRequest) -> None:
        response = await request.stream()
        await response.send(b"part")
        raise ValueError("in mid-stream")

    async with in_memory(handler) as client:
        await client.send(GET)
        with pytest.raises(h11.RemoteProtocolError):
            await client.answer()


async def test_failure_is_answered_500_and_logged_without_its_text() -> None:
    """A handler's bug ends its own request only; the log tells type and place, and not what a person said."""

    async def handler(request: HttpRequest) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(int, "a person's words"))  # type: ignore[arg-type]  # it fails, as it should

    async with in_memory(handler) as client:
        with structlog.testing.capture_logs() as logs:
            await client.send(GET)
            assert (await client.answer())[0] == 500
    assert [entry["path"] for entry in logs] == ["/"]
    assert logs[0]["trace"][0].startswith("ValueError at ")
    assert "words" not in str(logs)


async def test_handler_that_gives_no_answer_is_answered_for() -> None:
    """A client never waits for a handler that forgot it."""

    async def handler(request: HttpRequest) -> None:
        pass

    async with in_memory(handler) as client:
        with structlog.testing.capture_logs() as logs:
            await client.send(GET)
            assert (await client.answer())[0] == 500
    assert len(logs) == 1


async def test_refusal_of_the_handler_is_sent() -> None:
    """A handler refuses by raising, with headers of its own."""

    async def handler(request: HttpRequest) -> None:
        raise HttpError(405, "only POST", headers=[("allow", "POST")])

    async with in_memory(handler) as client:
        await client.send(GET)
        assert await client.answer() == (405, b"only POST\n")


def _chunk(data: bytes) -> h11.Data:
    return h11.Data(data=data, chunk_start=True, chunk_end=True)


@pytest.mark.parametrize("sent", [b"", GET[:5]])
async def test_client_that_leaves_without_a_request_is_no_error(sent: bytes) -> None:
    """A connection closed before its first request, or within its head, ends without an answer or a log entry."""
    ours, theirs = trio.testing.memory_stream_pair()
    with structlog.testing.capture_logs() as logs, trio.fail_after(1):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve_connection, theirs, echo)
            await ours.send_all(sent)
            await ours.send_eof()
            assert await ours.receive_some() == b""
    assert logs == []


async def test_handler_may_bound_the_body_itself() -> None:
    """`read` refuses what is larger than its own limit, though the connection's would let it pass."""

    async def handler(request: HttpRequest) -> None:
        await request.read(limit=2)

    async with in_memory(handler) as client:
        await client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
        assert (await client.answer())[0] == 413


async def test_send_without_waiting_falls_back_where_there_is_no_socket() -> None:
    """On another kind of stream nothing goes without waiting; the `flush`, or the end, sends it."""

    async def handler(request: HttpRequest) -> None:
        response = await request.stream()
        assert not response.send_nowait(b"one ")
        await response.flush()
        assert not response.send_nowait(b"two")
        await response.end()

    async with in_memory(handler) as client:
        await client.send(GET)
        assert await client.answer() == (200, b"one two")
