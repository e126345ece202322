"""The real server with scripted stages, and a server that says whatever a test makes it say."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, WebSocketRequest, serve_websocket

from voxint.core.agent import Agent
from voxint.protocol import messages as m
from voxint.protocol.codec import decode_client, encode_server
from voxint.server.config import ServerConfig
from voxint.server.serve import Server, serve

__all__ = ["PATIENCE_S", "Cable", "Peer", "answer_query", "cable", "scripted", "serving", "stay"]

PATIENCE_S = 10.0  # a test that waits longer has failed; a busy machine is far below it

T = TypeVar("T", bound=m.ClientMessage)


@asynccontextmanager
async def serving(agent: Agent, config: ServerConfig = ServerConfig(port=0)) -> AsyncGenerator[Server]:
    """Run the real server on loopback for the block."""
    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:
            yield await nursery.start(serve, agent, config)
            nursery.cancel_scope.cancel()


class Peer:
    """One connection of a scripted server, registered already.

    Attributes:
        audio: The binary frames that were read so far, joined.
    """

    def __init__(self, ws: WebSocketConnection) -> None:
        self.ws = ws
        self.audio = b""

    async def read(self, kind: type[T]) -> T:
        """Return the client's next message, which has to be of that kind; audio before it is kept in `audio`."""
        while isinstance(frame := await self.ws.get_message(), bytes):
            self.audio += frame
        message = decode_client(frame).message
        assert isinstance(message, kind), message
        return message

    async def say(self, message: m.ServerMessage) -> None:
        """Send a message."""
        await self.ws.send_message(encode_server(message, "s", 0))

    async def say_text(self, request_id: str, *texts: str) -> None:
        """Send text frames of a reply."""
        for seq, text in enumerate(texts):
            await self.say(m.Response(request_id=request_id, text_stream_seq=seq, text=text))

    async def acknowledge(self, interrupt: m.Interrupt, message: str = "") -> None:
        """Acknowledge an interrupt that met nothing."""
        await self.say(
            m.InterruptAck(
                interrupt_request_id=interrupt.interrupt_request_id,
                interrupted_request_ids=(),
                status="FAILED",
                message=message,
                outcomes={},
                receipts={},
            )
        )


class Cable:
    """A network between clients and a server, which can break.

    Attributes:
        url: The server's address through it.
    """

    def __init__(self, server: Server, port: int) -> None:
        self.url = server.url.replace(f":{server.port}/", f":{port}/")
        self._port = server.port
        self._ends: list[trio.SocketStream] = []

    async def carry(self, near: trio.SocketStream) -> None:
        """Carry one connection."""
        far = await trio.open_tcp_stream("127.0.0.1", self._port)
        self._ends += [near, far]
        async with near, far, trio.open_nursery() as nursery:
            nursery.start_soon(_copy, near, far)
            nursery.start_soon(_copy, far, near)

    async def cut(self) -> None:
        """Break every connection that there is."""
        ends, self._ends = self._ends, []
        for end in ends:
            await trio.aclose_forcefully(end)


async def _copy(source: trio.SocketStream, target: trio.SocketStream) -> None:
    with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
        async for piece in source:
            await target.send_all(piece)
        await target.send_eof()


@asynccontextmanager
async def cable(server: Server) -> AsyncGenerator[Cable]:
    """Lay a network to a server for the block."""
    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        laid = Cable(server, listeners[0].socket.getsockname()[1])
        nursery.start_soon(trio.serve_listeners, laid.carry, listeners)
        yield laid
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def scripted(
    script: Callable[[Peer], Awaitable[None]],
    *,
    tls: ssl.SSLContext | None = None,
    features: tuple[str, ...] = (),
    resumed: m.Resumed | None = None,
) -> AsyncGenerator[str]:
    """Run a server that answers REGISTER and then does `script` with each connection; gives its url.

    It grants `features`, and answers who comes back with `resumed`; without, it resumes nothing.
    """

    async def handle(request: WebSocketRequest) -> None:
        peer = Peer(await request.accept())
        try:
            register = await peer.read(m.Register)
            await peer.say(
                m.RegisterAck(
                    status="SUCCESS",
                    message="",
                    session_id="s",
                    session_timeout_seconds=60,
                    features=features,
                    audio=m.Audio(),
                    resume_token=None if resumed is None else "t",
                    resumed=None if register.resume is None else resumed,
                )
            )
            await script(peer)
        except ConnectionClosed:
            pass  # the client has gone; the test says whether it should have

    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:
            server = await nursery.start(serve_websocket, handle, "127.0.0.1", 0, tls)
            yield f"{'wss' if tls else 'ws'}://127.0.0.1:{server.port}/ws/agent/stream"
            nursery.cancel_scope.cancel()


async def stay(peer: Peer) -> None:
    """Read until the client leaves."""
    while True:
        await peer.ws.get_message()


async def answer_query(peer: Peer) -> None:
    """Answer one SESSION_QUERY, by which a test knows that everything before it was read."""
    await peer.read(m.SessionQuery)
    await peer.say(m.SessionInfo(status="SUCCESS", message="", session_data={}))
