"""Servers to measure: raw bytes on loopback, and a small voxint that breaks its promises as it is told."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import count

import trio
from attrs import define, field
from trio_websocket import ConnectionClosed, WebSocketConnection, WebSocketRequest, serve_websocket

from voxint.protocol import messages as m
from voxint.protocol.codec import binary_voice, decode_client, encode_server

__all__ = ["OPENED", "Fake", "answering", "frame", "samples", "serving"]

OPENED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
"""All that a lean client looks at of a handshake's answer."""

FRAME_S = 0.01
FRAME_SAMPLES = 960


def frame(code: int, payload: bytes, *, final: bool = True) -> bytes:
    """Return a server's frame, which is not masked."""
    size = len(payload)
    if size < 126:
        length = bytes((size,))
    elif size < 65_536:
        length = b"\x7e" + size.to_bytes(2, "big")
    else:
        length = b"\x7f" + size.to_bytes(8, "big")
    return bytes((code | (0x80 if final else 0),)) + length + payload


def samples(turn: int) -> bytes:
    """Return 40 ms of numbered speech at 24 kHz."""
    return turn.to_bytes(2, "little") * FRAME_SAMPLES


@asynccontextmanager
async def answering(
    answer: Callable[[trio.abc.Stream], Awaitable[None]], tls: ssl.SSLContext | None = None
) -> AsyncGenerator[str]:
    """Do this with every connection while the block runs, and yield the WebSocket's url."""

    async def handle(tcp: trio.SocketStream) -> None:
        stream = tcp if tls is None else trio.SSLStream(tcp, tls, server_side=True)
        with suppress(trio.BrokenResourceError):  # the client left first
            await answer(stream)

    async with trio.open_nursery() as nursery:
        [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, handle, [listener])
        yield f"{'ws' if tls is None else 'wss'}://127.0.0.1:{listener.socket.getsockname()[1]}/there?key=k-1"
        nursery.cancel_scope.cancel()


def _nothing(turn: int) -> Sequence[m.Response]:
    return ()


def _none(turn: int) -> float:
    return 0.0


@define(eq=False)
class Fake:
    """A server of the protocol, all its answers numbered words and samples; it breaks the promises that are set.

    Args:
        speaks: Whether its answers have audio.
        acknowledges: Whether it answers an INTERRUPT.
        after_ack: What it still sends when it has acknowledged a turn.
        refuses: What it answers to a REGISTER, instead.
        fails: What it answers to every REQUEST, instead, from the one of this number on.
        words: How many words an answer has; None: it has no end.
        pause_s: Before the first word of a turn, in seconds.
        healthy: Whether it answers a HEALTH_CHECK.

    Attributes:
        heard: Every message, as it came; audio as bytes.
        connections: How many there were.
    """

    speaks: bool = True
    acknowledges: bool = True
    after_ack: Callable[[int], Sequence[m.Response]] = _nothing
    refuses: m.Error | None = None
    fails: int | None = None
    words: int | None = None
    pause_s: Callable[[int], float] = _none
    healthy: bool = True
    heard: list[m.ClientMessage | bytes] = field(factory=list)
    connections: int = 0

    async def handle(self, request: WebSocketRequest) -> None:
        """Serve one connection."""
        self.connections += 1
        ws = await request.accept()
        try:
            async with trio.open_nursery() as nursery:
                try:
                    await _Connection(self, ws, nursery).serve()
                except ConnectionClosed:
                    nursery.cancel_scope.cancel()
        except* ConnectionClosed:
            pass  # an answer that was under way when the client left


class _Connection:
    def __init__(self, fake: Fake, ws: WebSocketConnection, nursery: trio.Nursery) -> None:
        self._fake = fake
        self._ws = ws
        self._nursery = nursery
        self._live: dict[str, trio.CancelScope] = {}

    async def serve(self) -> None:
        while True:
            data = await self._ws.get_message()
            message = data if isinstance(data, bytes) else decode_client(data).message
            self._fake.heard.append(message)
            match message:
                case m.HealthCheck() if self._fake.healthy:
                    await self._say(m.HealthCheckAck(m.HealthStatus()))
                case m.Register() if self._fake.refuses is not None:
                    await self._say(self._fake.refuses)
                    await self._ws.aclose(4401, "refused")
                case m.Register():
                    audio = m.Audio(input_rate=16_000, output_rate=24_000)
                    await self._say(m.RegisterAck("SUCCESS", "", "s-1", 600, ("binary_audio",), audio))
                case m.RequestMessage(request_id=request_id) if self._fails():
                    await self._say(m.Error("UPSTREAM_ERROR", "no", "", True, request_id))
                case m.RequestMessage(data_type="VOICE", stream_seq=0):
                    pass  # it answers what was said to its end
                case m.RequestMessage(request_id=request_id):
                    self._live[request_id] = scope = trio.CancelScope()
                    self._nursery.start_soon(self._answer, request_id, scope)
                case m.Interrupt(interrupt_request_id=str(request_id)) if self._fake.acknowledges:
                    await self._stop(request_id)

    def _fails(self) -> bool:
        asked = sum(isinstance(message, m.RequestMessage) for message in self._fake.heard)
        return self._fake.fails is not None and asked >= self._fake.fails

    async def _answer(self, request_id: str, scope: trio.CancelScope) -> None:
        turn = _turn(request_id)
        with scope:
            await trio.sleep(self._fake.pause_s(turn))
            for n in count() if self._fake.words is None else range(self._fake.words):
                await trio.sleep(FRAME_S)
                await self._say(m.Response(request_id, text_stream_seq=n, text=f"t{turn}w{n} "))
                if self._fake.speaks:
                    await self._say(m.Response(request_id, voice_stream_seq=n, voice=samples(turn)))
        del self._live[request_id]
        stopped = scope.cancelled_caught
        await self._say(m.Response(request_id, text_stream_seq=-1, voice_stream_seq=-1, interrupted=stopped))
        if stopped:
            await self._acknowledge(request_id)

    async def _stop(self, request_id: str) -> None:
        if request_id in self._live:
            self._live[request_id].cancel()
        else:
            await self._acknowledge(request_id)

    async def _acknowledge(self, request_id: str) -> None:
        await self._say(m.InterruptAck(request_id, (request_id,), "SUCCESS", "", {}, {}))
        for response in self._fake.after_ack(_turn(request_id)):
            await self._say(response)

    async def _say(self, message: m.ServerMessage) -> None:
        with trio.CancelScope(shield=True):  # a frame is written whole; loopback takes it
            await self._ws.send_message(_frame(message))


def _frame(message: m.ServerMessage) -> str | bytes:
    """Return a frame as a server writes it that has granted `binary_audio`."""
    if isinstance(message, m.Response) and message.voice and message.voice_stream_seq is not None:
        return binary_voice(message.request_id, message.voice_stream_seq, message.voice) or b""
    return encode_server(message, "s-1", 0)


def _turn(request_id: str) -> int:
    return int(request_id.removeprefix("req_"))


@asynccontextmanager
async def serving(fake: Fake) -> AsyncGenerator[str]:
    """Serve while the block runs, and yield the url."""
    async with trio.open_nursery() as nursery:

        async def serve(task_status: trio.TaskStatus[int]) -> None:
            async with trio.open_nursery() as inner:
                server = await inner.start(serve_websocket, fake.handle, "127.0.0.1", 0, None)
                task_status.started(server.port)

        port = await nursery.start(serve)
        yield f"ws://127.0.0.1:{port}/ws/agent/stream"
        nursery.cancel_scope.cancel()
