"""What an attack's client is given: where the server is, for how long, and where to note what it saw."""

from __future__ import annotations

import base64
import json
import os
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

import trio
from attrs import define, field, frozen

from bench.attacks.keys import ATTACKER_KEYS
from voxint.errors import Disconnected
from voxint.measure.wire import Message, Wire

__all__ = ["CLOSED", "AttackJob", "AttackReport", "Guest", "Site", "envelope", "read_head"]

CLOSED = (OSError, trio.BrokenResourceError, trio.ClosedResourceError, Disconnected)
"""How a connection ends that the server, or the kernel, does not want any more: to an attack that is an answer."""

LOCAL = "127.0.0.1"
ANSWER_S = 5.0
"""For an answer to a handshake or a REGISTER. Ours: longer than any honest caller would wait."""

HEAD_BYTES = 65_536


@frozen
class AttackJob:
    """What the attacker's process is told.

    Args:
        name: Which attack.
        port: The server's.
        pid: Of the server's process, for signals.
        begins: When, on CLOCK_MONOTONIC.
        seconds: For how long.
    """

    name: str
    port: int
    pid: int
    begins: float
    seconds: float


@frozen
class AttackReport:
    """What the attacker's process saw.

    Args:
        totals: Numbers by name.
        took_ms: Durations by name.
        errors: Why its clients failed, where they should not have.
        cpu_s: Processor time that it used itself.
    """

    totals: Mapping[str, float] = field(factory=dict)
    took_ms: Mapping[str, list[float]] = field(factory=dict)
    errors: tuple[str, ...] = ()
    cpu_s: float = 0.0


@define(eq=False)
class Site:
    """The server that is attacked.

    Args:
        job: What was asked for.
        totals: Numbers by name, for the report.
        took_ms: Durations by name, for the report.
    """

    job: AttackJob
    totals: dict[str, float] = field(factory=lambda: defaultdict(float))
    took_ms: dict[str, list[float]] = field(factory=lambda: defaultdict(list))

    @property
    def left_s(self) -> float:
        """Seconds until the attack is over."""
        return max(0.0, self.job.begins + self.job.seconds - time.monotonic())

    def count(self, name: str, by: float = 1) -> None:
        """Add to a number of the report."""
        self.totals[name] += by

    @asynccontextmanager
    async def dial(self, source: str = LOCAL) -> AsyncGenerator[trio.SocketStream, None]:
        """Connect from an address of this machine; at the end the connection is dropped.

        Raises:
            OSError: It can't be had.
        """
        stream = await trio.open_tcp_stream(LOCAL, self.job.port, local_address=source)
        try:
            yield stream
        finally:
            await trio.aclose_forcefully(stream)

    @asynccontextmanager
    async def websocket(self, source: str = LOCAL) -> AsyncGenerator[tuple[Wire, trio.SocketStream], None]:
        """Open a WebSocket, without a REGISTER; give it, and the connection below.

        Raises:
            Disconnected: It was refused.
        """
        async with self.dial(source) as stream:
            key = base64.b64encode(os.urandom(16)).decode()
            await stream.send_all(
                f"GET /ws/agent/stream HTTP/1.1\r\nHost: {LOCAL}:{self.job.port}\r\nUpgrade: websocket\r\n"
                f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
            )
            head, ahead = await read_head(stream)
            if not head.startswith(b"HTTP/1.1 101"):
                raise Disconnected("DISCONNECTED", head.partition(b"\r\n")[0].decode("latin-1"))
            yield Wire(stream, ahead), stream

    @asynccontextmanager
    async def guest(
        self,
        key: str = ATTACKER_KEYS[0],
        source: str = LOCAL,
        *,
        speech: bool = False,
        far_s: float = 0.0,
        more: Mapping[str, object] | None = None,
    ) -> AsyncGenerator[Guest, None]:
        """Open a session.

        Args:
            key: To register with.
            source: The address to come from.
            speech: Whether answers are spoken.
            far_s: What the way takes there and back: REGISTER comes so long after the handshake's answer.
            more: Fields of REGISTER.

        Raises:
            Disconnected: It was refused, or there was no answer in time.
        """
        async with self.websocket(source) as (wire, stream):
            guest = Guest(wire, stream)
            await trio.sleep(far_s)
            auth = {"type": "API_KEY", "api_key": key}
            await guest.say("REGISTER", {"auth": auth, "platform": "WEB", "require_tts": speech, **(more or {})})
            guest.session_id = (await guest.answer("REGISTER_ACK"))["session_id"]
            yield guest


