"""A client that does not read: it costs itself patience, and nobody else anything."""

from __future__ import annotations

import time

import trio
from wsproto.events import Ping

from tests.end_to_end.callers import no_descriptor_left, no_request_left, request_tasks, serving
from tests.end_to_end.wire import Wire, open_wire
from tests.talk import SPOKEN, WRITTEN
from voxint.core.agent import Agent
from voxint.core.stages import Delta, ModelOutput, Turn
from voxint.protocol import messages as m
from voxint.server.config import ServerConfig
from voxint.server.serve import Server, serve
from voxint.testing.stages import ScriptedModel, ScriptedVoice

CONFIG = ServerConfig(port=0, drain_s=0, heartbeat_s=0.2, close_s=0.5)


class Gusher:
    """A model that writes numbered words as fast as they are taken; a reader that stops holds it."""

    def __init__(self) -> None:
        self.words = 0
        self.running = 0

    async def generate(self, turn: Turn, out: trio.abc.SendChannel[ModelOutput]) -> None:
        """Write without end, about 8 KiB at a time."""
        self.running += 1
        try:
            while True:
                await out.send(Delta("".join(f"w{self.words + n} " for n in range(1000))))
                self.words += 1000
        finally:
            self.running -= 1

    async def until_held(self) -> None:
        """Wait until nobody takes any more: for a quarter of a second not a word was written."""
        with trio.fail_after(10):
            before = -1
            while before != self.words:
                before = self.words
                await trio.sleep(0.25)


async def stuck(wire: Wire, gusher: Gusher, request_id: str) -> None:
    """Ask, read a little, then read no more until the server's writer hangs in the middle of a frame."""
    wire.register(WRITTEN)
    await wire.until(lambda: wire.session_id is not None)
    wire.ask(request_id)
    await wire.until(lambda: bool(wire.responses(request_id)))
    wire.stop_reading()
    await gusher.until_held()


def order_holds(wire: Wire, request_id: str) -> None:
    """Assert that the text is whole up to the cut, and that the acknowledgement is the last word."""
    text = "".join(frame.text or "" for frame in wire.responses(request_id))
    words = text.split()
    assert words == [f"w{n}" for n in range(len(words))]
    of_it = [frame for _, frame in wire.frames if not isinstance(frame, m.Heartbeat | m.SessionInfo)]
    final, ack = of_it[-2:]
    assert isinstance(final, m.Response)
    assert isinstance(ack, m.InterruptAck)
    assert (final.interrupted, ack.outcomes) == (True, {request_id: "stopped"})


async def test_it_is_interrupted_all_the_same() -> None:
    """The work stops at once although nothing can be said; when the client reads again, every frame is whole."""
    gusher = Gusher()
    with no_descriptor_left():
        async with serving(Agent(llm=gusher), CONFIG) as server, open_wire(server.url, narrow=True) as wire:
            await stuck(wire, gusher, "r1")
            wire.checker.ack_within_s = 30.0  # it reads it when it reads again
            wire.interrupt("r1")
            with trio.fail_after(1):
                await no_request_left()
            assert gusher.running == 0
            await trio.sleep(0.5)  # so that heartbeats pile up too
            wire.read_on()
            await wire.until(lambda: bool(wire.of(m.InterruptAck)), 20)
            order_holds(wire, "r1")
            await wire.until(lambda: isinstance(wire.frames[-1][1], m.Heartbeat))
            assert len(wire.of(m.Heartbeat)) >= 4
            wire.checker.settled()


async def test_others_are_not_slowed() -> None:
    """While one client reads nothing, another is answered, interrupted and acknowledged as ever."""
    gusher = Gusher()
    model = ScriptedModel.says(*["word "] * 400, every=0.005)

    class Both:
        async def generate(self, turn: Turn, out: trio.abc.SendChannel[ModelOutput]) -> None:
            await (gusher if turn.messages[-1].content == "Hello?" else model).generate(turn, out)

    agent = Agent(llm=Both(), tts=ScriptedVoice(seconds_per_char=0.01))
    async with (
        serving(agent, CONFIG) as server,
        open_wire(server.url, narrow=True) as slow,
        open_wire(server.url) as other,
    ):
        await stuck(slow, gusher, "r1")
        other.register(SPOKEN)
        await other.until(lambda: other.session_id is not None)
        for n in range(5):
            other.ask(f"o{n}", "And you?")
            await other.until(lambda n=n: len(other.responses(f"o{n}")) > 20)  # type: ignore[misc]  # a bound default
            began = time.monotonic()
            other.interrupt(f"o{n}")
            await other.until(lambda n=n: len(other.of(m.InterruptAck)) > n)  # type: ignore[misc]  # a bound default
            assert time.monotonic() - began < 0.5
        assert "request r1" in request_tasks()
        other.checker.settled()


