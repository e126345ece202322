"""What a session costs that comes back, and one that several listen to: two small cases beside the scenarios.

No upstream and no other target: the stages are in the server's process, nobody else has such sessions, and what is
asked is what voxint's own part of it costs. ``python -m bench sessions`` runs it.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from statistics import median

import msgspec
import psutil
import structlog
import trio
from attrs import asdict, frozen

from bench.processes import Cores, announced, cpu_s
from voxint.core.agent import Agent, Limits
from voxint.core.audio import AudioFormat
from voxint.core.settings import SettingsChange
from voxint.core.stages import Delta, ModelOutput, Speech, Turn
from voxint.measure.wire import Message, Wire, open_wire
from voxint.protocol import messages as m
from voxint.protocol.codec import decode_server, encode_client
from voxint.server.collector import calm_collector
from voxint.server.config import ServerConfig
from voxint.server.serve import serve

__all__ = ["LISTENERS", "Listening", "Resuming", "listening", "resuming", "to_json", "to_text"]

SENTENCE_S = 3.0
TOKENS = 8
KEPT_S = 30.0
"""What a session keeps unless configured: the protocol's number."""

SPOKEN = SettingsChange(require_tts=True)

LISTENERS = 10
"""Beside one, to compare with: ours; a class-room, or a wall of displays."""

AUTH = m.Auth(type="API_KEY", api_key="")


class _Model:
    """Writes as many sentences as it is asked for, a token each 20 ms."""

    async def generate(self, turn: Turn, out: trio.abc.SendChannel[ModelOutput]) -> None:
        for _ in range(int(turn.messages[-1].content)):
            for _ in range(TOKENS - 1):
                await trio.sleep(0.02)
                await out.send(Delta("word "))
            await out.send(Delta("end. "))


class _Voice:
    """Speaks a sentence in pieces of 80 ms, at once: what is ahead of playback waits in the server."""

    audio_format = AudioFormat()

    async def synthesize(self, text: trio.abc.ReceiveChannel[str], out: trio.abc.SendChannel[Speech]) -> None:
        piece_bytes = self.audio_format.bytes(80)
        async for piece in text:
            for begin in range(0, self.audio_format.bytes(SENTENCE_S * 1000 * piece.count("end.")), piece_bytes):
                await out.send(Speech(os.urandom(piece_bytes), None if begin else piece))


async def _serve(limits: Limits) -> None:
    async with trio.open_nursery() as nursery:
        agent = Agent(llm=_Model(), tts=_Voice(), limits=limits)
        calm_collector()
        server = await nursery.start(serve, agent, ServerConfig(port=0))
        sys.stdout.write(server.url + "\n")
        sys.stdout.flush()


def _server(*, lead_ms: float) -> AbstractAsyncContextManager[tuple[str, psutil.Process]]:
    """Run a server in a process of its own, on the target's core."""
    return announced("bench.sessions", str(lead_ms), core=Cores.of_machine().target)


@frozen(eq=False)
class _Line:
    """A connection that has registered.

    Args:
        wire: The WebSocket.
        ack: The REGISTER_ACK.
        took_ms: From REGISTER written to REGISTER_ACK read.
        behind: What was read together with it.
    """

    wire: Wire
    ack: m.RegisterAck
    took_ms: float
    behind: list[Message]

    async def ask(self, sentences: int) -> None:
        """Ask for so many sentences."""
        content = m.Content(text=str(sentences))
        request = m.RequestMessage(request_id="r1", data_type="TEXT", content=content)
        await self.wire.send(encode_client(request, self.ack.session_id, 0))

    async def read_to_the_end(self) -> int:
        """Read until the answer has ended; return how many voice frames came."""
        frames, read = 0, self.behind
        while True:
            for is_text, payload in read:
                if is_text and b'"text_stream_seq":-1' in payload:
                    return frames
                frames += not is_text or b'"voice_stream_seq":' in payload
            read = await self.wire.receive()


@asynccontextmanager
async def _registered(url: str, message: m.Register) -> AsyncIterator[_Line]:
    """Connect and register."""
    async with open_wire(url) as wire:
        sent = await wire.send(encode_client(message, None, 0))
        while not (read := await wire.receive()):
            pass
        took_ms = (time.monotonic() - sent) * 1000
        ack = decode_server(read[0][1].decode())
        assert isinstance(ack, m.RegisterAck), ack
        yield _Line(wire, ack, took_ms, read[1:])


