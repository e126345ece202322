"""What RFC 6455 asks of a server, case by case: the list that the well-known conformance suite goes through, re-told.

docs/howto/break-your-server.md says how to run that suite itself.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import MockClock

from tests.net.websocket_client import Rig, open_rig, socket_pair
from voxint.net.frames import BINARY, CLOSE, CONTINUED, PING, PONG, TEXT, make_frame
from voxint.net.websocket import PONGS

SIZES = (0, 1, 124, 125, 126, 127, 128, 1000, 65_535, 65_536, 200_000)
"""At and around each size at which the head of a frame becomes another."""

CUTS = (1, 7, 997, 1 << 20)
"""Bytes in a segment of the network's."""

MASK = b"\x37\xfa\x21\x3d"


def frame(opcode: int, payload: bytes = b"", *, final: bool = True, reserved: int = 0) -> bytes:
    """Return a client's frame, with a mask that bites."""
    head = bytearray(make_frame(opcode, payload, masked=True)[: -len(payload) or None])
    head[0] = (0x80 if final else 0) | reserved << 4 | opcode
    head[-4:] = MASK
    return bytes(head) + bytes(byte ^ MASK[at % 4] for at, byte in enumerate(payload))


@asynccontextmanager
async def open_echo() -> AsyncGenerator[Rig, None]:
    """Open a connection whose server says what it hears."""
    async with open_rig(socket_pair()) as rig, trio.open_nursery() as nursery:

        def echo() -> None:
            if not rig.ws.send_now(rig.got[-1]):
                nursery.start_soon(rig.ws.flush)

        rig.then = echo
        with trio.fail_after(20):
            yield rig
        nursery.cancel_scope.cancel()


async def cut(rig: Rig, data: bytes, size: int) -> None:
    """Send, in segments of so many bytes, but of at most 2,000 segments."""
    size = max(size, len(data) // 2000)
    for at in range(0, len(data), size):
        await rig.client.send(data[at : at + size])
        if size < 1000:
            await trio.lowlevel.checkpoint()


async def told(rig: Rig) -> list[tuple[int, bytes]]:
    """Say goodbye, and return all frames of the server but its Close."""
    await rig.client.send(frame(CLOSE, b"\x03\xe8"))
    frames = []
    while (got := await rig.client.frame()) is not None:
        frames.append(got)
    assert frames.pop() == (CLOSE, b"\x03\xe8")
    return frames


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("cut_at", CUTS)
async def test_messages_of_every_size_come_back(size: int, opcode: int, cut_at: int) -> None:
    """To the byte, whatever the network makes of it."""
    payload = (b"*" if opcode == TEXT else b"\xfe") * size
    async with open_echo() as rig:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(cut, rig, frame(opcode, payload), cut_at)
            assert await rig.client.frame() == (opcode, payload)
        assert await told(rig) == []


@pytest.mark.parametrize("payload", [b"", b"Hello", bytes((0, 0xFF, 0xFE, 0xFD)), b"x" * 125])
@pytest.mark.parametrize("cut_at", [1, 1000])
async def test_a_ping_gets_its_own_payload(payload: bytes, cut_at: int) -> None:
    """A pong that nobody asked for gets nothing."""
    async with open_echo() as rig:
        await cut(rig, frame(PONG, b"unasked") + frame(PING, payload) + frame(PONG), cut_at)
        assert await told(rig) == [(PONG, payload)]


@pytest.mark.parametrize("cut_at", [1, 1000])
async def test_each_of_ten_pings_is_answered_in_order(cut_at: int) -> None:
    """Up to as many as may wait; the suite asks for more than RFC 6455, 5.5.3, which is content with the latest."""
    async with open_echo() as rig:
        payloads = [b"payload-%d" % number for number in range(10)]
        assert len(payloads) <= PONGS
        await cut(rig, b"".join(frame(PING, payload) for payload in payloads), cut_at)
        assert await told(rig) == [(PONG, payload) for payload in payloads]


@pytest.mark.parametrize("reserved", range(1, 8))
@pytest.mark.parametrize("opcode", [TEXT, BINARY, PING, PONG, CLOSE])
async def test_reserved_bits_fail_the_connection(reserved: int, opcode: int) -> None:
    """No extension was agreed on, so none of them means anything; what came before is answered."""
    async with open_echo() as rig:
        await rig.client.send(frame(TEXT, b"before"), frame(opcode, b"", reserved=reserved), frame(TEXT, b"behind"))
        assert await rig.client.frame() == (TEXT, b"before")
        assert await rig.client.close_code() == 1002
        assert rig.got == ["before"]


@pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF])
@pytest.mark.parametrize("payload", [b"", b"x"])
@pytest.mark.parametrize("within", [False, True])
async def test_unknown_opcodes_fail_the_connection(opcode: int, payload: bytes, within: bool) -> None:
    """By themselves, and within a message in parts."""
    async with open_rig() as rig:
        first = frame(TEXT, b"part", final=False) if within else frame(TEXT, b"before")
        await rig.client.send(first, frame(opcode, payload), frame(PING))
        assert await rig.client.close_code() == 1002
        assert rig.got == ([] if within else ["before"])


