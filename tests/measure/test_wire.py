"""The lean WebSocket, against frames written by hand."""

from __future__ import annotations

import pytest
import trio
from trio.testing import memory_stream_pair

from tests.measure.peers import OPENED, answering, frame
from tests.net.loopback import client_tls, server_tls
from voxint.errors import ConfigError, Disconnected
from voxint.measure import wire
from voxint.measure.wire import Wire, open_wire

TEXT, BINARY, CONTINUED, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10


async def receive(wire: Wire, count: int) -> list[tuple[bool, bytes]]:
    """Return so many messages."""
    messages: list[tuple[bool, bytes]] = []
    with trio.fail_after(5):
        while len(messages) < count:
            messages += await wire.receive()
    return messages


async def test_a_message_in_pieces_is_one_message() -> None:
    """Fragments of a message, with a ping between them; and a frame that the network cut anywhere."""
    ours, theirs = memory_stream_pair()
    wire = Wire(ours, b"")
    data = frame(TEXT, b"hal", final=False) + frame(PING, b"?") + frame(CONTINUED, b"lo") + frame(BINARY, b"\x01\x02")
    async with trio.open_nursery() as nursery:

        async def send() -> None:
            for at in range(len(data)):
                await theirs.send_all(data[at : at + 1])

        nursery.start_soon(send)
        assert await receive(wire, 2) == [(True, b"hallo"), (False, b"\x01\x02")]
    pong = bytes(await theirs.receive_some())
    assert pong == bytes((0x80 | PONG, 0x80 | 1)) + bytes(4) + b"?"


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536, 300_000])
async def test_every_length_is_read_and_written(size: int) -> None:
    """In 7, 16 and 64 bits; what is written is masked, with zeros."""
    ours, theirs = memory_stream_pair()
    wire, payload = Wire(ours, b""), b"x" * size
    await theirs.send_all(frame(BINARY, payload))
    assert await receive(wire, 1) == [(False, payload)]
    await wire.send(payload)
    written = bytearray()
    expected = frame(BINARY, payload)
    with trio.fail_after(5):
        while len(written) < len(expected) + 4:
            written += await theirs.receive_some()
    head = len(expected) - size
    assert written[1] & 0x80
    assert bytes(written[head : head + 4]) == bytes(4)
    assert (written[1] & 0x7F, bytes(written[head + 4 :])) == (expected[1], payload)


async def test_messages_are_written_at_once() -> None:
    """An INTERRUPT and the REQUEST behind it are one write, so that nothing comes between them."""
    ours, theirs = memory_stream_pair()
    await Wire(ours, b"").send("a", b"b")
    assert bytes(await theirs.receive_some()) == b"\x81\x81\0\0\0\0a\x82\x81\0\0\0\0b"


async def test_what_came_with_the_handshake_is_read_first() -> None:
    """Without waiting for the network, which may bring nothing more."""
    ours, _ = memory_stream_pair()
    assert await receive(Wire(ours, frame(TEXT, b"hello")), 1) == [(True, b"hello")]


async def test_the_last_words_before_a_close_are_heard() -> None:
    """An ERROR that refuses a session comes with the close behind it, in the same bytes."""
    ours, theirs = memory_stream_pair()
    wire = Wire(ours, b"")
    await theirs.send_all(frame(TEXT, b"refused") + frame(CLOSE, (4401).to_bytes(2, "big") + b"who?"))
    assert await receive(wire, 1) == [(True, b"refused")]
    for _ in range(2):
        with pytest.raises(Disconnected, match=r"closed the connection \(4401\) and says: who"):
            await wire.receive()


async def test_an_end_without_a_word_is_an_end() -> None:
    """For the reader and the writer."""
    ours, theirs = memory_stream_pair()
    wire = Wire(ours, b"")
    await theirs.aclose()
    with pytest.raises(Disconnected, match="closed the connection"):
        await wire.receive()
    with pytest.raises(Disconnected, match="closed the connection"):
        await wire.send("anybody?")


async def test_a_frame_beyond_all_measure_is_refused() -> None:
    """From its head: nobody waits for its end."""
    ours, theirs = memory_stream_pair()
    await theirs.send_all(b"\x82\x7f" + (1 << 40).to_bytes(8, "big"))
    with pytest.raises(Disconnected, match="a frame of 1099511627776 bytes"):
        await Wire(ours, b"").receive()


@pytest.mark.parametrize("secure", [False, True])
async def test_a_handshake_opens_a_websocket(monkeypatch: pytest.MonkeyPatch, secure: bool) -> None:
    """With the path and the query of the url, in the clear or by TLS."""
    monkeypatch.setattr(wire, "_trusted", client_tls)
    asked: list[bytes] = []

    async def answer(stream: trio.abc.Stream) -> None:
        asked.append(bytes(await stream.receive_some()))
        await stream.send_all(OPENED + frame(TEXT, b"hello"))
        await stream.receive_some()

    async with answering(answer, server_tls() if secure else None) as url:
        with trio.fail_after(5):
            async with open_wire(url) as opened:
                assert await receive(opened, 1) == [(True, b"hello")]
    assert asked[0].startswith(b"GET /there?key=k-1 HTTP/1.1\r\nHost: 127.0.0.1:")


async def test_a_server_that_is_not_trusted_is_told() -> None:
    """Its certificate is not known here."""

    async def answer(stream: trio.abc.Stream) -> None:
        await stream.receive_some()

    async with answering(answer, server_tls()) as url:
        with pytest.raises(Disconnected, match=r"there: the server's certificate is not trusted"):
            async with open_wire(url):
                pass


@pytest.mark.parametrize(("answer", "words"), [
    (b"HTTP/1.1 403 Forbidden\r\n\r\n", "refused the WebSocket \\(HTTP status 403\\)"),
    (b"SSH-2.0-OpenSSH_9\r\n\r\n", "speaks no WebSocket"),
    (b"", "closed the connection before it was a WebSocket"),
    (b"x" * 100_000, "speaks no WebSocket"),
])  # fmt: skip
async def test_a_handshake_that_is_refused_is_told(answer: bytes, words: str) -> None:
    """With what the server said, and where; not with the query, where a key may stand."""

    async def refuse(stream: trio.abc.Stream) -> None:
        await stream.receive_some()
        await stream.send_all(answer)
        await stream.aclose()

    async with answering(refuse) as url:
        with pytest.raises(Disconnected, match=words) as caught:
            async with open_wire(url):
                pass
    assert "/there" in caught.value.message
    assert "k-1" not in caught.value.message


async def test_a_peer_that_is_silent_is_not_waited_for_longer_than_was_said() -> None:
    """It accepts, and says nothing."""

    async def wait(stream: trio.abc.Stream) -> None:
        await trio.sleep_forever()

    async with answering(wait) as url:
        with trio.fail_after(5), pytest.raises(Disconnected, match=r"no WebSocket was opened within 0\.05 s"):
            async with open_wire(url, timeout_s=0.05):
                pass


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "ws:///path", "there", "ws://host:port/"])
async def test_what_is_no_websocket_is_a_setting_to_mend(url: str) -> None:
    """Nothing is dialled."""
    with pytest.raises(ConfigError, match="write ws://HOST:PORT"):
        async with open_wire(url):
            pass


async def test_nobody_is_there() -> None:
    """The port is closed; one line says so."""
    with pytest.raises(Disconnected, match=r"ws://127\.0\.0\.1:1/: nothing listens at this address"):
        async with open_wire("ws://127.0.0.1:1/"):
            pass