def _resume(ack: m.RegisterAck, seen: dict[str, m.SeenFrames] | None, features: tuple[str, ...] = ()) -> m.Register:
    assert ack.resume_token is not None
    resume = m.Resume(session_id=ack.session_id, resume_token=ack.resume_token, seen=seen)
    return m.Register(auth=AUTH, resume=resume, features=features)


@frozen
class Resuming:
    """How long a resume takes, in milliseconds.

    Args:
        fresh: A REGISTER without a session to resume, for comparison: the median.
        has_all: The client has all that was said, 30 s of it kept.
        has_nothing: It is sent all of it again, behind the REGISTER_ACK.
    """

    fresh: float
    has_all: float
    has_nothing: float


async def resuming(times: int = 30) -> Resuming:
    """Measure REGISTER written to REGISTER_ACK read."""
    async with _server(lead_ms=3_600_000) as (url, _):
        async with _registered(url, m.Register(auth=AUTH, patch=SPOKEN)) as line:
            await line.ask(round(KEPT_S / SENTENCE_S))
            frames, ack = await line.read_to_the_end(), line.ack
        fresh, took = [], dict[bool, list[float]]({True: [], False: []})
        for turn in range(2 * times):
            async with _registered(url, m.Register(auth=AUTH, patch=SPOKEN)) as line:
                fresh.append(line.took_ms)
            has_all = turn % 2 == 0
            has = m.SeenFrames(text_stream_seq=10_000, voice_stream_seq=frames) if has_all else m.SeenFrames()
            async with _registered(url, _resume(ack, {"r1": has})) as line:
                took[has_all].append(line.took_ms)
                await line.read_to_the_end()
                ack = line.ack
        return Resuming(median(fresh), median(took[True]), median(took[False]))


@frozen
class Listening:
    """What a minute of speech costs the server's process, in CPU seconds.

    Args:
        listeners: Of the session, beside none; the first asks.
        binary: Whether voice comes in binary frames.
        cpu_s: The cost.
    """

    listeners: int
    binary: bool
    cpu_s: float


async def listening(listeners: int, *, binary: bool, seconds: float = 30.0) -> Listening:
    """Measure an answer of so many seconds, scaled to a minute."""
    features = ("binary_audio",) if binary else ()
    async with _server(lead_ms=300) as (url, process), AsyncExitStack() as stack:
        register = m.Register(auth=AUTH, patch=SPOKEN, features=features)
        lines = [await stack.enter_async_context(_registered(url, register))]
        for _ in range(listeners - 1):
            resume = _resume(lines[-1].ack, None, features)
            lines.append(await stack.enter_async_context(_registered(url, resume)))
        frames: list[int] = []

        async def read(line: _Line) -> None:
            frames.append(await line.read_to_the_end())

        before = cpu_s(process)
        await lines[0].ask(round(seconds / SENTENCE_S))
        async with trio.open_nursery() as nursery:
            for line in lines:
                nursery.start_soon(read, line)
        used_s = cpu_s(process) - before
        if frames != [frames[0]] * listeners or frames[0] < seconds * 1000 / Limits().frame_ms:
            raise RuntimeError(f"the listeners have read {frames} frames of voice")
        return Listening(listeners, binary, used_s * 60 / seconds)


def _main(lead_ms: str) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    trio.run(_serve, Limits(lead_ms=float(lead_ms)))


def to_json(resumed: Resuming, heard: Sequence[Listening]) -> str:
    """Return the figures for a machine."""
    return msgspec.json.encode({"resuming_ms": asdict(resumed), "listening": [asdict(each) for each in heard]}).decode()


def to_text(resumed: Resuming, heard: Sequence[Listening]) -> str:
    """Return the figures for a reader."""
    lines = [
        "REGISTER written to REGISTER_ACK read, median, ms",
        f"  a new session                      {resumed.fresh:7.2f}",
        f"  resumed, {KEPT_S:g} s kept, has it all     {resumed.has_all:7.2f}",
        f"  resumed, {KEPT_S:g} s kept, has nothing    {resumed.has_nothing:7.2f}",
        "CPU seconds of the server for a minute of speech",
    ]
    for each in heard:
        form = "binary" if each.binary else "base64"
        lines.append(f"  {each.listeners:2} listening, {form}               {each.cpu_s:7.2f}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    _main(sys.argv[1])