PARTS = {
    "two": [b"one ", b"two"],
    "many": [b"%d " % number for number in range(60)],
    "none": [b"", b"", b""],
    "an empty first": [b"", b"text"],
    "an empty middle": [b"te", b"", b"xt"],
    "an empty last": [b"text", b""],
    "a cut character": ["κόσμε".encode()[:3], "κόσμε".encode()[3:]],
}


@pytest.mark.parametrize("kind", PARTS)
@pytest.mark.parametrize("pinged", [False, True])
@pytest.mark.parametrize("cut_at", [1, 1000])
async def test_messages_in_parts_are_joined(kind: str, pinged: bool, cut_at: int) -> None:
    """Pings between the parts are answered before the message is, for which they don't wait."""
    parts = PARTS[kind]
    frames = [frame(TEXT if not at else CONTINUED, part, final=at == len(parts) - 1) for at, part in enumerate(parts)]
    between = frame(PING, b"between") if pinged else b""
    async with open_echo() as rig:
        await cut(rig, frames[0] + between + b"".join(frames[1:]), cut_at)
        pongs = [(PONG, b"between")] if pinged else []
        assert await told(rig) == [*pongs, (TEXT, b"".join(parts))]


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("opcode", [CONTINUED, TEXT, BINARY])
async def test_parts_out_of_place_fail_the_connection(first: bool, opcode: int) -> None:
    """A continuation of nothing, final or not, and a new message within one in parts."""
    async with open_rig() as rig:
        parts = [] if opcode == CONTINUED else [frame(TEXT, b"part", final=False)]
        await rig.client.send(*parts, frame(opcode, b"x", final=first), frame(TEXT, b"behind"))
        assert await rig.client.close_code() == 1002
        assert rig.got == []


@pytest.mark.parametrize("payload", [b"", b"x"])
@pytest.mark.parametrize("opcode", [PING, PONG, CLOSE])
async def test_control_frames_in_parts_fail_the_connection(opcode: int, payload: bytes) -> None:
    """They are whole or they are wrong (RFC 6455, 5.5)."""
    async with open_rig() as rig:
        await rig.client.send(frame(opcode, payload, final=False), frame(CONTINUED, payload), frame(TEXT, b"x"))
        assert await rig.client.close_code() == 1002
        assert rig.got == []


GOOD_TEXTS = (
    "κόσμε",
    "Hello-µ@ßöäüàá-UTF-8!!",
    "\0\x7f\x80\u07ff\u0800\uffff\U00010000\U0010ffff",
    "\ud7ff\ue000\ufffd",
    "\ufffe\uffff\U0001fffe\U0001ffff\U0010fffe",
)
"""Each length's first and last character; those that are no characters are sound UTF-8 as well."""