@define(eq=False)
class Guest:
    """A session of an attacker: it writes JSON by hand, so that it can write what no client would."""

    wire: Wire
    stream: trio.SocketStream
    session_id: str | None = None
    _read: list[Message] = field(factory=list)

    async def say(self, kind: str, payload: Mapping[str, object]) -> None:
        """Send a message."""
        await self.wire.send(envelope(kind, self.session_id, payload))

    async def ask(self, request_id: str, text: str) -> None:
        """Send a REQUEST in text."""
        await self.say(
            "REQUEST",
            {
                "request_id": request_id,
                "data_type": "TEXT",
                "stream_flag": False,
                "stream_seq": 0,
                "content": {"text": text},
            },
        )

    async def write_raw(self, frames: bytes) -> None:
        """Write frames that were made before, many at a time: an attack must cost its client less than the server."""
        await self.stream.send_all(frames)

    async def next(self) -> dict[str, object]:
        """Return the next message in text, waiting as long as it takes; binary ones are thrown away."""
        while True:
            while self._read:
                is_text, payload = self._read.pop(0)
                if is_text:
                    message: dict[str, object] = json.loads(payload)
                    return message
            self._read.extend(await self.wire.receive())

    async def answer(self, kind: str) -> dict[str, str]:
        """Return the payload of the next message of a kind.

        Raises:
            Disconnected: There was an ERROR instead, or nothing within 5 s.
        """
        with trio.move_on_after(ANSWER_S):
            while True:
                message = await self.next()
                payload = message["payload"]
                assert isinstance(payload, dict)
                if message["msg_type"] == kind:
                    return payload
                if message["msg_type"] == "ERROR":
                    raise Disconnected("DISCONNECTED", str(payload.get("error_code")))
        raise Disconnected("DISCONNECTED", f"no {kind} within {ANSWER_S:g} s")

    async def end_of(self, request_id: str) -> str:
        """Read until a request has ended; return the code of its ERROR, or nothing."""
        while True:
            message = await self.next()
            payload = message["payload"]
            assert isinstance(payload, dict)
            if payload.get("request_id") != request_id:
                continue
            if message["msg_type"] == "ERROR":
                return str(payload.get("error_code"))
            if message["msg_type"] == "RESPONSE" and -1 in (
                payload.get("text_stream_seq"),
                payload.get("voice_stream_seq"),
            ):
                return ""

    async def throw_away(self) -> None:
        """Read, and keep nothing, until the server ends it."""
        while True:
            await self.wire.receive()


async def read_head(stream: trio.abc.ReceiveStream) -> tuple[bytes, bytes]:
    """Return the head of an answer and what came behind it.

    Raises:
        Disconnected: There was none within 5 s.
    """
    data = b""
    with trio.move_on_after(ANSWER_S):
        while b"\r\n\r\n" not in data and len(data) < HEAD_BYTES:
            more = await stream.receive_some(HEAD_BYTES)
            if not more:
                raise Disconnected("DISCONNECTED", "closed without an answer")
            data += more
        head, _, ahead = data.partition(b"\r\n\r\n")
        return head, ahead
    raise Disconnected("DISCONNECTED", "no answer in time")


def envelope(kind: str, session_id: str | None, payload: Mapping[str, object]) -> str:
    """Return a message of the protocol."""
    message = {"version": "1.0", "msg_type": kind, "session_id": session_id, "payload": payload, "timestamp": 0}
    return json.dumps(message, ensure_ascii=False)
