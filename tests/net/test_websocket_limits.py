"""What a client can make the server hold: bytes, counted before anything is whole."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest
import trio

from tests.net.websocket_client import Rig, open_rig
from voxint.net.frames import BINARY, CONTINUED, TEXT, frame_of, make_frame
from voxint.net.tcp import READ_BYTES

LIMIT = 64 * 1024


def part(opcode: int, payload: bytes) -> bytes:
    """Return a part of a message of which more is to come."""
    frame = make_frame(opcode, payload, masked=True)
    return bytes((frame[0] & 0x7F,)) + frame[1:]


def begin(size: int, opcode: int = BINARY) -> bytes:
    """Return the head of a frame that is to hold `size` bytes."""
    return bytes((0x80 | opcode, 0xFF)) + size.to_bytes(8, "big") + bytes(4)


WIDE = "𝄞".encode()
"""One such character in a str makes each of its characters take 4 bytes."""

UNFINISHED = {
    "parts of text": [part(TEXT, WIDE), *[part(CONTINUED, WIDE + b"x" * 8000)] * 100],
    "wide characters": [part(TEXT, b""), *[part(CONTINUED, WIDE * 2000)] * 100],
    "small parts": [part(BINARY, b""), part(CONTINUED, b"x" * 9) * 8_000],
    "one frame of text": [begin(1 << 40, TEXT), *[WIDE + b"x" * 8000] * 100],
    "one frame of bytes": [begin(1 << 40), *[b"x" * 8000] * 100],
    "a frame that would be plain": [b"\x82\xfe\xff\xff" + bytes(4), b"x" * 65_534],
    "empty parts": [part(TEXT, b""), part(CONTINUED, b"") * 10_000],
    "heads alone": [begin(0, 0x1)[:1]],
}


@pytest.fixture
def traced() -> Iterator[None]:
    """Count what Python allocates."""
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.parametrize("kind", UNFINISHED)
@pytest.mark.usefixtures("traced")
async def test_an_unfinished_message_never_holds_more_than_the_limit(kind: str) -> None:
    """Nor while it is read, and nothing once the connection has ended, whose Close the client does not answer."""
    async with open_rig(max_message_bytes=LIMIT) as rig:
        await rig.settled()
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        for frame in UNFINISHED[kind]:
            for at in range(0, len(frame), READ_BYTES):
                await rig.client.send(frame[at : at + READ_BYTES])
                await rig.settled()
        held, most = tracemalloc.get_traced_memory()
        assert most - before < 2 * LIMIT + 8 * READ_BYTES  # and the memory of the test's own stream, which doubles
        assert held - before < LIMIT + 8 * READ_BYTES
        assert rig.got == []
        rig.ws.close(1000)
        await rig.settled()
        assert tracemalloc.get_traced_memory()[0] - before < 4 * READ_BYTES


async def code(rig: Rig, *frames: bytes) -> int:
    """Return the close code that frames meet."""
    await rig.client.send(*frames)
    return await rig.client.close_code(answer=False)


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
async def test_the_limit_is_in_bytes_and_binds_to_the_byte(opcode: int) -> None:
    """In one frame, small or large, and in parts."""
    for limit in (10, 70_000):
        whole = b"x" * (limit - 4) + WIDE
        async with open_rig(max_message_bytes=limit) as rig:
            await rig.client.send(make_frame(opcode, whole, masked=True))
            await rig.client.send(part(opcode, whole[:3]), make_frame(CONTINUED, whole[3:], masked=True))
            await rig.settled()
            assert rig.got == [whole.decode() if opcode == TEXT else whole] * 2
            assert (
                await code(rig, part(opcode, whole[:3]), make_frame(CONTINUED, whole[3:] + b"x", masked=True)) == 1009
            )
        async with open_rig(max_message_bytes=limit) as rig:
            assert await code(rig, make_frame(opcode, whole + b"x", masked=True)) == 1009


@pytest.mark.parametrize("size", [101, 65_536, 200_000])
async def test_the_limit_can_be_raised_between_two_messages_of_one_segment(size: int) -> None:
    """By the receiver of the first, as a REGISTER does; and lowered again."""
    async with open_rig(max_message_bytes=100) as rig:

        def change() -> None:
            rig.ws.max_message_bytes = 100 if len(rig.got) == 2 else size

        rig.then = change
        message = frame_of("x" * size, masked=True)
        await rig.client.send(frame_of("register", masked=True), message)
        await rig.settled()
        assert rig.got == ["register", "x" * size]
        assert await code(rig, message) == 1009


async def test_what_a_client_sends_behind_the_end_is_not_looked_at_for_ever() -> None:
    """Frames without end cost the time that bytes do: their heads are looked at up to a number."""
    async with open_rig() as rig:
        rig.ws.close(1008)
        tiny = frame_of("", masked=True)
        await rig.client.send(tiny * 20_000, make_frame(0x8, b"", masked=True))
        await rig.settled()
        assert not rig.read.is_set()
        await rig.client.stream.aclose()
        with trio.fail_after(1):
            await rig.read.wait()
