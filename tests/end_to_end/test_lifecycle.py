"""How connections and servers begin and end, over real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
import trio
from trio_websocket import ConnectionRejected

from tests.end_to_end.callers import no_descriptor_left, no_request_left, serving, turns
from tests.end_to_end.turns import bench
from tests.end_to_end.wire import Wire, open_wire
from tests.talk import SPOKEN, WRITTEN
from voxint.core.agent import Agent
from voxint.core.settings import SettingsChange
from voxint.protocol import messages as m
from voxint.protocol.codec import encode_client
from voxint.server.config import ServerConfig
from voxint.server.serve import Server, serve
from voxint.testing.sim import Sim
from voxint.testing.stages import FOREVER, ScriptedModel, ScriptedVoice


def settings(**changes: object) -> ServerConfig:
    """Return settings for a test: any port, and the changes."""
    return ServerConfig(**{"port": 0, "drain_s": 0.0, **changes})  # type: ignore[arg-type]  # attrs checks them


@asynccontextmanager
async def registered(server: Server, patch: SettingsChange = WRITTEN) -> AsyncIterator[Wire]:
    """Connect a client that has registered."""
    async with open_wire(server.url) as wire:
        wire.register(patch)
        await wire.until(lambda: wire.session_id is not None)
        yield wire


def ended(wire: Wire, request_id: str) -> bool:
    """Return whether the request's last frame was read."""
    return any(frame.text_stream_seq == -1 for frame in wire.responses(request_id))


def times(wire: Wire, kind: type[m.ServerMessage]) -> list[float]:
    """Return when the frames of a class were read."""
    return [at for at, frame in wire.frames if isinstance(frame, kind)]


async def status(server: Server) -> int:
    """Return the HTTP status that a WebSocket's request gets."""
    try:
        async with open_wire(server.url):
            return 101
    except* ConnectionRejected as refused:
        [error] = refused.exceptions
        assert isinstance(error, ConnectionRejected)
        code = error.status_code
    return code


async def test_heartbeats_come_whatever_else_is_sent() -> None:
    """HEARTBEAT comes on time, idle and during a reply, and says how long the client may be silent."""
    model = ScriptedModel.says(*["word "] * 40, every=0.02)
    async with serving(Agent(llm=model), settings(heartbeat_s=0.1)) as server, registered(server) as wire:
        await trio.sleep(0.35)
        idle = len(wire.of(m.Heartbeat))
        wire.ask("r1")
        await wire.until(lambda: ended(wire, "r1"))
        assert idle >= 2
        assert len(wire.of(m.Heartbeat)) - idle >= 4
        at = times(wire, m.Heartbeat)
        assert min(after - before for before, after in pairwise(at)) > 0.02
        assert all(
            590 <= beat.remaining_seconds <= 600 for beat in wire.of(m.Heartbeat) if isinstance(beat, m.Heartbeat)
        )


async def test_no_heartbeat_comes_before_register() -> None:
    """Its answer could bear no session, and would be refused: a client would take that for the loss of its own."""
    async with (
        serving(Agent(llm=ScriptedModel("x")), settings(heartbeat_s=0.02)) as server,
        open_wire(server.url) as wire,
    ):
        await trio.sleep(0.2)
        wire.register(WRITTEN)
        await wire.until(lambda: bool(wire.of(m.Heartbeat)))
        assert isinstance(wire.frames[0][1], m.RegisterAck)


async def test_a_silent_client_is_warned_then_closed() -> None:
    """SESSION_WARN comes once before the end, then the close, with another code than 1000."""
    config = settings(session_timeout_s=0.5, warn_s=0.25, heartbeat_s=0.1)
    async with serving(Agent(llm=ScriptedModel("x")), config) as server, registered(server) as wire:
        began = trio.current_time()
        reason = await wire.until_closed()
        assert (reason.code, trio.current_time() - began >= 0.4) == (4408, True)
        [warned] = times(wire, m.SessionWarn)
        assert 0.2 <= warned - began < trio.current_time() - began


async def test_a_client_that_is_heard_stays() -> None:
    """A HEARTBEAT_REPLY is enough, for longer than the timeout; so is nothing but microphone audio."""
    config = settings(session_timeout_s=0.5, warn_s=0.1)
    async with serving(Agent(llm=ScriptedModel("x")), config) as server, registered(server) as wire:
        for n in range(10):
            await trio.sleep(0.1)
            if n % 2:
                wire.say(m.HeartbeatReply(client_status="ONLINE"))
            else:
                wire.speak(0.01)
        assert wire.closed is None
        assert wire.of(m.SessionWarn) == []


