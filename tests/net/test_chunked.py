"""HTTP's chunked transfer coding."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxint.net.chunked import LONGEST_LINE, ChunkDecoder, ChunkError


def coded(*chunks: bytes, extension: bytes = b"", trailers: bytes = b"") -> bytes:
    """Return a whole chunked body."""
    lines = [b"%x%s\r\n%s\r\n" % (len(chunk), extension, chunk) for chunk in chunks]
    return b"".join(lines) + b"0\r\n" + trailers + b"\r\n"


def decode(data: bytes, cuts: list[int]) -> tuple[bytes, ChunkDecoder]:
    """Return the content of `data` fed in pieces, and the decoder."""
    decoder, content, start = ChunkDecoder(), b"", 0
    for cut in [*sorted(cut % (len(data) + 1) for cut in cuts), len(data)]:
        if start < cut:
            content += decoder.feed(data[start:cut])
        start = cut
    return content, decoder


@given(
    st.lists(st.binary(min_size=1, max_size=40)),
    st.lists(st.integers(0, 2000)),
    st.sampled_from([b"", b";x=1", b" ", b'\t;a="b"']),
    st.sampled_from([b"", b"Expires: never\r\n", b"A: b\r\nC: d\r\n"]),
)
def test_any_cut_gives_the_same(chunks: list[bytes], cuts: list[int], extension: bytes, trailers: bytes) -> None:
    """However the network cuts the bytes, the content is whole and the end is seen."""
    content, decoder = decode(coded(*chunks, extension=extension, trailers=trailers), cuts)
    assert content == b"".join(chunks)
    assert decoder.complete
    assert decoder.rest == b""


@given(st.lists(st.binary(min_size=1, max_size=40), min_size=1))
def test_one_chunk_a_read(chunks: list[bytes]) -> None:
    """A chunk that comes alone is given at once: the case of a model's token."""
    decoder = ChunkDecoder()
    assert [decoder.feed(b"%x\r\n%s\r\n" % (len(chunk), chunk)) for chunk in chunks] == chunks
    assert not decoder.complete
    assert decoder.feed(b"0\r\n\r\n") == b""
    assert decoder.complete


def test_what_follows_is_not_the_bodys() -> None:
    """Bytes behind the end are told apart, so that the connection is not used again."""
    decoder = ChunkDecoder()
    assert decoder.feed(coded(b"hello") + b"HTTP/1.1 200") == b"hello"
    assert decoder.rest == b"HTTP/1.1 200"


@pytest.mark.parametrize(
    "data",
    [
        b"xyz\r\n",
        b"-5\r\n",
        b"0x5\r\nhello\r\n",
        b"5\r\nhelloXY",
        b"5\r\nhello\rX",
        b"5 5\r\n",
        b"\r\n",
        b"5" * (LONGEST_LINE + 1),
        b"5;" + b"x" * LONGEST_LINE,
        b"0\r\n" + b"A: b\r\n" * LONGEST_LINE,
    ],
)
@pytest.mark.parametrize("step", [1, 3, 10_000])
def test_what_is_no_chunked_coding_is_refused(data: bytes, step: int) -> None:
    """A size that is none, a chunk that does not end, a line without end."""
    with pytest.raises(ChunkError):
        decode(data, list(range(0, len(data), step)))


@given(st.binary(max_size=200), st.lists(st.integers(0, 200)))
def test_anything_gives_content_or_an_error(data: bytes, cuts: list[int]) -> None:
    """No bytes whatever raise anything else."""
    with contextlib.suppress(ChunkError):
        decode(data, cuts)