BAD_BYTES = {
    "a stray continuation": b"\x80",
    "the last one": b"\xbf",
    "impossible bytes": b"\xfe",
    "impossible, too": b"\xff",
    "five bytes": b"\xf8\x88\x80\x80\x80",
    "six bytes": b"\xfc\x84\x80\x80\x80\x80",
    "an overlong slash in two": b"\xc0\xaf",
    "in three": b"\xe0\x80\xaf",
    "in four": b"\xf0\x80\x80\xaf",
    "an overlong null": b"\xc0\x80",
    "the first surrogate": b"\xed\xa0\x80",
    "the last surrogate": b"\xed\xbf\xbf",
    "a pair of them": b"\xed\xa0\x80\xed\xb0\x80",
    "beyond the last character": b"\xf4\x90\x80\x80",
}


@pytest.mark.parametrize("text", GOOD_TEXTS)
@pytest.mark.parametrize("at", [None, *range(1, 12)])
async def test_sound_text_is_delivered_wherever_it_is_cut(text: str, at: int | None) -> None:
    """Whole, and in two parts that are cut anywhere, within a character too."""
    data = text.encode()
    async with open_echo() as rig:
        if at is None:
            await rig.client.send(frame(TEXT, data))
        else:
            await rig.client.send(frame(TEXT, data[:at], final=False), frame(CONTINUED, data[at:]))
        assert await rig.client.frame() == (TEXT, data)


@pytest.mark.parametrize("kind", BAD_BYTES)
@pytest.mark.parametrize("manner", ["whole", "in one part", "byte by byte"])
async def test_text_that_is_none_fails_at_once(kind: str, manner: str) -> None:
    """With 1007, and in a message in parts without waiting for its end."""
    bad = "κόσμε".encode() + BAD_BYTES[kind]
    async with open_rig() as rig:
        if manner == "whole":
            await rig.client.send(frame(TEXT, bad + b"edited"))
        elif manner == "in one part":
            await rig.client.send(frame(TEXT, bad, final=False))
        else:
            await rig.client.send(frame(TEXT, b"", final=False))
            for at in range(len(bad)):
                await rig.client.send(frame(CONTINUED, bad[at : at + 1], final=False))
        assert await rig.client.close_code() == 1007
        assert rig.got == []


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999])
@pytest.mark.parametrize("reason", [b"", b"bye", b"x" * 123])
async def test_a_close_is_answered_with_its_code(code: int, reason: bytes) -> None:
    """Whatever its reason; nothing that follows is heard, and the connection ends."""
    async with open_rig() as rig:
        await rig.client.send(frame(CLOSE, code.to_bytes(2, "big") + reason), frame(TEXT, b"behind"), frame(PING))
        assert await rig.client.close_code(answer=False) == code
        assert await rig.client.frame() is None
        assert rig.got == []


BAD_CLOSES = {
    **{f"code {code}": (1002, code.to_bytes(2, "big")) for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100)},
    **{f"code {code}": (1002, code.to_bytes(2, "big")) for code in (2000, 2999, 5000, 65_535)},
    "one byte": (1002, b"\x03"),
    "126 bytes": (1002, b"\x03\xe8" + b"x" * 124),
    "a reason that is no text": (1007, b"\x03\xe8\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80"),
}


@pytest.mark.parametrize("kind", BAD_CLOSES)
async def test_a_wrong_close_is_the_clients_last_word(kind: str, autojump_clock: MockClock) -> None:
    """It gets the code of what is wrong, and no other Close is waited for: the server hangs up at once."""
    code, payload = BAD_CLOSES[kind]
    began = trio.current_time()
    async with open_rig() as rig:
        await rig.client.send(frame(CLOSE, payload))
        assert await rig.client.close_code(answer=False) == code
        assert await rig.client.frame() is None
        assert trio.current_time() == began
