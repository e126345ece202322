"""Two generations of the museum's JavaScript clients, as far as a server can tell them from the protocol's document.

They are written without anything of voxint's: JSON in, JSON out, and what they throw at is an assertion here.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import trio
from attrs import define, field
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_client_stream

__all__ = ["QUANTUM", "Museum", "Newer", "Older", "Pending", "visit"]

QUANTUM = bytes(86)
"""What a browser's audio worklet hands over at a time, brought down to 16 kHz: 2.7 ms."""

QUANTA_PER_S = 375
BURST = 125
"""Quanta that have piled up when the microphone opens."""


@define(eq=False)
class Pending:
    """A request that the client waits for."""

    request_id: str
    streams: set[str] | None = None
    text: str = ""
    audio: bytes = b""
    ends: set[str] = field(factory=set)
    begun: trio.Event = field(factory=trio.Event)
    done: trio.Event = field(factory=trio.Event)
    interrupted: bool = False
    error: dict[str, Any] | None = None
    chunks: int = 0


@define(eq=False)
class Museum:
    """What both generations have in common.

    Attributes:
        errors: Every ERROR, of a request or not.
        acks: Every INTERRUPT_ACK's payload.
        loose: Frames of requests that the client has done with.
    """

    ws: WebSocketConnection
    session_id: str | None = None
    errors: list[dict[str, Any]] = field(factory=list)
    acks: list[dict[str, Any]] = field(factory=list)
    loose: list[dict[str, Any]] = field(factory=list)
    pending: dict[str, Pending] = field(factory=dict)
    registered: trio.Event = field(factory=trio.Event)
    stops: dict[str, trio.Event] = field(factory=dict)
    numbers: count[int] = field(factory=lambda: count(1))
    voice_after_text = True
    """Whether voice that follows the end of the text is still played."""

    async def send(self, msg_type: str, payload: dict[str, Any]) -> None:
        """Send a message, with a key in its envelope that the document does not know."""
        envelope = {
            "version": "1.0",
            "msg_type": msg_type,
            "session_id": self.session_id,
            "payload": payload,
            "timestamp": int(time.time() * 1000),
            "trace": "web",
        }
        await self.ws.send_message(json.dumps(envelope))

    async def register(self, **extra: Any) -> None:
        """Register as a kiosk's page does."""
        payload = {
            "auth": {"type": "API_KEY", "api_key": "museum", "account": "", "password": ""},
            "platform": "WEB",
            "client_type": "WEB",
            "require_tts": False,
            "enable_srs": True,
            "function_calling": [],
            "build": "2024.11",
            **extra,
        }
        await self.send("REGISTER", payload)
        with trio.fail_after(5):
            await self.registered.wait()

    async def request(self, request_id: str, payload: dict[str, Any]) -> Pending:
        """Send a REQUEST and wait for it from now on."""
        pending = self.pending[request_id] = Pending(request_id)
        await self.send("REQUEST", {"request_id": request_id, "function_calling_op": None, **payload})
        return pending

    async def interrupt(self, request_id: str, reason: str) -> trio.Event:
        """Send an INTERRUPT; the event is set by the acknowledgement that bears the same id."""
        self.stops[request_id] = trio.Event()
        await self.send("INTERRUPT", {"interrupt_request_id": request_id, "reason": reason})
        return self.stops[request_id]

    async def speak(self, seconds: float) -> None:
        """Send a microphone's quanta: those that piled up at once, the others as they come."""
        began = trio.current_time()
        for n in range(int(seconds * QUANTA_PER_S)):
            if n >= BURST and n % 4 == 0:
                await trio.sleep_until(began + (n - BURST) / QUANTA_PER_S)
            await self.ws.send_message(QUANTUM)

    async def read(self) -> None:
        """Take frames until the connection ends. Everything is parsed as JSON: a binary frame breaks the page."""
        try:
            while True:
                frame = await self.ws.get_message()
                assert isinstance(frame, str), "a binary frame, which was not asked for"
                await self.take(json.loads(frame))
        except ConnectionClosed:
            pass

    async def take(self, envelope: dict[str, Any]) -> None:
        """Dispatch by `msg_type`."""
        payload = envelope["payload"]
        match envelope["msg_type"]:
            case "REGISTER_ACK":
                assert payload["status"] == "SUCCESS"
                self.session_id = payload["session_id"]
                self.registered.set()
            case "HEARTBEAT":
                await self.send("HEARTBEAT_REPLY", {"client_status": "ONLINE"})
            case "RESPONSE":
                self.response(payload)
            case "INTERRUPT_ACK":
                self.acks.append(payload)
                assert isinstance(payload["interrupted_request_ids"], list)
                if payload["interrupt_request_id"] in self.stops:
                    self.stops[payload["interrupt_request_id"]].set()
            case "ERROR":
                self.errors.append(payload)
                if payload.get("request_id") in self.pending:
                    pending = self.pending.pop(payload["request_id"])
                    pending.error = payload
                    pending.done.set()

    def response(self, payload: dict[str, Any]) -> None:
        """Take a RESPONSE: the first one of a request says which streams there are."""
        pending = self.pending.get(payload["request_id"])
        if pending is None:
            self.loose.append(payload)
            return
        if payload.get("interrupted"):
            pending.interrupted = True
            self.finish(pending)
            return
        pending.begun.set()
        present = {stream for stream in ("text", "voice") if f"{stream}_stream_seq" in payload}
        pending.streams = (pending.streams or set()) | present
        for stream in present:
            seq = payload[f"{stream}_stream_seq"]
            assert isinstance(seq, int), "null never completes"
            if seq == -1:
                pending.ends.add(stream)
        content = payload.get("content") or {}
        pending.text += content.get("text") or ""
        if "voice" in present and payload["voice_stream_seq"] >= 0:
            self.chunk(pending, payload["voice_stream_seq"], content["voice"])
        if "text" not in pending.streams or self.complete(pending):
            self.finish(pending)

    def complete(self, pending: Pending) -> bool:
        """Return whether the request is done with."""
        assert pending.streams is not None
        return pending.ends >= (pending.streams if self.voice_after_text else {"text"})

    def chunk(self, pending: Pending, seq: int, voice: str) -> None:
        """Play a chunk: an Int16Array, which throws at an odd length; the first one has to hold audio."""
        audio = base64.b64decode(voice, validate=True)
        assert seq == pending.chunks
        assert audio
        assert len(audio) % 2 == 0
        assert not audio.startswith(b"RIFF")
        pending.audio += audio
        pending.chunks += 1

    def finish(self, pending: Pending) -> None:
        """Be done with a request; what still comes of it is loose."""
        del self.pending[pending.request_id]
        pending.done.set()


