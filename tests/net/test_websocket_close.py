"""How a WebSocket ends: both sides say so, within a bound, and the client loses nothing that was sent to it."""

from __future__ import annotations

import pytest
import structlog
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from tests.net.websocket_client import HEAD, open_rig, socket_pair
from voxint.net.frames import BINARY, CLOSE, CONTINUED, PING, TEXT, frame_of, make_frame
from voxint.net.websocket import ServerWebSocket

FAREWELL = make_frame(CLOSE, b"\x03\xe8", masked=True)
AUDIO = frame_of(b"x" * 86, masked=True)


def client_frame(opcode: int, payload: bytes, *, first: int = 0x80, masked: bool = True) -> bytes:
    """Return a frame as it may be and as it may not."""
    frame = make_frame(opcode, payload, masked=masked)
    return bytes((first | opcode,)) + frame[1:]


OPENING = client_frame(TEXT, b"in ", first=0)

WRONG = {
    "no mask": (1002, [client_frame(TEXT, b"{}", masked=False)]),
    "reserved bits": (1002, [client_frame(TEXT, b"{}", first=0xF0)]),
    "an unknown opcode": (1002, [client_frame(5, b"x")]),
    "an unknown control frame": (1002, [client_frame(0xB, b"x")]),
    "a continuation of nothing": (1002, [client_frame(CONTINUED, b"x")]),
    "a message within a message": (1002, [OPENING, client_frame(TEXT, b"x")]),
    "a ping in parts": (1002, [client_frame(PING, b"x", first=0)]),
    "a ping of 126 bytes": (1002, [client_frame(PING, b"x" * 126)]),
    "a length in too many bytes": (1002, [b"\x82\xfe\x00\x05" + bytes(4) + b"hello"]),
    "a length of 2**63": (1002, [b"\x82\xff\x80" + bytes(7) + bytes(4)]),
    "a Close with a code that is none": (1002, [client_frame(CLOSE, b"\x00\x01")]),
    "a Close with a code that is not sent": (1002, [client_frame(CLOSE, b"\x03\xee")]),
    "half a close code": (1002, [client_frame(CLOSE, b"\x03")]),
    "a close reason that is not UTF-8": (1007, [client_frame(CLOSE, b"\x03\xe8\xff")]),
    "text that is not UTF-8": (1007, [client_frame(TEXT, b"\xff\xfe")]),
    "text in parts that is not UTF-8": (1007, [OPENING, client_frame(CONTINUED, b"\xff")]),
    "text that ends within a character": (1007, [OPENING, client_frame(CONTINUED, b"\xe4\xbd")]),
    "too large a text": (1009, [client_frame(TEXT, b"x" * 1001)]),
    "too large a message": (1009, [client_frame(BINARY, b"x" * 100_000)]),
    "too large in parts": (1009, [OPENING, client_frame(CONTINUED, b"x" * 998)]),
    "too large in characters of many bytes": (1009, [client_frame(TEXT, "你".encode() * 334)]),
}


