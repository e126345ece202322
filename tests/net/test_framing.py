from __future__ import annotations

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxint.net.chunked import ChunkDecoder
from voxint.net.framing import LengthDecoder, OpenEndedDecoder, decoder_of, keeps_alive


def response(status: int = 200, version: str = "1.1", **fields: str) -> h11.Response:
    """Return a response's head; an underscore in a field's name is a hyphen."""
    headers = [(name.replace("_", "-"), value) for name, value in fields.items()]
    return h11.Response(status_code=status, headers=headers, http_version=version)


@given(st.binary(max_size=60), st.integers(0, 60), st.integers(1, 20))
def test_a_length_is_kept_however_it_is_cut(data: bytes, length: int, step: int) -> None:
    """So many bytes are the body's, what follows is not, and the end is seen with the last byte."""
    decoder, content, at = LengthDecoder(length), b"", 0
    while not decoder.complete and at < len(data):
        content += decoder.feed(data[at : at + step])
        at += step
    assert content == data[:length]
    assert decoder.complete == (len(data) >= length)
    if decoder.complete:
        assert content + decoder.rest == data[:at]


@pytest.mark.parametrize(
    ("method", "head", "kind"),
    [
        ("GET", response(content_length="5"), LengthDecoder),
        ("GET", response(transfer_encoding="chunked"), ChunkDecoder),
        ("GET", response(transfer_encoding="chunked", content_length="5"), ChunkDecoder),
        ("GET", response(), OpenEndedDecoder),
        ("GET", response(version="1.0"), OpenEndedDecoder),
        ("HEAD", response(transfer_encoding="chunked"), LengthDecoder),
        ("GET", response(204, transfer_encoding="chunked"), LengthDecoder),
        ("GET", response(304, content_length="5"), LengthDecoder),
    ],
)
def test_what_reads_a_body(method: str, head: h11.Response, kind: type) -> None:
    """The order of the standard: no body, chunks, a length, the end of the connection."""
    assert type(decoder_of(method, head)) is kind


@pytest.mark.parametrize(
    ("asked", "head", "kept"),
    [
        ([], response(content_length="5"), True),
        ([], response(content_length="5", connection="Keep-Alive"), True),
        ([], response(content_length="5", connection="close"), False),
        ([], response(content_length="5", connection="x, CLOSE"), False),
        ([(b"Connection", b"close")], response(content_length="5"), False),
        ([], response(version="1.0", content_length="5", connection="keep-alive"), False),
        ([], response(content_length="5", transfer_encoding="chunked"), False),
    ],
)
def test_what_keeps_a_connection(asked: list[tuple[bytes, bytes]], head: h11.Response, kept: bool) -> None:
    """Nobody said close, the server speaks 1.1, and there is one way to see where the body ends."""
    assert keeps_alive(asked, head) is kept
