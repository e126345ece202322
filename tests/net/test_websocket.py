"""The server's end of a WebSocket: what is delivered and sent, and when."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked
from trio_websocket import ConnectionClosed, wrap_client_stream

from tests.net.websocket_client import RawClient, Streams, memory_pair, open_rig, socket_pair
from voxint.net.frames import BINARY, CONTINUED, PING, PONG, TEXT, frame_of, make_frame
from voxint.net.http_request import HttpRequest, RequestHead
from voxint.net.httpd import serve_connection
from voxint.net.websocket import STEP_FRAMES, ServerWebSocket


def masked(message: str | bytes) -> bytes:
    """Return a message as a client frames it."""
    return frame_of(message, masked=True)


def part(opcode: int, payload: bytes, *, last: bool = False) -> bytes:
    """Return a part of a message."""
    frame = make_frame(opcode, payload, masked=True)
    return frame if last else bytes((frame[0] & 0x7F,)) + frame[1:]


async def refuse(request: HttpRequest) -> None:
    """Answer what is no WebSocket."""
    await request.respond(404)


async def test_a_general_client_is_understood_and_understands() -> None:
    """Text, binary, beyond ASCII and large, both ways, from the upgrade to a close by the client."""
    near, far = memory_pair()

    async def echo(head: RequestHead, stream: trio.abc.Stream, ahead: bytes) -> None:
        def deliver(message: str | bytes) -> int:
            ws.send_now(message)
            return 1

        ws = ServerWebSocket(stream, head, ahead, max_message_bytes=1 << 20)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(flush_often, ws)
            await ws.read(deliver)
            nursery.cancel_scope.cancel()

    async def flush_often(ws: ServerWebSocket) -> None:
        while True:
            await wait_all_tasks_blocked()
            await ws.flush()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(serve_connection, near, refuse, upgrade=lambda head: echo))
        client = await wrap_client_stream(nursery, far, "host", "/ws")  # type: ignore[arg-type]  # memory will do
        for message in ("hello", "你好", b"\x00\x01", "x" * 70_000, b"", ""):
            await client.send_message(message)
            assert await client.get_message() == message
        with trio.fail_after(1):
            await client.ping(b"?")
            await client.aclose(1000, "done")
        assert client.closed is not None
        assert (client.closed.code, client.closed.reason) == (1000, "done")
        with pytest.raises(ConnectionClosed):
            await client.send_message("late")


async def test_messages_that_came_behind_the_upgrade_request_are_delivered() -> None:
    """Wherever the network cuts: what was read with the head goes in front."""
    said = masked("hello") + masked(b"\x01\x02")
    for cut in range(len(said) + 1):
        async with open_rig(ahead=said[:cut]) as rig:
            await rig.client.send(said[cut:])
            await rig.settled()
            assert rig.got == ["hello", b"\x01\x02"]


async def test_what_is_sent_before_the_reading_begins_goes_behind_the_answer() -> None:
    """The client reads the answer to its upgrade first."""
    near, far = memory_pair()
    ws = ServerWebSocket(near, RequestHead("GET", "/", ((b"sec-websocket-key", b"AAAA"),)), max_message_bytes=100)
    assert not ws.send_now("early")
    client = RawClient(far)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ws.read, lambda message: 0)
        await client.opened()
        assert await client.frame() == (TEXT, b"early")
        nursery.cancel_scope.cancel()


async def test_order_is_kept_between_plain_messages_and_those_in_parts() -> None:
    """All in one segment, with a ping in the middle of the parts; the ping is answered."""
    async with open_rig() as rig:
        await rig.client.send(
            masked("one"),
            masked(b"two"),
            part(TEXT, b"in "),
            make_frame(PING, b"?", masked=True),
            part(CONTINUED, "pärts".encode()[:2]),  # within a character
            part(CONTINUED, "pärts".encode()[2:], last=True),
            masked("x" * 70_000),
            part(BINARY, b""),
            part(CONTINUED, b"", last=True),
            masked(b"last"),
        )
        await rig.settled()
        assert rig.got == ["one", b"two", "in pärts", "x" * 70_000, b"", b"last"]
        assert all(type(message) in (str, bytes) for message in rig.got)
        assert await rig.client.frame() == (PONG, b"?")


async def test_others_go_first_where_the_receiver_lets_them() -> None:
    """Of two messages in one segment the second waits for as many scheduler passes as the first has asked for."""
    async with open_rig() as rig, trio.open_nursery() as nursery:

        async def way_out() -> None:
            await trio.lowlevel.checkpoint()
            rig.got.append("stopped")

        rig.passes, rig.then = 3, lambda: nursery.start_soon(way_out)
        await rig.client.send(masked("stop"), masked("go"))
        await rig.settled()
        assert rig.got == ["stop", "stopped", "go", "stopped"]


FLOODS = {
    "text": masked("x"),
    "empty text": masked(""),
    "pings": make_frame(PING, b"", masked=True),
    "pongs": make_frame(PONG, b"", masked=True),
    "empty parts": part(CONTINUED, b""),
}


@pytest.mark.parametrize("kind", FLOODS)
@pytest.mark.parametrize("streams", [memory_pair, socket_pair])
async def test_a_flood_of_small_frames_lets_others_run(kind: str, streams: Callable[[], Streams]) -> None:
    """Of frames that fit one read few are read in a step, whatever they are; then all others have a turn."""
    frames = 2_000
    async with open_rig(streams()) as rig:
        if kind == "empty parts":
            await rig.client.send(part(TEXT, b""))
        turns = 0
        await rig.client.send(FLOODS[kind] * frames, masked("end"))
        while "end" not in rig.got and turns < frames:
            await trio.lowlevel.checkpoint()
            turns += 1
            if kind == "empty parts" and turns == frames // STEP_FRAMES:
                break
        assert turns >= frames // STEP_FRAMES


async def test_many_pings_in_one_read_cost_few_writes() -> None:
    """Their pongs go out together, those of a step in one write, and the latest is always among them."""
    near, far = memory_pair()
    writes = 0

    assert isinstance(near, trio.StapledStream)
    passing_on = near.send_stream.send_all_hook

    async def count() -> None:
        nonlocal writes
        writes += 1
        await passing_on()

    near.send_stream.send_all_hook = count
    async with open_rig((near, far)) as rig:
        pings = [make_frame(PING, b"%d" % n, masked=True) for n in range(100)]
        await rig.client.send(*pings, masked("end"))
        await rig.settled()
        rig.ws.close(1000)
        pongs = []
        while (frame := await rig.client.frame()) is not None and frame[0] == PONG:
            pongs.append(frame[1])
        assert pongs[-1] == b"99"
        assert writes <= 100 // STEP_FRAMES + 4


async def test_who_reads_nothing_and_pings_is_heard_and_holds_nothing() -> None:
    """Where the kernel takes no more, the latest pongs wait for it; what the client says is delivered all the same."""
    async with open_rig(socket_pair(sent_bytes=4096, received_bytes=4096)) as rig:
        while rig.ws.send_now(bytes(1000)):
            pass
        for n in range(1000):
            await rig.client.send(make_frame(PING, b"%d" % n, masked=True))
        await rig.client.send(masked("stop"))
        with trio.fail_after(5):
            while not rig.got:
                await trio.lowlevel.checkpoint()
            pongs: list[bytes] = []
            while not pongs or pongs[-1] != b"999":
                frame = await rig.client.frame()
                assert frame is not None
                if frame[0] == PONG:
                    pongs.append(frame[1])
        assert rig.got == ["stop"]
        assert len(pongs) < 900


async def test_what_the_kernel_takes_is_sent_without_an_await() -> None:
    """The client can read it in the same step; what is left goes out in order, once, with what is sent next."""
    async with open_rig(socket_pair(sent_bytes=4096, received_bytes=4096)) as rig:
        sent = 0
        while rig.ws.send_now(b"%6d" % sent * 100, "a"):
            sent += 1
        assert sent > 0
        rig.ws.send_now("left")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(rig.ws.send_message, "next")
            for n in range(sent + 1):
                assert await rig.client.frame() == (BINARY, b"%6d" % n * 100)
                assert await rig.client.frame() == (TEXT, b"a")
            assert await rig.client.frame() == (TEXT, b"left")
            assert await rig.client.frame() == (TEXT, b"next")


async def test_nothing_follows_half_a_frame() -> None:
    """After a send that was cancelled half way every later one raises, and no byte more goes out."""
    async with open_rig(socket_pair(sent_bytes=4096, received_bytes=4096)) as rig:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(rig.ws.send_message, bytes(1_000_000))
            await rig.settled()
            nursery.cancel_scope.cancel()
        with pytest.raises(trio.BrokenResourceError):
            await rig.ws.send_message("more")
        assert not rig.ws.send_now("more")


@pytest.mark.parametrize("streams", [memory_pair, socket_pair])
async def test_a_lost_connection_is_told(streams: Callable[[], Streams]) -> None:
    """`read` returns, and a message raises."""
    async with open_rig(streams()) as rig:
        await trio.aclose_forcefully(rig.client.stream)
        with trio.fail_after(1):
            await rig.read.wait()
        with pytest.raises(trio.BrokenResourceError):
            await rig.ws.send_message("into the void")
        with trio.fail_after(1):
            await rig.ws.aclose(1000)


async def test_a_cancelled_reader_leaves_nobody_waiting(autojump_clock: MockClock) -> None:
    """Who waits for the close goes on."""
    near, far = memory_pair()
    ws = ServerWebSocket(near, RequestHead("GET", "/", ((b"sec-websocket-key", b"AAAA"),)), max_message_bytes=100)
    async with far, near, trio.open_nursery() as nursery:
        with trio.move_on_after(1):
            await ws.read(lambda message: 0)
        nursery.start_soon(ws.aclose, 1000)
    assert trio.current_time() == 1.0