async def test_who_never_registers_is_closed() -> None:
    """A connection without REGISTER ends after `register_s`, though it is alive; HEALTH_CHECK is answered before."""
    config = settings(register_s=0.3)
    async with serving(Agent(llm=ScriptedModel("x")), config) as server, open_wire(server.url) as wire:
        wire.say(m.HealthCheck())
        await wire.until(lambda: bool(wire.of(m.HealthCheckAck)))
        wire.ask("r1")
        await wire.until(lambda: bool(wire.of(m.Error)))
        [error] = [frame for _, frame in wire.frames if isinstance(frame, m.Error)]
        assert (error.error_code, error.request_id) == ("SESSION_INVALID", None)
        assert (await wire.until_closed()).code == 4408


@pytest.mark.parametrize("key", ["", "wrong"])
async def test_a_wrong_key_closes(key: str) -> None:
    """AUTH_FAILED, then a close with another code than 1000; a second try on that connection is not heard."""
    config = settings(api_keys=("right",))
    model = ScriptedModel("x")
    async with serving(Agent(llm=model), config) as server:
        async with open_wire(server.url) as wire:
            wire.register(WRITTEN, key=key)
            wire.register(WRITTEN, key="right")
            wire.ask("r1")
            assert (await wire.until_closed()).code == 4401
            assert [type(frame) for _, frame in wire.frames] == [m.Error]
        assert model.calls == []
        async with open_wire(server.url) as wire:
            wire.register(WRITTEN, key="right")
            await wire.until(lambda: wire.session_id is not None)


async def test_a_frame_over_the_limit_closes_that_connection_alone() -> None:
    """It is closed with 1009, its live request is cancelled; the neighbour's answer goes on."""
    model = ScriptedModel.says(*["word "] * 10, every=0.05)
    config = settings(max_frame_bytes=20_000)
    async with serving(Agent(llm=model), config) as server, registered(server) as neighbour:
        async with registered(server) as wire:
            wire.ask("r1", "x" * 10_000)
            neighbour.ask("n1")
            await wire.until(lambda: len(wire.responses("r1")) > 1)
            wire.ask("r2", "x" * 20_000)
            assert (await wire.until_closed()).code == 1009
        await neighbour.until(lambda: ended(neighbour, "n1"))
        assert "".join(frame.text or "" for frame in neighbour.responses("n1")) == "word " * 10
    assert sorted(call.cancelled is not None for call in model.calls) == [False, True]


@pytest.mark.parametrize("max_frame_bytes", [20_000, ServerConfig().max_frame_bytes])
async def test_no_more_connections_than_allowed(max_frame_bytes: int) -> None:
    """One too many is told SERVER_BUSY, and admitted when another has left; whatever a frame may measure."""
    config = settings(max_connections=2, max_frame_bytes=max_frame_bytes)
    async with serving(Agent(llm=ScriptedModel("x")), config) as server, registered(server):
        async with registered(server):
            refused = await one_too_many(server)
            assert refused is not None
            assert (refused.error_code, refused.retryable) == ("SERVER_BUSY", True)
        with trio.fail_after(2):
            while await one_too_many(server) is not None:  # noqa: ASYNC110 - who knows when it sees that one has left
                await trio.sleep(0.01)


async def one_too_many(server: Server) -> m.Error | None:
    """Register; return what is refused, after which the connection is closed with 1013."""
    async with open_wire(server.url) as wire:
        wire.register(WRITTEN)
        await wire.until(lambda: bool(wire.frames))
        [(_, frame)] = wire.frames[:1]
        if not isinstance(frame, m.Error):
            return None
        assert (await wire.until_closed()).code == 1013
        return frame


async def test_idle_http_connections_make_room_for_callers() -> None:
    """A scraper that keeps its connection costs nobody a place, and a server that is full answers its health check."""
    config = settings(max_connections=2, max_strangers=2)
    async with serving(Agent(llm=ScriptedModel("x")), config) as server:
        idle = [await trio.open_tcp_stream("127.0.0.1", server.port) for _ in range(2)]
        for stream in idle:
            await stream.send_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await stream.receive_some()
        async with registered(server), registered(server):
            with trio.fail_after(2):
                while await idle[0].receive_some():
                    pass
            for stream in idle:
                await stream.aclose()
            async with await trio.open_tcp_stream("127.0.0.1", server.port) as probe:
                await probe.send_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert (await probe.receive_some()).startswith(b"HTTP/1.1 200 ")