class Older(Museum):
    """The older generation: its automatic interrupt names the message in its user interface, not the request."""

    voice_after_text = False

    async def ask(self, text: str, *, require_tts: bool) -> Pending:
        """Interrupt in the older way, then ask."""
        await self.interrupt(f"msg_{next(self.numbers)}", "USER_NEW_INPUT")
        return await self.request(
            f"req_{next(self.numbers)}",
            {
                "data_type": "TEXT",
                "stream_flag": False,
                "stream_seq": 0,
                "require_tts": require_tts,
                "content": {"text": text, "audio_format": "pcm"},
                "update_session": {},
            },
        )


class Newer(Museum):
    """The newer generation: it interrupts its previous request before every new one, finished or not."""

    previous: str | None = None

    async def ask(self, text: str, *, require_tts: bool, update: dict[str, Any] | None = None) -> Pending:
        """Interrupt the previous request, and ask right behind."""
        request_id = await self._next("USER_NEW_INPUT")
        return await self.request(
            request_id,
            {
                "data_type": "TEXT",
                "stream_flag": False,
                "stream_seq": 0,
                "require_tts": require_tts,
                "content": {"text": text, "audio_format": "pcm"},
                "update_session": update or {},
            },
        )

    async def begin(self, *, require_tts: bool = False) -> Pending:
        """Interrupt the previous request because somebody speaks, and begin to send the voice."""
        request_id = await self._next("USER_VOICE_INPUT")
        content = {"voice_mode": "BINARY", "audio_format": "pcm", "voice": ""}
        start = {"data_type": "VOICE", "stream_flag": True, "stream_seq": 0, "content": content}
        return await self.request(request_id, {**start, "require_tts": require_tts, "update_session": {}})

    async def end(self, pending: Pending) -> None:
        """Say that the voice is complete; the only REQUEST without `update_session`."""
        end = {"request_id": pending.request_id, "data_type": "VOICE", "stream_flag": True, "stream_seq": -1}
        await self.send("REQUEST", {**end, "require_tts": False, "content": {"voice_mode": "BINARY"}})

    async def _next(self, reason: str) -> str:
        if self.previous is not None:
            await self.interrupt(self.previous, reason)
        self.previous = f"req_{next(self.numbers)}"
        return self.previous


@asynccontextmanager
async def visit(generation: type[Museum], port: int, **register: Any) -> AsyncIterator[Any]:
    """Open a page of that generation, which doubles the slash of the path, and register."""
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    try:
        async with trio.open_nursery() as nursery:
            ws = await wrap_client_stream(nursery, stream, f"127.0.0.1:{port}", "//ws/agent/stream")
            museum = generation(ws)
            nursery.start_soon(museum.read)
            await museum.register(**register)
            yield museum
            nursery.cancel_scope.cancel()
    finally:
        await trio.aclose_forcefully(stream)