@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.parametrize("cut", [1, 1 << 20])
async def test_what_breaks_the_protocol_gets_its_code(kind: str, cut: int, autojump_clock: MockClock) -> None:
    """However the network cuts it; nothing behind it is delivered, and it is no line in the log."""
    code, frames = WRONG[kind]
    with structlog.testing.capture_logs() as logs:
        async with open_rig(max_message_bytes=1000) as rig:
            data = b"".join([frame_of("before", masked=True), *frames, frame_of("dropped", masked=True)])
            for at in range(0, len(data), max(cut, len(data) // 2000)):
                await rig.client.send(data[at : at + max(cut, len(data) // 2000)])
            assert await rig.client.close_code() == code
            await rig.client.stream.aclose()
            await rig.read.wait()
            assert rig.got == ["before"]
    assert logs == []


async def test_the_close_waits_for_the_clients(autojump_clock: MockClock) -> None:
    """A microphone that runs on meanwhile is read and thrown away; then the server says that no more comes."""
    async with open_rig(close_s=4.0) as rig, trio.open_nursery() as nursery:
        await rig.client.send(AUDIO)
        await rig.settled()
        nursery.start_soon(rig.ws.aclose, 4401, "no")
        assert await rig.client.frame() == (CLOSE, b"\x11\x31no")
        for _ in range(300):
            await trio.sleep(1 / 128)
            await rig.client.send(AUDIO)
        assert not rig.read.is_set()
        await rig.client.send(FAREWELL)
        assert await rig.client.frame() is None
        await rig.client.stream.aclose()
    assert trio.current_time() == 300 / 128
    assert rig.got == [b"x" * 86]


@pytest.mark.parametrize("answer", [True, False])
async def test_a_client_that_does_not_close_is_not_waited_for(answer: bool, autojump_clock: MockClock) -> None:
    """Neither one that does not answer the Close, nor one that does and leaves its connection open."""
    async with open_rig(close_s=4.0) as rig:
        if answer:
            rig.ws.close(1000)
            await rig.client.close_code()
        with trio.fail_after(5):
            await rig.ws.aclose(1000)
        assert trio.current_time() == 4.0
        assert await rig.client.frame() == (None if answer else (CLOSE, b"\x03\xe8"))


async def test_the_last_frames_reach_a_client_whose_microphone_runs_on() -> None:
    """Over a socket with a small buffer: nothing that was sent before the close is lost by a reset."""
    last = [b"%4d" % n * 200 for n in range(20)]
    async with open_rig(socket_pair(received_bytes=4096)) as rig:
        for message in last:
            assert rig.ws.send_now(message)
        rig.ws.close(4408, "too long")
        for _ in range(200):
            await rig.client.send(AUDIO * 20)  # meanwhile it reads nothing: all lies in the server's buffer
        for message in last:
            assert await rig.client.frame() == (BINARY, message)
        assert await rig.client.close_code() == 4408


@pytest.mark.parametrize("between", [b"", AUDIO * 1000])
async def test_a_ping_and_a_close_in_one_packet(between: bytes) -> None:
    """The Close is answered with its code; nothing raises, and nothing is logged."""
    with structlog.testing.capture_logs() as logs, trio.fail_after(1):
        async with open_rig() as rig:
            await rig.client.send(make_frame(PING, b"?", masked=True), between, FAREWELL, AUDIO)
            assert await rig.client.close_code(answer=False) == 1000
            assert await rig.client.frame() is None
            await rig.client.stream.aclose()
            await rig.read.wait()
            assert len(rig.got) == len(between) // len(AUDIO)
    assert logs == []


async def test_a_close_without_a_code_is_answered_without_one() -> None:
    """As it may be (RFC 6455, 5.5.1)."""
    async with open_rig() as rig:
        await rig.client.send(make_frame(CLOSE, b"", masked=True))
        assert await rig.client.frame() == (CLOSE, b"")


async def test_a_ping_while_the_server_closes_is_nothing() -> None:
    """It is thrown away with all else, up to the client's Close."""
    async with open_rig() as rig:
        rig.ws.close(1001)
        await rig.client.send(make_frame(PING, b"?", masked=True), AUDIO)
        assert await rig.client.close_code() == 1001
        assert await rig.client.frame() is None
        assert rig.got == []


async def test_after_ignore_nothing_is_delivered_or_read() -> None:
    """Not even what breaks the protocol is looked at; the client's Close ends it, and what waits is still sent."""
    async with open_rig() as rig:
        rig.then = rig.ws.ignore
        await rig.client.send(AUDIO, AUDIO, client_frame(5, b"x", masked=False), OPENING, AUDIO)
        await rig.settled()
        assert len(rig.got) == 1
        rig.ws.send_now("why")
        await rig.client.send(FAREWELL)
        assert await rig.client.frame() == (TEXT, b"why")
        assert await rig.client.close_code(answer=False) == 1000


async def test_of_two_closes_the_first_stands() -> None:
    """And behind it no message goes out."""
    async with open_rig() as rig:
        rig.ws.close(1008, "first")
        rig.ws.close(1011, "second")
        assert not rig.ws.send_now("late")
        with pytest.raises(trio.BrokenResourceError):
            await rig.ws.send_message("late")
        with pytest.raises(trio.BrokenResourceError):
            await rig.ws.flush()
        assert await rig.client.frame() == (CLOSE, b"\x03\xf0first")
        await rig.client.send(FAREWELL)
        assert await rig.client.frame() is None


async def test_a_reason_is_cut_to_what_a_close_can_hold() -> None:
    """At 123 bytes, not within a character."""
    async with open_rig() as rig:
        rig.ws.close(1011, "你" * 100)
        assert await rig.client.frame() == (CLOSE, b"\x03\xf3" + "你".encode() * 41)


class Breaking(trio.abc.Stream):
    """A connection that takes everything, brings nothing, and breaks when it is told."""

    def __init__(self) -> None:
        self.broken = trio.Event()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Break, in time."""
        await self.broken.wait()
        raise trio.BrokenResourceError

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Take it."""
        await trio.lowlevel.checkpoint()

    async def wait_send_all_might_not_block(self) -> None:
        """Say that it would not."""
        await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        """Do nothing."""
        await trio.lowlevel.checkpoint()


@pytest.mark.parametrize("passes", range(6))
async def test_who_closes_what_is_lost_in_that_very_moment(passes: int) -> None:
    """The reader is on its way out and can begin no task any more: the close is nothing, and nothing raises."""
    stream = Breaking()
    ws = ServerWebSocket(stream, HEAD, max_message_bytes=1000)

    async def close() -> None:
        await stream.broken.wait()
        for _ in range(passes):
            await trio.lowlevel.checkpoint()
        ws.close(1001)

    with trio.fail_after(2):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ws.read, lambda message: 0)
            nursery.start_soon(close)
            await wait_all_tasks_blocked()
            stream.broken.set()
