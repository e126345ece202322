"""Frames: made as the library makes them, and plain messages told from all else."""

from __future__ import annotations

import pytest
from wsproto import ConnectionType
from wsproto.connection import Connection
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, Pong, TextMessage

from voxint.net.frames import (
    BINARY,
    MOST_SKIPPED,
    PING,
    TEXT,
    MessageSplitter,
    frame_of,
    make_frame,
    payload_span,
)

BORDERS = [0, 1, 125, 126, 65_535, 65_536, 200_000]


def of_client(*events: Event) -> list[bytes]:
    """Return the library's frames, with a random mask each."""
    client = Connection(ConnectionType.CLIENT)
    return [client.send(event) for event in events]


def split(data: bytes, size: int, largest: int = 65_535) -> list[str | bytes | tuple[bytes]]:
    """Return what comes out of `data` in pieces of `size`: messages, and in a tuple what is left."""
    splitter = MessageSplitter(largest)
    found: list[str | bytes | tuple[bytes]] = []
    for at in range(0, len(data), size):
        splitter.feed(data[at : at + size])
        while True:
            if (message := splitter.message()) is not None:
                found.append(message)
            elif rest := splitter.rest():
                before = found[-1] if found else b""
                if isinstance(before, tuple):
                    found[-1] = (before[0] + rest,)
                else:
                    found.append((rest,))
            else:
                break
    return found


@pytest.mark.parametrize("size", BORDERS)
@pytest.mark.parametrize("kind", [str, bytes])
def test_a_frame_is_what_the_library_makes_of_a_message(kind: type, size: int) -> None:
    """Byte for byte, at every border of the length field; and its payload is found again."""
    message = "x" * size if kind is str else b"x" * size
    event = TextMessage(data=message) if isinstance(message, str) else BytesMessage(data=message)
    frame = frame_of(message)
    assert frame == Connection(ConnectionType.SERVER).send(event)
    assert payload_span(frame, 0) == (len(frame) - size, len(frame))


@pytest.mark.parametrize("size", BORDERS)
def test_a_masked_frame_is_understood_by_the_library(size: int) -> None:
    """At every border of the length field."""
    server = Connection(ConnectionType.SERVER)
    server.receive_data(frame_of(b"x" * size, masked=True))
    parts = [event.data for event in server.events() if isinstance(event, BytesMessage)]
    assert b"".join(map(bytes, parts)) == b"x" * size


def test_a_head_that_is_not_whole_has_no_payload_yet() -> None:
    """Cut anywhere inside it."""
    for size, head in ((5, 2), (300, 4), (70_000, 10)):
        frame = frame_of(b"x" * size)
        assert [payload_span(frame[:cut], 0) for cut in range(head)] == [None] * head
        assert payload_span(frame[:head], 0) == (head, head + size)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 92, 10_000])
def test_plain_messages_are_taken_however_they_are_cut(size: int) -> None:
    """With the masks of a real client, empty ones and those beyond ASCII too."""
    messages: list[str | bytes] = [
        "hello",
        b"",
        "",
        b"\x01\x02\x03",
        "你好",
        b"x" * 86,
        "y" * 125,
        b"z" * 126,
        "w" * 3000,
    ]
    events = [TextMessage(data=m) if isinstance(m, str) else BytesMessage(data=m) for m in messages]
    assert split(b"".join(of_client(*events)), size) == messages


