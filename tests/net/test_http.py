from __future__ import annotations

import random
from collections.abc import AsyncIterator

import h11
import pytest
import trio
from attrs import evolve

from tests.net.loopback import Conversation, client_tls, serve, server_tls, until
from voxint.errors import ConfigError, UpstreamError, UpstreamTimeout
from voxint.net.http import HttpClient, chunks, open_http
from voxint.net.pool import PoolStatistics

NOTHING = PoolStatistics(in_use=0, idle=0, spares=0, dialing=0, waiting=0)


async def talk(conversation: Conversation) -> None:
    """Answer with one chunk of a body that never ends."""
    while await conversation.request():
        await conversation.head()
        await conversation.chunk(b"first")
        await conversation.closed()


async def echo(conversation: Conversation) -> None:
    """Answer every request with its own body."""
    while request := await conversation.request():
        await conversation.answer(request[1])


async def body(http: HttpClient, url: str) -> bytes:
    """Return the whole body."""
    async with http.stream("GET", url) as response:
        return b"".join([chunk async for chunk in chunks(response)])


async def test_body_comes_as_it_was_sent() -> None:
    """Chunks come as they were sent, and the connection goes back to the pool after the last."""
    async with serve(echo) as server, open_http() as http:
        for _ in range(3):
            async with http.stream("POST", server.url, json={"a": 1}) as response:
                assert response.status_code == 200
                assert b"".join([chunk async for chunk in chunks(response)]) == b'{"a":1}'
        assert server.accepted == 1
        assert http.statistics() == evolve(NOTHING, idle=1)


