"""A session outlives its connections, over real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import pytest
import trio

from tests.end_to_end.callers import serving
from tests.end_to_end.wire import Wire, open_wire
from tests.memory import Memory, NumberedVoice, numbered
from tests.talk import SPOKEN, WRITTEN
from voxint.core.agent import Agent, Limits
from voxint.core.events import Said, Text
from voxint.core.settings import OnDisconnect, SettingsChange
from voxint.protocol import messages as m
from voxint.protocol.renderer import Renderer
from voxint.server.config import ServerConfig
from voxint.server.serve import Server
from voxint.testing.stages import FOREVER, ScriptedModel

WORDS = ("Once ", "upon ", "a time. ", "There ", "was.")
TEXT = "".join(WORDS)


@asynccontextmanager
async def begun(
    server: Server, patch: SettingsChange = WRITTEN, on_disconnect: OnDisconnect = "keep"
) -> AsyncIterator[Wire]:
    """Open a session."""
    async with open_wire(server.url) as wire:
        wire.register(patch, on_disconnect=on_disconnect)
        await wire.until(lambda: wire.session_id is not None)
        yield wire


@asynccontextmanager
async def back(
    server: Server,
    ack: m.RegisterAck,
    seen: dict[str, m.SeenFrames] | None = None,
    *,
    narrow: bool = False,
    features: tuple[str, ...] = (),
) -> AsyncIterator[Wire]:
    """Resume a session."""
    async with open_wire(server.url, narrow=narrow) as wire:
        assert ack.resume_token is not None
        resume = m.Resume(session_id=ack.session_id, resume_token=ack.resume_token, seen=seen)
        wire.register(resume=resume, features=features)
        await wire.until(lambda: bool(wire.frames))
        yield wire


def ended(wire: Wire, request_id: str = "r1") -> bool:
    """Return whether a request's end was read."""
    return any(frame.text_stream_seq == -1 for frame in wire.responses(request_id))


def has(wire: Wire, frames: int) -> bool:
    """Return whether so many frames of r1 were read, or its end."""
    return len(wire.responses("r1")) >= frames or ended(wire)


@pytest.mark.parametrize("patch", [WRITTEN, SPOKEN], ids=["written", "spoken"])
async def test_nothing_is_twice_and_nothing_is_missing(patch: SettingsChange) -> None:
    """Wherever the network breaks: TCP is gone, what was on its way too, and the frames of both are the whole."""
    voice = NumberedVoice(0.1, chunk_s=0.02)
    agent = Agent(llm=ScriptedModel.says(*WORDS, every=0.01), tts=voice, limits=Limits(lead_ms=60, frame_ms=20))
    async with serving(agent) as server:
        reads, whole = 0, False
        while not whole:
            memory = Memory()
            memory.asked("r1")
            async with begun(server, patch) as first:
                first.ask("r1")
                due = max(1, reads)  # by then the REQUEST has come
                await first.until(partial(has, first, due))
                memory.take(first.responses("r1")[:reads])
                whole = memory.answers["r1"].end is not None
                await trio.aclose_forcefully(first.stream.stream)
            binary = ("binary_audio",) if reads % 2 else ()
            async with back(server, first.registered, memory.seen, features=binary) as second:
                if not whole:
                    await second.until(partial(ended, second))
                memory.take(second.responses("r1"))
            assert memory.text() == TEXT, reads
            assert memory.voice() == (numbered(round(voice.written_s * 16_000)) if patch is SPOKEN else b""), reads
            reads += 1
        assert reads > 5


async def test_two_race_with_one_token() -> None:
    """Exactly one wins; the other's connection ends with 4401."""
    async with serving(Agent(llm=ScriptedModel("x"))) as server:
        async with begun(server) as first:
            pass
        codes = list[int | None]()

        async def come() -> None:
            async with back(server, first.registered) as wire:
                codes.append((await wire.until_closed()).code if wire.of(m.Error) else None)

        async with trio.open_nursery() as nursery:
            for _ in range(2):
                nursery.start_soon(come)
        assert sorted(codes, key=str) == [4401, None]