def test_the_longest_plain_message_is_65535_bytes() -> None:
    """Or what the server permits; a longer one is left whole."""
    longest, longer = of_client(BytesMessage(data=b"x" * 65_535), BytesMessage(data=b"x" * 65_536))
    assert split(longest + longer + longest, 50_000) == [b"x" * 65_535, (longer,), b"x" * 65_535]
    small, large = of_client(TextMessage(data="x" * 10), TextMessage(data="x" * 11))
    assert split(small + large + small, 5, largest=10) == ["x" * 10, (large,), "x" * 10]


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_all_else_is_left_in_order_and_to_the_byte(size: int) -> None:
    """Control frames, and a message in parts with all that comes until its end."""
    before, ping, begin, between, end, pong, after, close = of_client(
        TextMessage(data="before"),
        Ping(payload=b"?"),
        TextMessage(data="in ", message_finished=False),
        Ping(),
        TextMessage(data="parts"),
        Pong(payload=b"!"),
        BytesMessage(data=b"after"),
        CloseConnection(code=1000),
    )
    data = before + ping + begin + between + end + pong + after + close
    assert split(data, size) == ["before", (ping + begin + between + end + pong,), b"after", (close,)]


def test_what_breaks_the_protocol_is_left() -> None:
    """Unmasked, with a reserved bit, with a length in more bytes than it takes, and text that is no UTF-8."""
    good = frame_of(b"good", masked=True)
    for bad in (
        frame_of(b"unmasked"),
        bytes((0xC0 | BINARY, 0x80)) + bytes(4),
        bytes((0x80 | BINARY, 0x80 | 126, 0, 5)) + bytes(4) + b"hello",
        bytes((0x80 | BINARY, 0x80 | 127)) + (5).to_bytes(8, "big") + bytes(4) + b"hello",
        make_frame(TEXT, b"\xff", masked=True),
        make_frame(0x3, b"no such opcode", masked=True),
        make_frame(PING, b"x" * 126, masked=True),
    ):
        assert split(good + bad + good, 1000) == [b"good", (bad,), b"good"]


def test_a_data_frame_within_a_message_in_parts_is_left() -> None:
    """It breaks the protocol, which is for the general reader to say."""
    begin, _ = of_client(TextMessage(data="in ", message_finished=False), TextMessage(data="parts"))
    plain = frame_of("plain", masked=True)
    assert split(begin + plain, 1000) == [(begin + plain,)]


def test_a_control_frame_is_left_whole_and_a_part_of_a_message_as_it_comes() -> None:
    """Whoever stops reading between two frames stops between two."""
    ping, begin = of_client(Ping(payload=b"?" * 125), TextMessage(data="in parts", message_finished=False))
    splitter = MessageSplitter(1000)
    splitter.feed(ping[:-1])
    assert splitter.rest() == b""
    splitter.feed(ping[-1:] + begin[:-1])
    assert splitter.rest() == ping
    assert splitter.rest() == begin[:-1]
    splitter.feed(begin[-1:])
    assert splitter.rest() == begin[-1:]


@pytest.mark.parametrize("size", [1, 3, 1000, 100_000])
def test_skipping_finds_the_close_and_nothing_else(size: int) -> None:
    """However it is cut, behind whatever else, also where the skipping begins within a frame."""
    begin, end, close = of_client(
        BytesMessage(data=b"\x88" * 70_000, message_finished=False),
        BytesMessage(data=b"\x08"),
        CloseConnection(code=1000),
    )
    for at in (0, 1, 100):
        splitter = MessageSplitter(1000)
        splitter.feed(begin[:at])
        assert len(splitter.rest()) in (0, at)
        data = begin[at:] + frame_of(b"\x88", masked=True) * 10 + end + Connection(ConnectionType.SERVER).send(Ping())
        found = []
        for cut in range(0, len(data), size):
            splitter.feed(data[cut : cut + size])
            found.append(splitter.skip())
        assert not any(found)
        splitter.feed(close)
        assert splitter.skip()


def test_skipping_looks_at_so_many_frames_only() -> None:
    """Then a Close is not found any more, and nothing is held."""
    splitter = MessageSplitter(1000)
    [close] = of_client(CloseConnection(code=1000))
    splitter.feed(frame_of(b"", masked=True) * (MOST_SKIPPED - 1))
    assert not splitter.skip()
    splitter.feed(frame_of(b"", masked=True) + close)
    assert not splitter.skip()
    splitter.feed(close)
    assert not splitter.skip()