async def test_body_that_ends_with_the_connection() -> None:
    """A body without a length ends where the server closes."""

    async def old(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.stream.send_all(b"HTTP/1.0 200 OK\r\n\r\nall")

    async with serve(old) as server, open_http() as http:
        assert await body(http, server.url) == b"all"
        assert http.statistics() == NOTHING


async def test_head_and_body_leave_together() -> None:
    """A request is one segment, which is one wake-up of the server less; one without a body leaves all the same."""
    seen: list[bytes] = []

    async def script(conversation: Conversation) -> None:
        for _ in range(2):
            seen.append(bytes(await conversation.stream.receive_some()))
            await conversation.stream.send_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

    async with serve(script) as server, open_http() as http:
        async with http.stream("POST", f"{server.url}/", json={"a": 1}) as response:
            assert await response.aread() == b""
        async with http.stream("GET", f"{server.url}/") as response:
            assert await response.aread() == b""
    assert seen[0].startswith(b"POST / ")
    assert seen[0].endswith(b'\r\n\r\n{"a":1}')
    assert seen[1].startswith(b"GET / ")


async def test_upload_goes_in_chunks() -> None:
    """An async iterable is sent chunk by chunk as it yields."""

    async def upload() -> AsyncIterator[bytes]:
        yield b"one "
        yield b"two"

    async with serve(echo) as server, open_http() as http:
        async with http.stream("POST", server.url, content=upload()) as response:
            assert await response.aread() == b"one two"
        async with http.stream("POST", server.url, content=b"three") as response:
            assert await response.aread() == b"three"


@pytest.mark.parametrize("cancelled", [False, True])
async def test_leaving_early_closes_and_dials_a_spare(cancelled: bool) -> None:
    """Leaving before the end closes the connection, seen by the server, and a spare is dialed for the next request."""
    closed = trio.Event()

    async def watched(conversation: Conversation) -> None:
        try:
            await talk(conversation)
        finally:
            closed.set()

    async with serve(watched, server_tls()) as server, open_http(verify=client_tls()) as http:
        with trio.CancelScope() as scope:
            async with http.stream("GET", server.url) as response:
                async for chunk in chunks(response):
                    assert chunk == b"first"
                    if not cancelled:
                        break
                    scope.cancel()
        with trio.fail_after(5):
            await closed.wait()
        await until(lambda: http.statistics() == evolve(NOTHING, spares=1))
        async with http.stream("GET", server.url):
            assert server.accepted == 2


async def test_cancelled_before_the_head_dials_a_spare() -> None:
    """A server that says nothing loses its connection at the cancellation, and a spare takes the place."""

    async def silent(conversation: Conversation) -> None:
        await conversation.closed()

    async with serve(silent) as server, open_http() as http:
        with trio.move_on_after(0.05) as scope:
            async with http.stream("GET", server.url):
                pytest.fail("no head was sent")
        assert scope.cancelled_caught
        await until(lambda: http.statistics() == evolve(NOTHING, spares=1))


async def test_random_cancels_over_tls_leave_nothing() -> None:
    """A hundred requests over TLS, cancelled at random instants of dial and answer, leave no slot and no socket."""
    chance = random.Random(5)
    async with serve(talk, server_tls()) as server, open_http(verify=client_tls(), max_connections=10) as http:
        started = trio.current_time()
        async with http.stream("GET", server.url) as response:
            await anext(chunks(response))
        whole_s = trio.current_time() - started
        for _ in range(100):
            with trio.move_on_after(chance.uniform(0, whole_s)):
                async with http.stream("GET", server.url) as response:
                    await anext(chunks(response))
        await until(lambda: http.statistics() == evolve(NOTHING, spares=http.statistics().spares))
        assert server.sockets() == http.statistics().spares <= 4
    assert server.sockets() == 0


async def test_closing_the_client_closes_everything() -> None:
    """After the client's block no connection, idle or spare, is open."""
    async with serve(echo) as server:
        async with open_http() as http:
            async with http.stream("POST", server.url, json=1) as response:
                await response.aread()
            http.warm(server.url)
            await until(lambda: http.statistics() == evolve(NOTHING, idle=1, spares=1))
            assert server.sockets() == 2
        assert server.sockets() == 0
        assert http.statistics() == NOTHING


async def test_warm_spares_the_first_request_its_dial() -> None:
    """A request after `warm` uses the connection dialed then."""
    async with serve(echo) as server, open_http() as http:
        http.warm(server.url)
        await until(lambda: http.statistics().spares == 1)
        async with http.stream("POST", server.url, json=1) as response:
            await response.aread()
        assert server.accepted == 1


async def test_refused_connection() -> None:
    """A closed port is an UpstreamError that names host and port and the system's reason."""
    async with serve(echo) as server:
        pass
    async with open_http() as http:
        with pytest.raises(UpstreamError, match=rf"127\.0\.0\.1:{server.port} cannot be reached: Connection refused"):
            async with http.stream("GET", server.url):
                pytest.fail("nobody listens")


async def test_untrusted_certificate() -> None:
    """A certificate nobody vouches for is named as the reason."""
    async with serve(echo, server_tls()) as server, open_http() as http:
        with pytest.raises(UpstreamError, match="certificate is not trusted"):
            async with http.stream("GET", server.url):
                pytest.fail("must not trust")
        assert http.statistics() == NOTHING
        assert server.sockets() == 0


async def test_tls_with_a_server_that_has_none() -> None:
    """Asking for https where plain HTTP is spoken names TLS as the reason."""

    async def plain(conversation: Conversation) -> None:
        await conversation.stream.receive_some()
        await conversation.stream.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await conversation.closed()

    async with serve(plain) as server, open_http(verify=client_tls()) as http:
        with pytest.raises(UpstreamError, match=r"TLS failed \(wrong version number\)"):
            async with http.stream("GET", server.url.replace("http:", "https:")):
                pytest.fail("no TLS there")
        assert server.sockets() == 0


async def test_connect_timeout_covers_tls() -> None:
    """A server that accepts and never shakes hands is an UpstreamTimeout, and its socket is closed."""

    async def silent(conversation: Conversation) -> None:
        await trio.sleep_forever()

    async with serve(silent) as server, open_http(connect_timeout_s=0.05, verify=client_tls()) as http:
        with pytest.raises(UpstreamTimeout, match=r"did not accept a connection within 0\.05 s"):
            async with http.stream("GET", server.url.replace("http:", "https:")):
                pytest.fail("no handshake")
        assert http.statistics() == NOTHING
        assert server.sockets() == 0


async def test_pool_timeout() -> None:
    """A request that finds every connection in use gives up in time and says which setting to raise."""
    async with (
        serve(talk) as server,
        open_http(max_connections=1, connect_timeout_s=0.05) as http,
        http.stream("GET", server.url),
    ):
        with pytest.raises(UpstreamTimeout, match="raise max_connections"):
            async with http.stream("GET", server.url):
                pytest.fail("there is one connection only")
        assert http.statistics().in_use == 1


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab", b"220 secret mail\r\n"])
async def test_broken_off(sent: bytes) -> None:
    """A connection that ends early or speaks another protocol is an UpstreamError that quotes none of it."""

    async def breaking(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.stream.send_all(sent)

    async with serve(breaking) as server, open_http() as http:
        with pytest.raises(UpstreamError, match=f":{server.port} broke off") as caught:
            await body(http, server.url)
        assert "secret" not in str(caught.value)
        assert http.statistics().in_use == 0


async def test_illegal_header_stays_out_of_the_error() -> None:
    """A key with a line break makes an error that does not show it, not even in its cause."""
    async with serve(echo) as server, open_http() as http:
        with pytest.raises(UpstreamError, match="not legal HTTP") as caught:
            async with http.stream("GET", server.url, headers={"authorization": "Bearer hush\n"}):
                pytest.fail("an illegal header was sent")
        assert "hush" not in str(caught.value)
        assert caught.value.__cause__ is None
        assert not caught.value.retryable


@pytest.mark.parametrize("url", ["", "localhost:80", "ftp://host/", "http://", "http://[::1"])
async def test_not_a_url(url: str) -> None:
    """What is no http URL is the operator's error."""
    async with open_http() as http:
        with pytest.raises(ConfigError):
            http.warm(url)


async def test_a_key_beyond_ascii_stays_out_of_the_error() -> None:
    """It cannot be sent, and is not shown either."""
    async with open_http() as http:
        with pytest.raises(UpstreamError, match="letters beyond ASCII") as caught:
            async with http.stream("GET", "http://127.0.0.1:1/", headers={"authorization": "Bearer hüsh"}):
                pytest.fail("an illegal header was sent")
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__


async def test_a_refusal_is_heard_in_the_middle_of_an_upload() -> None:
    """The upload ends there, and the generator it came from is closed."""
    ended = trio.Event()

    async def flood() -> AsyncIterator[bytes]:
        try:
            while True:
                yield bytes(1_000_000)
        finally:
            ended.set()

    async def refusing(conversation: Conversation) -> None:
        await conversation.stream.receive_some(1000)
        await conversation.stream.send_all(b"HTTP/1.1 413 Too Large\r\ncontent-length: 5\r\n\r\nenoug")
        await trio.sleep_forever()

    async with serve(refusing) as server, open_http() as http:
        with trio.fail_after(5):
            async with http.stream("POST", server.url, content=flood()) as response:
                assert ended.is_set()
                assert (response.status_code, await response.aread()) == (413, b"enoug")
        assert http.statistics() == NOTHING


async def test_no_redirect_no_cookie_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of them would carry something of one caller to somebody else."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1/")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1/")
    seen: list[h11.Request] = []

    async def redirecting(conversation: Conversation) -> None:
        while request := await conversation.request():
            seen.append(request[0])
            await conversation.stream.send_all(
                b"HTTP/1.1 302 Found\r\nlocation: /other\r\nset-cookie: a=b\r\ncontent-length: 0\r\n\r\n"
            )
            conversation.http = h11.Connection(h11.SERVER)

    async with serve(redirecting) as server, open_http() as http:
        for _ in range(2):
            async with http.stream("GET", server.url) as response:
                assert response.status_code == 302
    assert [request.target for request in seen] == [b"/", b"/"]
    assert all(name != b"cookie" for request in seen for name, _ in request.headers)


async def test_nothing_but_identity_is_asked_for() -> None:
    """A body that is packed comes late: the packer holds tokens back."""
    seen: list[h11.Request] = []

    async def looking(conversation: Conversation) -> None:
        while request := await conversation.request():
            seen.append(request[0])
            await conversation.answer(b"")

    async with serve(looking) as server, open_http() as http:
        await body(http, server.url)
    assert dict(seen[0].headers)[b"accept-encoding"] == b"identity"
