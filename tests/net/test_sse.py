"""Bytes of an event stream, and the events they mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxint.errors import UpstreamError
from voxint.net.sse import EventParser, ServerSentEvent


def parse(*chunks: bytes) -> list[ServerSentEvent]:
    """Return the events of a stream that comes in these chunks."""
    parser = EventParser()
    return [event for chunk in chunks for event in parser.feed(chunk)]


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"data: a\n\ndata: b\n\n", [ServerSentEvent(b"a"), ServerSentEvent(b"b")]),
        (b"data: a\r\ndata: b\r\n\r\n", [ServerSentEvent(b"a\nb")]),
        (b"data: a\rdata: b\r\r", [ServerSentEvent(b"a\nb")]),
        (b"data:a\n\ndata:  a\n\n", [ServerSentEvent(b"a"), ServerSentEvent(b" a")]),
        (b"data\n\ndata:\n\n", [ServerSentEvent(b""), ServerSentEvent(b"")]),
        (b"data\ndata\n\n", [ServerSentEvent(b"\n")]),
        (b": a comment\n\n: another\ndata: a\n\n", [ServerSentEvent(b"a")]),
        (b"event: done\ndata: a\n\ndata: b\n\n", [ServerSentEvent(b"a", "done"), ServerSentEvent(b"b")]),
        (b"event: lost\n\ndata: b\n\n", [ServerSentEvent(b"b")]),
        (b"id: 1\nretry: 5\nunknown: x\ndata: a\n\n", [ServerSentEvent(b"a")]),
        (b"\xef\xbb\xbfdata: a\n\n", [ServerSentEvent(b"a")]),
        (b"data: a\n\n\xef\xbb\xbfdata: b\n\n", [ServerSentEvent(b"a")]),
        (b"data: a\n\ndata: cut off\n", [ServerSentEvent(b"a")]),
        ("data: 中\u2028文\n\n".encode(), [ServerSentEvent("中\u2028文".encode())]),
        (b"error: a\n\ndata: b\n\n", [ServerSentEvent(b"a", "error"), ServerSentEvent(b"b")]),
        (b"event: error\ndata: a\n\n", [ServerSentEvent(b"a", "error")]),
        (b"\n\n\n", []),
        (b"", []),
    ],
)
def test_rules(stream: bytes, events: list[ServerSentEvent]) -> None:
    """Streams mean what the standard says, whole and byte by byte."""
    assert parse(stream) == events
    assert parse(*(bytes([byte]) for byte in stream)) == events


lines = st.sampled_from(
    ["data: ", "data:", "data", "event: x", "id: 1", ": c", "", "", "é中😀", "data: [DONE]", "data: {}"]
)
ends = st.sampled_from(["\n", "\r", "\r\n"])
streams = st.builds(
    lambda bom, parts: (bom + "".join(line + text + end for line, text, end in parts)).encode(),
    st.sampled_from(["", "\ufeff"]),
    st.lists(st.tuples(lines, st.text("aé中 :\x85\u2028", max_size=3), ends)),
)


@given(stream=streams, cuts=st.lists(st.integers(0, 300)))
def test_any_chunking_gives_the_same_events(stream: bytes, cuts: list[int]) -> None:
    """Where a stream is cut makes no difference, not even inside a character, a line end or the byte order mark."""
    places = sorted({min(cut, len(stream)) for cut in cuts})
    chunks = [stream[a:b] for a, b in zip([0, *places], [*places, len(stream)], strict=True)]
    assert parse(*chunks) == parse(stream)


@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize("stream", [b"data: " + b"x" * 200 + b"\n\n", b"data: xxxxxxxxx\n" * 20 + b"\n", b"y" * 200])
def test_an_event_is_bounded(stream: bytes, size: int) -> None:
    """An event beyond the bound is an error at whatever chunking, also when its line never ends."""
    parser = EventParser(max_event_bytes=100)
    assert parser.feed(b"data: fits\n\n") == [ServerSentEvent(b"fits")]
    with pytest.raises(UpstreamError, match="more than 100 bytes"):
        feed_in_pieces(parser, stream, size)


def feed_in_pieces(parser: EventParser, stream: bytes, size: int) -> None:
    """Feed the stream in chunks of `size` bytes."""
    for start in range(0, len(stream), size):
        parser.feed(stream[start : start + size])


def test_many_events_fit_in_a_bound_for_one() -> None:
    """The bound is on one event, not on the stream."""
    parser = EventParser(max_event_bytes=20)
    assert sum(len(parser.feed(b"data: ten bytes!\n\n: a comment\n")) for _ in range(50)) == 50


@pytest.mark.parametrize(
    ("stream", "last"),
    [
        (b"data: a\n\n", []),
        (b"data: a\n", [ServerSentEvent(b"a")]),
        (b"data: a\r", [ServerSentEvent(b"a")]),
        (b"data: a\r\n", [ServerSentEvent(b"a")]),
        (b"data: a", [ServerSentEvent(b"a")]),
        (b"data: a\ndata: b", [ServerSentEvent(b"a\nb")]),
        (b"event: done", []),
        (b"data: a\n\n: bye", []),
        (b"", []),
    ],
)
def test_the_end_completes_the_last_event(stream: bytes, last: list[ServerSentEvent]) -> None:
    """What lacks its blank line, or its line's end, comes with the end of the stream, however it was cut."""
    for pieces in ([stream], [bytes([byte]) for byte in stream]):
        parser = EventParser()
        for piece in pieces:
            parser.feed(piece)
        assert parser.end() == last
        assert parser.end() == []
