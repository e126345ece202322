"""One simulated caller, which judges every frame by its bytes."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from itertools import count
from time import monotonic

import trio
from attrs import define, field

from bench.wire import Wire, open_wire

__all__ = ["Caller", "Turn", "open_caller"]

ANSWER_S = 30.0
"""No answer of the workloads takes longer; a server that never answers fails the run instead of holding it."""

FRAME_S = 0.04

ACK = b'{"version":"1.0","msg_type":"INTERRUPT_ACK"'
ERROR = b'{"version":"1.0","msg_type":"ERROR"'
HEAD_BYTES = 260
"""What holds the envelope and the request's id."""


@define
class Turn:
    """One answer and its end. Instants are seconds of CLOCK_MONOTONIC, which all processes of a machine share."""

    number: int
    asked: float
    first_text: float | None = None
    first_voice: float | None = None
    interrupted: float | None = None
    acknowledged: float | None = None
    over: bool = False
    stale_voice_frames: int = 0
    voice_frames: int = 0
    voice_late: list[float] = field(factory=list, repr=False)
    stop_ms: float = 0.0


class Caller:
    """A registered connection. `leaked` counts frames that bear the id of a turn already acknowledged."""

    numbers = count(1)

    def __init__(self, wire: Wire, session_id: str) -> None:
        self.leaked = 0
        self._wire = wire
        self._session_id = session_id
        self._acknowledged: list[bytes] = []

    async def turn(self, interrupt_after_s: float | None) -> Turn:
        """Ask, and interrupt so many seconds after the first audio; None: hear the answer to its end."""
        turn = Turn(next(Caller.numbers), monotonic())
        name = f"req_{turn.number}"
        content = {"text": f"turn {turn.number}"}
        request = {"request_id": name, "data_type": "TEXT", "stream_flag": False, "stream_seq": 0, "require_tts": True}
        await self._send("REQUEST", {**request, "content": content})
        with trio.fail_after(ANSWER_S):
            while turn.first_voice is None and not turn.over:
                await self._read(turn, name)
            if interrupt_after_s is not None:
                with trio.move_on_after(interrupt_after_s):
                    while not turn.over:
                        await self._read(turn, name)
            if interrupt_after_s is not None and not turn.over:
                turn.interrupted = monotonic()
                await self._send("INTERRUPT", {"interrupt_request_id": name, "reason": "USER_STOP"})
            while not turn.over:
                await self._read(turn, name)
        return turn

    async def _read(self, turn: Turn, name: str) -> None:
        frames = await self._wire.receive()
        now = monotonic()
        quoted = f'"{name}"'.encode()
        for frame in frames:
            self._take(turn, quoted, frame, now)

    def _take(self, turn: Turn, name: bytes, frame: bytes, now: float) -> None:
        if frame.startswith(ACK):
            turn.acknowledged = now
            turn.over = True
            receipts = json.loads(frame)["payload"]["receipts"]
            turn.stop_ms = max((receipt["stop_ms"] for receipt in receipts.values()), default=0.0)
            self._acknowledged = [*self._acknowledged[-7:], name]
            return
        head = frame[:HEAD_BYTES]
        for old in self._acknowledged:
            self.leaked += old in head
        if name not in head:
            return
        if b'"voice":"' in head:
            self._take_voice(turn, now)
        elif b'"voice_stream_seq":-1' in head or frame.startswith(ERROR):
            turn.over = turn.interrupted is None
        elif turn.first_text is None:
            turn.first_text = now

    def _take_voice(self, turn: Turn, now: float) -> None:
        if turn.first_voice is None:
            turn.first_voice = now
        elif turn.interrupted is None:
            # A frame is late when it comes after the listener has played all before it.
            turn.voice_late.append(now - (turn.first_voice + turn.voice_frames * FRAME_S))
        turn.voice_frames += 1
        turn.stale_voice_frames += turn.interrupted is not None

    async def _send(self, msg_type: str, payload: dict[str, object]) -> None:
        envelope = {"version": "1.0", "msg_type": msg_type, "session_id": self._session_id, "payload": payload}
        await self._wire.send(json.dumps({**envelope, "timestamp": 0}))


@asynccontextmanager
async def open_caller(url: str) -> AsyncGenerator[Caller, None]:
    """Connect and register; drop the connection at the end."""
    async with open_wire(url) as wire:
        payload = {"auth": {"type": "API_KEY", "api_key": ""}, "platform": "WEB", "require_tts": True}
        register = {"version": "1.0", "msg_type": "REGISTER", "session_id": None, "payload": payload, "timestamp": 0}
        await wire.send(json.dumps(register))
        while not (frames := await wire.receive()):
            pass
        yield Caller(wire, json.loads(frames[0])["session_id"])
