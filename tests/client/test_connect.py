from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from functools import partial

import pytest
import trio
import trustme
from trio.testing import wait_all_tasks_blocked
from trio_websocket import WebSocketRequest, serve_websocket

from tests.client.rig import PATIENCE_S, Peer, answer_query, scripted, serving, stay
from voxint.client import client_socket, connect
from voxint.core.agent import Agent
from voxint.errors import ConfigError, Disconnected
from voxint.protocol import messages as m
from voxint.testing.stages import FOREVER, ScriptedModel


async def test_closing_towards_a_server_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaving the block is bounded, though the server reads nothing and never closes."""
    monkeypatch.setattr(client_socket, "CLOSE_S", 0.125)
    release = trio.Event()

    async def script(peer: Peer) -> None:
        peer.ws._reader_running = False  # the one way to make a trio-websocket server deaf
        await release.wait()

    async with scripted(script) as url:
        async with connect(url) as client:
            while not client._socket.congested:
                client._socket.post(bytes(65_536))
                await wait_all_tasks_blocked()
            before = trio.current_time()
        took_s = trio.current_time() - before
        release.set()
    assert took_s < 1.0


async def test_a_silent_connection_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without so much as a heartbeat the connection counts as dead."""
    monkeypatch.setattr(client_socket, "SILENCE_S", 0.125)

    async with scripted(stay) as url, connect(url) as client:
        with pytest.raises(Disconnected, match="nothing came for"):
            await anext(await client.send_text("Hi"))


async def test_a_server_that_is_not_there() -> None:
    """The error names the url, without the key in its query, and what to look at."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        with pytest.raises(Disconnected) as caught:
            async with connect(f"ws://me:pw@127.0.0.1:{port}/ws?key=secret"):
                pass
    assert f"ws://127.0.0.1:{port}/ws: can't be reached" in str(caught.value)
    assert "is the server running" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "ws://", "127.0.0.1:80", "ws://h:port/"])
async def test_a_bad_url(url: str) -> None:
    """What is no WebSocket's address is a ConfigError that says what one looks like."""
    with pytest.raises(ConfigError, match="ws://HOST:PORT"):
        async with connect(url):
            pass


async def test_a_wrong_path() -> None:
    """A server that answers the upgrade with an HTTP status is Disconnected with that status."""
    async with serving(Agent(llm=ScriptedModel())) as server:
        with pytest.raises(Disconnected, match="HTTP status"):
            async with connect(server.url + "/nothing"):
                pass


async def test_a_websocket_that_is_opened_and_closed_at_once() -> None:
    """As servers refuse who is taken for a page: `connect` raises with the code and the server's reason."""

    async def refuse(request: WebSocketRequest) -> None:
        await (await request.accept()).aclose(4403, "origin https://kiosk.example may not connect: set allowed_origins")

    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:
            server = await nursery.start(partial(serve_websocket, refuse, "127.0.0.1", 0, ssl_context=None))
            with pytest.raises(
                Disconnected, match=r"\(4403, origin https://kiosk.example may not connect: set allowed"
            ):
                async with connect(f"ws://127.0.0.1:{server.port}/ws/agent/stream"):
                    pass
            nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("banner", "what"),
    [(b"220 mail ready\r\n\r\n", "does not speak WebSocket"), (b"", "did not open a session within")],
)
async def test_a_server_of_another_kind(banner: bytes, what: str) -> None:
    """One that speaks something else is told at once, one that says nothing when the time to connect is up."""

    async def speak(stream: trio.SocketStream) -> None:
        if banner:
            await stream.send_all(banner)
        async for _ in stream:
            pass

    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:
            listeners = await nursery.start(trio.serve_tcp, speak, 0)
            port = listeners[0].socket.getsockname()[1]
            with pytest.raises(Disconnected, match=what):
                async with connect(f"ws://127.0.0.1:{port}/", connect_timeout_s=0.25):
                    pass
            nursery.cancel_scope.cancel()


@asynccontextmanager
async def trusting_nobody(tls: ssl.SSLContext) -> AsyncGenerator[str]:
    """Run a server that does a TLS handshake, whatever comes of it."""

    async def shake_hands(stream: trio.SocketStream) -> None:
        with suppress(trio.BrokenResourceError):
            await trio.SSLStream(stream, tls, server_side=True).do_handshake()

    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:
            listeners = await nursery.start(trio.serve_tcp, shake_hands, 0)
            yield f"wss://127.0.0.1:{listeners[0].socket.getsockname()[1]}/"
            nursery.cancel_scope.cancel()


async def test_tls() -> None:
    """wss:// works with a certificate that the given context knows."""
    authority = trustme.CA()
    server_tls, client_tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server_tls)
    authority.configure_trust(client_tls)

    async def script(peer: Peer) -> None:
        await answer_query(peer)
        await stay(peer)

    async with scripted(script, tls=server_tls) as url, connect(url, ssl_context=client_tls) as client:
        assert await client.session_info() == {}


async def test_an_unknown_certificate() -> None:
    """A TLS handshake that fails is told at once, with its cause."""
    server_tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(server_tls)

    async with trusting_nobody(server_tls) as url:
        with pytest.raises(Disconnected, match=r"the TLS handshake failed \(.*CERTIFICATE_VERIFY_FAILED"):
            async with connect(url):
                pass


async def test_a_hook_that_fails() -> None:
    """Its exception ends the connection and comes out of the block, in place of the Disconnected it caused."""

    def hook(message: m.ServerMessage, now: float) -> None:
        if isinstance(message, m.SessionInfo):
            raise ZeroDivisionError

    async def script(peer: Peer) -> None:
        await answer_query(peer)
        await stay(peer)

    async def ask(url: str) -> None:
        async with connect(url, on_frame=hook) as client:
            with pytest.raises(Disconnected, match="a hook raised ZeroDivisionError"):
                await client.session_info()

    async with scripted(script) as url:
        with pytest.raises(ZeroDivisionError):
            await ask(url)


async def test_an_exception_of_the_block_comes_out_as_it_is() -> None:
    """It is wrapped in no group, and the connection is closed."""
    async with scripted(stay) as url:
        with pytest.raises(KeyError, match="mine"):
            async with connect(url):
                raise KeyError("mine")


async def test_a_cancelled_block_is_left_at_once() -> None:
    """Cancellation passes through, drops the connection, and the server stops the work."""
    model = ScriptedModel("Well, ", FOREVER)
    async with serving(Agent(llm=model)) as server:
        with trio.CancelScope() as scope:
            async with connect(server.url) as client:
                await anext(await client.send_text("Hi"))
                scope.cancel()
                await trio.sleep_forever()
        assert scope.cancelled_caught
    assert model.calls[0].cancelled is not None