async def test_its_connection_closes_in_time() -> None:
    """A server that goes down waits `close_s` for it, not the minute that a WebSocket's polite close would take."""
    gusher = Gusher()
    down = trio.Event()

    async def run(task_status: trio.TaskStatus[Server]) -> None:
        await serve(Agent(llm=gusher), CONFIG, task_status=task_status)
        down.set()

    async with trio.open_nursery() as nursery:
        server = await nursery.start(run)
        async with open_wire(server.url, narrow=True) as wire:
            await stuck(wire, gusher, "r1")
            server.shut_down()
            with trio.fail_after(3):
                await down.wait()
            assert gusher.running == 0


async def test_its_own_goodbye_is_heard() -> None:
    """A client that says SHUTDOWN and reads nothing is gone after `close_s`, with its work."""
    gusher = Gusher()
    async with serving(Agent(llm=gusher), CONFIG) as server, open_wire(server.url, narrow=True) as wire:
        await stuck(wire, gusher, "r1")
        wire.say(m.Shutdown())
        with trio.fail_after(1):
            await no_request_left()
        async with open_wire(server.url) as other:
            with trio.fail_after(3):
                while await connections(other) > 1:  # noqa: ASYNC110 - the server tells nobody who has left
                    await trio.sleep(0.05)


async def test_it_cannot_fill_the_memory() -> None:
    """A client that asks and asks and reads no answer is closed, and its work ends."""
    gusher = Gusher()
    async with serving(Agent(llm=gusher), CONFIG) as server, open_wire(server.url, narrow=True) as wire:
        await stuck(wire, gusher, "r1")
        for _ in range(1500):
            wire.say(m.HealthCheck())
        async with open_wire(server.url) as other:
            with trio.fail_after(5):
                while await connections(other) > 1:  # noqa: ASYNC110 - the server tells nobody who has left
                    await trio.sleep(0.05)
        assert gusher.running == 0


async def test_who_reads_may_ask_a_lot() -> None:
    """Thousands of messages in one go are all answered, in order, to a client that reads."""
    async with serving(Agent(llm=ScriptedModel("Yes.")), CONFIG) as server, open_wire(server.url) as wire:
        wire.register(WRITTEN)
        await wire.until(lambda: wire.session_id is not None)
        wire.checker.ack_within_s = 20.0  # all 3000 are said at once: the last one waits for the others
        for n in range(3000):
            wire.interrupt(f"unknown {n}")
        await wire.until(lambda: len(wire.acks) == 3000, 20)
        assert [ack.interrupt_request_id for _, ack in wire.acks] == [f"unknown {n}" for n in range(3000)]


async def connections(wire: Wire) -> int:
    """Return how many connections the server says it has."""
    before = len(wire.of(m.HealthCheckAck))
    wire.say(m.HealthCheck())
    await wire.until(lambda: len(wire.of(m.HealthCheckAck)) > before)
    last = wire.of(m.HealthCheckAck)[-1]
    assert isinstance(last, m.HealthCheckAck)
    assert last.health_status.conn_count is not None
    return last.health_status.conn_count


async def test_a_ping_is_no_trap() -> None:
    """A client that pings while it reads nothing is still heard: its INTERRUPT stops the work at once."""
    gusher = Gusher()
    async with serving(Agent(llm=gusher), CONFIG) as server, open_wire(server.url, narrow=True) as wire:
        await stuck(wire, gusher, "r1")
        wire.checker.ack_within_s = 30.0
        await wire.ws._send(Ping(payload=b"?"))
        wire.interrupt("r1")
        with trio.fail_after(1):
            await no_request_left()
        wire.read_on()
        await wire.until(lambda: bool(wire.of(m.InterruptAck)), 20)
