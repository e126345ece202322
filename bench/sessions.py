"""One simulated caller on a bare WebSocket, so that the client's own work weighs as little as it can."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from time import monotonic

import trio
from attrs import define, field
from trio_websocket import WebSocketConnection, open_websocket_url

__all__ = ["Caller", "Turn", "open_caller"]

ANSWER_S = 30.0
"""No answer of the workloads takes longer; a server that never answers fails the run instead of holding it."""


@define
class Turn:
    """One answer and its end. Instants are seconds of CLOCK_MONOTONIC, which all processes of a machine share."""

    number: int
    asked: float
    first_text: float | None = None
    first_voice: float | None = None
    interrupted: float | None = None
    acknowledged: float | None = None
    stale_voice_frames: int = 0
    voice_frames: int = 0
    voice_late: list[float] = field(factory=list, repr=False)
    stop_ms: float = 0.0


class Caller:
    """A registered connection. `leaked` counts frames that bear the id of a turn already acknowledged."""

    numbers = count(1)

    def __init__(self, ws: WebSocketConnection, session_id: str, frame_s: float = 0.04) -> None:
        self.leaked = 0
        self._ws = ws
        self._session_id = session_id
        self._frame_s = frame_s
        self._acknowledged: list[str] = []

    async def turn(self, interrupt_after_s: float | None) -> Turn:
        """Ask, and interrupt so long after the first audio; None: hear the answer to its end.

        Args:
            interrupt_after_s: Seconds.
        """
        number = next(Caller.numbers)
        turn = Turn(number, monotonic())
        name = f"req_{number}"
        content = {"text": f"turn {number}"}
        await self._send(
            "REQUEST",
            {
                "request_id": name,
                "data_type": "TEXT",
                "stream_flag": False,
                "stream_seq": 0,
                "require_tts": True,
                "content": content,
            },
        )
        with trio.fail_after(ANSWER_S):
            while not await self._step(turn, name, interrupt_after_s):
                pass
        return turn

    async def _step(self, turn: Turn, name: str, interrupt_after_s: float | None) -> bool:
        """Take one frame, or interrupt when it is time; return whether the turn is over."""
        due = None
        if turn.first_voice is not None and turn.interrupted is None and interrupt_after_s is not None:
            due = turn.first_voice + interrupt_after_s - monotonic()
            if due <= 0:
                turn.interrupted = monotonic()
                await self._send("INTERRUPT", {"interrupt_request_id": name, "reason": "USER_STOP"})
                return False
        with trio.move_on_after(due if due is not None else ANSWER_S):
            frame = await self._ws.get_message()
            now = monotonic()
            assert isinstance(frame, str)
            return self._take(turn, name, frame, now)
        return False

    def _take(self, turn: Turn, name: str, frame: str, now: float) -> bool:
        if '"msg_type":"INTERRUPT_ACK"' in frame[:80]:
            turn.acknowledged = now
            turn.stop_ms = json.loads(frame)["payload"]["receipts"][name]["stop_ms"]
            self._acknowledged = [*self._acknowledged[-7:], f'"{name}"']
            return True
        if any(old in frame for old in self._acknowledged):
            self.leaked += 1
        if f'"{name}"' not in frame:
            return False
        if '"voice_stream_seq":-1' in frame or '"msg_type":"ERROR"' in frame[:80]:
            return turn.interrupted is None
        if '"voice":"' in frame:
            self._take_voice(turn, now)
        elif turn.first_text is None:
            turn.first_text = now
        return False

    def _take_voice(self, turn: Turn, now: float) -> None:
        if turn.first_voice is None:
            turn.first_voice = now
        elif turn.interrupted is None:
            # A frame is late when it comes after the listener has played all before it.
            turn.voice_late.append(now - (turn.first_voice + turn.voice_frames * self._frame_s))
        turn.voice_frames += 1
        turn.stale_voice_frames += turn.interrupted is not None

    async def _send(self, msg_type: str, payload: dict[str, object]) -> None:
        envelope = {"version": "1.0", "msg_type": msg_type, "session_id": self._session_id, "payload": payload}
        await self._ws.send_message(json.dumps({**envelope, "timestamp": 0}))


@asynccontextmanager
async def open_caller(url: str) -> AsyncIterator[Caller]:
    """Connect and register; close without a word at the end."""
    async with open_websocket_url(url) as ws:
        payload = {"auth": {"type": "API_KEY", "api_key": ""}, "platform": "WEB", "require_tts": True}
        await ws.send_message(
            json.dumps({"version": "1.0", "msg_type": "REGISTER", "session_id": None, "payload": payload})
        )
        yield Caller(ws, json.loads(await ws.get_message())["session_id"])