async def test_the_loss_interrupts_unless_the_session_keeps() -> None:
    """Who comes back is told how it ended, and may ask on."""
    async with serving(Agent(llm=ScriptedModel("Well, ", FOREVER))) as server:
        async with begun(server, on_disconnect="interrupt") as first:
            first.ask("r1")
            await first.until(lambda: bool(first.responses("r1")))
        seen = {"r1": m.SeenFrames(text_stream_seq=0)}
        async with back(server, first.registered, seen) as second:
            await second.until(lambda: ended(second))
            [last] = second.responses("r1")
            assert (last.interrupted, last.interrupt_reason) == (True, "DISCONNECT")
            assert second.registered.resumed is not None
            second.ask("r2")
            await second.until(lambda: bool(second.responses("r2")))
            second.interrupt(None)
            await second.until(lambda: bool(second.acks))


async def test_a_listener_that_reads_nothing_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kiosk and another hear the whole answer beside it; it is closed, or its socket is."""
    monkeypatch.setattr("voxint.core.listener.MOST_UNREAD", 50)
    agent = Agent(llm=ScriptedModel("One long sentence."), tts=NumberedVoice(6.0), limits=Limits(frame_ms=20))
    async with serving(agent) as server, begun(server, SPOKEN) as kiosk, AsyncExitStack() as stack:
        slow = await stack.enter_async_context(back(server, kiosk.registered, narrow=True))
        other = await stack.enter_async_context(back(server, slow.registered))
        slow.stop_reading()
        kiosk.ask("r1")
        for wire in (kiosk, other):
            await wire.until(partial(ended, wire), seconds=20)
            memory = Memory()
            memory.take(wire.responses("r1"))
            assert memory.voice() == numbered(6 * 16_000)
        assert not ended(slow)
        slow.read_on()
        assert (await slow.until_closed()).code in (1008, 1006)


async def test_a_drain_says_goodbye_to_all() -> None:
    """Every connection of a session hears SHUTDOWN and is closed with 1001."""
    agent = Agent(llm=ScriptedModel("Well, ", FOREVER))
    async with (
        serving(agent, ServerConfig(port=0, drain_s=0.1)) as server,
        begun(server) as kiosk,
        back(server, kiosk.registered) as other,
    ):
        kiosk.ask("r1")
        await other.until(lambda: bool(other.responses("r1")))
        server.shut_down()
        for wire in (kiosk, other):
            assert (await wire.until_closed()).code == 1001
            assert [frame.interrupt_reason for frame in wire.responses("r1")][-1] == "SHUTDOWN"
            assert len(wire.of(m.Shutdown)) == 1


async def test_what_cannot_be_written_costs_its_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """1011 for the one, whose session can be resumed; the other hears all of it, and the server serves on."""
    render = Renderer.render

    def failing(self: Renderer, item: object, now_ms: int) -> Iterator[str | bytes]:
        if "transcripts" in self.features and isinstance(item, Said) and item.event == Text("a time. "):
            raise ValueError("no")
        return render(self, item, now_ms)

    monkeypatch.setattr(Renderer, "render", failing)
    agent = Agent(llm=ScriptedModel.says(*WORDS, every=0.05))
    async with serving(agent) as server, begun(server) as kiosk:
        kiosk_ack, memory = kiosk.registered, Memory()
        async with back(server, kiosk_ack, features=("transcripts",)) as broken:
            kiosk.ask("r1")
            assert (await broken.until_closed()).code == 1011
            memory.take(broken.responses("r1"))
        async with back(server, broken.registered, memory.seen) as again:
            for wire in (kiosk, again):
                await wire.until(partial(ended, wire))
            memory.take(again.responses("r1"))
        kiosk.ask("r2")
        await kiosk.until(partial(ended, kiosk, "r2"))
        assert memory.text() == "".join(frame.text or "" for frame in kiosk.responses("r1")) == TEXT
