"""What a caller hears of voxint's wire protocol."""

from __future__ import annotations

from contextlib import suppress
from typing import cast

import pytest
import trio
from trio_websocket import CloseReason, ConnectionClosed, WebSocketConnection

from bench.bargein.line import Audio, Ended, Flushed, Heard, LineEvent, Paused, Resumed, Transcribed
from bench.bargein.systems.voxint import VoxintLine
from voxint.errors import WireError
from voxint.protocol import messages as m
from voxint.protocol.codec import binary_voice, encode_server


class _Socket:
    """Gives the frames that a server would send, then closes."""

    def __init__(self, *messages: m.ServerMessage | bytes) -> None:
        self._frames = [each if isinstance(each, bytes) else encode_server(each, "s", 0) for each in messages]
        self.sent: list[str | bytes] = []

    async def get_message(self) -> str | bytes:
        await trio.lowlevel.checkpoint()
        if not self._frames:
            raise ConnectionClosed(CloseReason(1000, "bye"))
        return self._frames.pop(0)

    async def send_message(self, message: str | bytes) -> None:
        await trio.lowlevel.checkpoint()
        self.sent.append(message)


def _line(*messages: m.ServerMessage | bytes) -> VoxintLine:
    return VoxintLine(cast("WebSocketConnection", _Socket(*messages)))


async def _all_of(line: VoxintLine) -> list[LineEvent]:
    heard: list[LineEvent] = []
    with suppress(trio.EndOfChannel):
        while True:  # to the connection's end
            heard.append(await line.receive())
    return heard


def _voice(answer: str) -> bytes:
    frame = binary_voice(answer, 0, b"\1\0")
    assert frame is not None
    return frame


async def test_events_of_a_call() -> None:
    """Sound, holds, the end for good, words and what is heard come as a caller's events, in their order."""
    line = _line(
        m.SpeechMessage(state="started", at_ms=12.0, request_id="u"),
        m.TranscriptMessage(request_id="u", text="stop", is_final=True),
        m.SpeechMessage(state="stopped", at_ms=90.0, request_id="u", text="stop", outcome="request", decided_ms=95.0),
        m.Response(request_id="a", text_stream_seq=0, text="Words alone."),
        _voice("a"),
        m.HoldMessage(request_id="a", state="held", voice_stream_seq=0),
        m.HoldMessage(request_id="a", state="released", voice_stream_seq=0, reason="noise"),
        m.Response(
            request_id="a",
            text_stream_seq=-1,
            voice_stream_seq=-1,
            interrupted=True,
            interrupt_reason="USER_VOICE_INPUT",
        ),
        _voice("b"),
        m.Response(request_id="b", text_stream_seq=-1, voice_stream_seq=-1),
    )
    assert await _all_of(line) == [
        Heard("onset", 12.0),
        Transcribed("stop", True),
        Heard("endpoint", 95.0, "request"),
        Audio(b"\1\0", "a"),
        Paused("a"),
        Resumed("a", "noise"),
        Flushed("a", "USER_VOICE_INPUT"),
        Audio(b"\1\0", "b"),
        Ended("b"),
    ]


async def test_what_an_utterance_interrupts_is_flushed() -> None:
    """An utterance that interrupts is no end of a turn, and the player throws away what it has of each answer."""
    line = _line(
        _voice("a"),
        m.Response(request_id="a", text_stream_seq=-1, voice_stream_seq=-1),
        _voice("b"),
        m.SpeechMessage(state="committed", at_ms=30.0, request_id="u", interrupted=("a", "b", "never sounded")),
        m.Response(request_id="b", text_stream_seq=-1, voice_stream_seq=-1, interrupted=True),
    )
    assert await _all_of(line) == [
        Audio(b"\1\0", "a"),
        Ended("a"),
        Audio(b"\1\0", "b"),
        Heard("committed", 30.0),
        Flushed("a", "committed"),
        Flushed("b", "committed"),
    ]


async def test_what_never_sounded_is_not_flushed() -> None:
    """The end of a request that only listened is nothing to a player."""
    line = _line(m.Response(request_id="u", text_stream_seq=-1, voice_stream_seq=-1, interrupted=True))
    with pytest.raises(trio.EndOfChannel):
        await line.receive()


async def test_answer_that_is_held_before_it_sounds_ends() -> None:
    """Its end is told to the player, which would stand still for ever else."""
    line = _line(
        m.HoldMessage(request_id="a", state="held", voice_stream_seq=None),
        m.Response(request_id="a", text_stream_seq=-1, voice_stream_seq=-1, interrupted=True),
    )
    assert await _all_of(line) == [Paused("a"), Flushed("a")]


async def test_server_without_ears_is_told() -> None:
    """A server that grants no open microphone can't be called."""
    granted = m.RegisterAck(
        status="SUCCESS",
        message="",
        session_id="s",
        session_timeout_seconds=60,
        features=("binary_audio",),
        audio=m.Audio(input_rate=16_000, output_rate=16_000),
    )
    line = _line(granted)
    with pytest.raises(WireError, match="keeps no microphone open"):
        await line.register()
