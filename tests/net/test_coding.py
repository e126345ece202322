from __future__ import annotations

import contextlib
import gzip
import random
import zlib
from collections.abc import Callable

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.net.loopback import saying, serve
from voxint.errors import UpstreamError
from voxint.net.coding import FREE_BYTES, MOST_BYTES, PACKED_BYTES, PIECE_BYTES, CodingError, ContentDecoder
from voxint.net.http import HttpClient, chunks, open_http


def raw_deflate(content: bytes) -> bytes:
    """Return deflate data without zlib's header."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


Pack = Callable[[bytes], bytes]
PACKERS: list[tuple[str, Pack]] = [
    ("gzip", gzip.compress),
    ("deflate", zlib.compress),
    ("deflate", raw_deflate),
]


def unpack(coding: str, data: bytes, step: int) -> list[bytes]:
    """Return the pieces of content of `data`, fed `step` bytes at a time."""
    decoder, pieces = ContentDecoder(coding), []
    for start in range(0, len(data), step):
        pieces.append(decoder.feed(data[start : start + step]))
        while decoder.pending:
            pieces.append(decoder.feed(b""))
    decoder.finish()
    return pieces


@given(st.sampled_from(PACKERS), st.binary(max_size=300), st.integers(1, 400))
def test_any_cut_gives_the_same(packer: tuple[str, Pack], content: bytes, step: int) -> None:
    """However the network cuts the bytes, the content is whole."""
    coding, pack = packer
    assert b"".join(unpack(coding, pack(content), step)) == content


def test_joined_gzip_files_are_one_body() -> None:
    """As the format allows."""
    assert b"".join(unpack("gzip", gzip.compress(b"one ") + gzip.compress(b"two"), 7)) == b"one two"


def noisy(times: int) -> bytes:
    """Return content that packs to a thirtieth of its size."""
    rng = random.Random(9)
    return b"".join(rng.randbytes(1000) + bytes(30_000) for _ in range(times))


def test_much_content_comes_in_bounded_pieces() -> None:
    """A read of the socket never becomes more than 64 KiB at a time; whoever reads can stop."""
    content = noisy(500)
    pieces = unpack("gzip", gzip.compress(content), 65_536)
    assert b"".join(pieces) == content
    assert max(map(len, pieces)) <= PIECE_BYTES


def unpacked_before_refusal(coding: str, data: bytes) -> int:
    """Return how much is unpacked of a body that is refused for its size."""
    decoder, size = ContentDecoder(coding), 0
    try:
        for start in range(0, len(data), 65_536):
            size += len(decoder.feed(data[start : start + 65_536]))
            while decoder.pending:
                size += len(decoder.feed(b""))
    except CodingError as error:
        return size if "unpacks to far more than it may" in str(error) else -1
    pytest.fail("it was not refused")


@pytest.mark.parametrize(("coding", "pack"), PACKERS, ids=["gzip", "zlib", "raw"])
def test_a_bomb_is_refused(coding: str, pack: Pack) -> None:
    """What unpacks to a thousand times its size is no answer; a mebibyte of it is unpacked, whatever is to come."""
    assert unpacked_before_refusal(coding, pack(bytes(100_000_000))) == FREE_BYTES


def test_a_body_without_end_is_refused() -> None:
    """However honest its ratio."""
    packer = zlib.compressobj(1, wbits=zlib.MAX_WBITS | 16)
    part = noisy(30)
    data = b"".join(packer.compress(part) for _ in range(MOST_BYTES // len(part) + 2)) + packer.flush()
    assert MOST_BYTES - PIECE_BYTES <= unpacked_before_refusal("gzip", data) <= MOST_BYTES


def test_a_few_repetitions_are_no_bomb() -> None:
    """A short body may be nothing but one letter."""
    assert sum(map(len, unpack("gzip", gzip.compress(b"a" * FREE_BYTES), 100))) == FREE_BYTES


def test_gzip_files_without_content_come_in_bounded_steps() -> None:
    """A read can hold thousands of them: a step takes 4 KiB of it, and copies no more than that for each file."""
    empty = gzip.compress(b"")
    decoder, steps = ContentDecoder("gzip"), 1
    assert decoder.feed(empty * 3000) == b""
    while decoder.pending:
        assert decoder.feed(b"") == b""
        steps += 1
    assert steps == -(-3000 * len(empty) // PACKED_BYTES)
    decoder.finish()


async def test_unpacking_lets_others_run() -> None:
    """Between any two steps of it, though the socket was read once."""
    content = noisy(50)
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await trio.lowlevel.checkpoint()

    async with (
        serve(saying(packed("gzip", gzip.compress(content)))) as server,
        open_http() as http,
        trio.open_nursery() as nursery,
        http.stream("GET", server.url) as response,
    ):
        nursery.start_soon(others)
        pieces = [piece async for piece in chunks(response)]
        nursery.cancel_scope.cancel(reason="the body has ended")
    assert turns >= len(pieces) - 1  # in one pass of the scheduler either may come first
    assert b"".join(pieces) == content


@pytest.mark.parametrize("beyond", [-1, 0, 1, 5, 9, 200, 300])
@pytest.mark.parametrize(("coding", "pack"), PACKERS, ids=["gzip", "zlib", "raw"])
def test_a_body_that_ends_at_a_pieces_edge_is_whole(coding: str, pack: Pack, beyond: int) -> None:
    """The last bytes may be in the unpacker when all that was packed is taken."""
    size = PIECE_BYTES + beyond
    assert sum(map(len, unpack(coding, pack(bytes(size)), 1 << 30))) == size


@pytest.mark.parametrize("left", [-1, 5])
def test_a_body_cut_short_is_told(left: int) -> None:
    """What came is given, and the end is an error."""
    with pytest.raises(CodingError, match="ends in the middle"):
        unpack("gzip", gzip.compress(b"cut")[:left], 100)


@pytest.mark.parametrize(("coding", "pack"), PACKERS, ids=["gzip", "zlib", "raw"])
def test_what_is_sound_before_the_damage_is_given(coding: str, pack: Pack) -> None:
    """Though both came in one read: it may be all that somebody needs."""
    rng = random.Random(5)
    packer = {
        "gzip": zlib.compressobj(wbits=31),
        "deflate": zlib.compressobj(wbits=15 if pack is zlib.compress else -15),
    }
    content = rng.randbytes(3000)
    sound = packer[coding].compress(content) + packer[coding].flush(zlib.Z_SYNC_FLUSH)
    for damage in (b"\xff" * 50, b"\x07damaged", rng.randbytes(9000)):
        decoder, got = ContentDecoder(coding), b""
        try:
            got += decoder.feed(sound + damage)
            while decoder.pending:
                got += decoder.feed(b"")
            decoder.finish()
        except CodingError as error:
            got += error.before
        assert got[: len(content)] == content


def test_no_body_is_no_error() -> None:
    """The answer to HEAD, or an error without words, has nothing to unpack."""
    assert unpack("gzip", b"", 1) == []
    assert unpack("br", b"", 1) == []


def test_what_follows_deflate_data_is_an_error() -> None:
    """Only gzip files may be joined."""
    with pytest.raises(CodingError, match="goes on"):
        unpack("deflate", zlib.compress(b"one") + b"two", 100)


@given(st.sampled_from(["gzip", "deflate", "zstd"]), st.binary(max_size=100), st.integers(1, 20))
def test_anything_gives_content_or_an_error(coding: str, data: bytes, step: int) -> None:
    """No bytes whatever raise anything else, or never end."""
    with contextlib.suppress(CodingError):
        unpack(coding, data, step)


def packed(coding: str, content: bytes) -> bytes:
    """Return a whole response with this coding and this body."""
    head = f"HTTP/1.1 200 OK\r\ncontent-encoding: {coding}\r\ncontent-length: {len(content)}\r\n\r\n"
    return head.encode() + content


async def read(http: HttpClient, url: str) -> bytes:
    """Return the body as a provider reads it."""
    async with http.stream("GET", url) as response:
        return b"".join([chunk async for chunk in chunks(response)])


async def answered(answer: bytes) -> bytes:
    """Return what the client makes of a response, read by pieces and whole alike."""
    async with serve(saying(answer)) as server, open_http() as http:
        got = await read(http, server.url)
        async with http.stream("GET", server.url) as response:
            assert await response.aread() == got
            assert "content-encoding" not in response.headers or got == b"identity"
        assert server.accepted == 1
        return got


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip", "deflate"])
async def test_a_packed_body_is_unpacked(coding: str) -> None:
    """A server that compresses unasked is understood all the same, and the headers then say what is true."""
    pack = zlib.compress if coding == "deflate" else gzip.compress
    assert await answered(packed(coding, pack(b"plain"))) == b"plain"


@pytest.mark.parametrize("coding", ["identity", "Identity, identity", ""])
async def test_identity_is_no_coding(coding: str) -> None:
    """Some servers say so."""
    assert await answered(packed(coding, b"identity")) == b"identity"


async def test_identity_is_no_layer() -> None:
    """Beside a coding it means nothing."""
    assert await answered(packed("identity, gzip", gzip.compress(b"plain"))) == b"plain"


@pytest.mark.parametrize(
    ("coding", "content", "words"),
    [
        ("gzip", b"data: plain\n\n", r"says that it is compressed \(gzip\) and is not, or is damaged"),
        ("deflate", b"data: plain\n\n", r"says that it is compressed \(deflate\) and is not"),
        ("gzip", gzip.compress(b"cut short")[:-4], "ends in the middle of its gzip data"),
        ("br", b"data: plain\n\n", "a content coding that was not asked for"),
        ("gzip, gzip", gzip.compress(gzip.compress(b"bomb")), "packed in more than one content coding"),
        ("gzip\r\ncontent-encoding: gzip", gzip.compress(gzip.compress(b"bomb")), "more than one content coding"),
        ("gzip", gzip.compress(bytes(9_000_000)), r"unpacks to far more than it may: over 1,\d\d\d KiB from \d KiB"),
    ],
    ids=["plain-gzip", "plain-deflate", "cut-short", "br", "twice", "twice-in-two-lines", "bomb"],
)
async def test_a_body_that_is_not_what_its_head_says(coding: str, content: bytes, words: str) -> None:
    """The error names the server, what is wrong, and whose fault it is, and quotes nothing."""
    async with serve(saying(packed(coding, content))) as server, open_http() as http:
        with pytest.raises(
            UpstreamError, match=rf"operator of this service \(127\.0\.0\.1:\d+ .*{words}.*the fault is its own"
        ) as caught:
            await read(http, server.url)
    assert not caught.value.retryable
    assert caught.value.__cause__ is None
    assert "plain" not in str(caught.value)