async def test_the_client_says_goodbye() -> None:
    """SHUTDOWN cancels what is live and closes; a REQUEST behind it starts nothing."""
    model = ScriptedModel("Well, ", FOREVER)
    async with serving(Agent(llm=model), settings()) as server, registered(server) as wire:
        wire.ask("r1")
        await wire.until(lambda: bool(wire.responses("r1")))
        wire.say(m.Shutdown(reason="bye"))
        wire.send(wire_request(wire, "r2"))
        assert (await wire.until_closed()).code == 1000
        await no_request_left()
        assert len(model.calls) == 1
        assert model.running == 0


def wire_request(wire: Wire, request_id: str) -> str:
    """Return a REQUEST that the checker does not wait for."""
    request = m.RequestMessage(request_id=request_id, data_type="TEXT", content=m.Content(text="still there?"))
    return encode_client(request, wire.session_id, 0)


async def test_draining_lets_a_live_reply_end() -> None:
    """At shutdown clients are told, a live reply is sent whole, new ones are refused, the close is not 1000."""
    model = ScriptedModel.says(*["word "] * 10, every=0.05)
    async with trio.open_nursery() as nursery:
        server = await nursery.start(serve, Agent(llm=model), settings(drain_s=5.0))
        async with registered(server) as wire, registered(server) as other:
            wire.ask("r1")
            await wire.until(lambda: bool(wire.responses("r1")))
            server.shut_down()
            await other.until(lambda: bool(other.of(m.Shutdown)))
            other.ask("o1")
            await other.until(lambda: bool(other.of(m.Error)))
            [error] = [frame for _, frame in other.frames if isinstance(frame, m.Error)]
            assert (error.error_code, error.request_id, error.retryable) == ("SERVER_BUSY", "o1", True)
            assert await status(server) == 503
            assert (await wire.until_closed()).code == 1001
            assert "".join(frame.text or "" for frame in wire.responses("r1")) == "word " * 10
            assert not wire.responses("r1")[-1].interrupted


async def test_draining_ends_what_takes_too_long() -> None:
    """After the drain time a live reply is cancelled; its final frame and its acknowledgement still go out."""
    model = ScriptedModel("Well, ", FOREVER)
    async with trio.open_nursery() as nursery:
        server = await nursery.start(serve, Agent(llm=model), settings(drain_s=0.3))
        async with registered(server) as wire:
            wire.ask("r1")
            await wire.until(lambda: bool(wire.responses("r1")))
            began = trio.current_time()
            server.shut_down()
            assert (await wire.until_closed()).code == 1001
            assert 0.25 <= trio.current_time() - began < 2
            final = wire.responses("r1")[-1]
            assert (final.interrupted, final.interrupt_reason) == (True, "SHUTDOWN")
    assert model.running == 0


async def test_a_lost_connection_closes_its_upstreams(sim: Sim) -> None:
    """A client that vanishes without a word takes its model's and its synthesizer's connection with it."""
    async with bench(sim) as run:
        turn = next(turns)
        run.upstream.chat[turn] = {"tokens": 2000}
        async with open_wire(run.url) as wire:
            wire.register(SPOKEN)
            await wire.until(lambda: wire.session_id is not None)
            wire.ask(f"r{turn}", f"turn {turn}")
            await wire.until(lambda: len(wire.responses(f"r{turn}")) > 10)
        await no_request_left()
        entries = await run.upstream.entries(turn)
        [chat] = [entry for entry in entries if "chat" in entry.endpoint]
        assert chat.outcome == "disconnected"
        assert chat.tokens_written < 500


async def test_an_overrun_holds_up_nothing() -> None:
    """A stage that will not stop: acknowledged at 250 ms as overrun, the next reply comes, the connection closes."""
    model = ScriptedModel.turns(ScriptedModel("Well, ", FOREVER, lingers=1.5), ScriptedModel("Yes?"))
    with no_descriptor_left():
        async with serving(Agent(llm=model, tts=ScriptedVoice()), settings()) as server:
            async with registered(server) as wire:
                wire.ask("r1")
                await wire.until(lambda: bool(wire.responses("r1")))
                began = trio.current_time()
                wire.interrupt("r1")
                wire.ask("r2")
                await wire.until(lambda: ended(wire, "r2"))
                [ack] = [frame for _, frame in wire.frames if isinstance(frame, m.InterruptAck)]
                assert (ack.status, ack.outcomes) == ("PARTIAL", {"r1": "overrun"})
                assert ack.receipts["r1"].stages["llm"] == "overrun"
                [acked] = times(wire, m.InterruptAck)
                assert 0.24 <= acked - began < 0.75
                assert "".join(frame.text or "" for frame in wire.responses("r2")) == "Yes?"
                wire.say(m.Shutdown())
                await wire.until_closed(1.0)
                assert trio.current_time() - began < 1.4, "the close waited for the stage"
            assert model.running == 1
        assert model.running == 0
