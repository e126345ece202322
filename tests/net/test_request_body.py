from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
import trio

from voxint.net.request_body import PIECE_BYTES, RequestBody, open_body


async def pieces_of(body: RequestBody) -> list[bytes]:
    """Return all pieces, the first one included."""
    pieces = [body.first]
    while not body.in_one_piece and (piece := await body.following()):
        pieces.append(piece)
    return pieces


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES])
async def test_a_small_body_is_one_piece(size: int) -> None:
    """It leaves with the head, and there is nothing to follow."""
    body = await open_body(httpx.Request("POST", "http://here/", content=bytes(size)))
    assert body.in_one_piece
    assert await pieces_of(body) == [bytes(size)]


async def test_a_large_body_comes_in_pieces_and_can_be_sent_again() -> None:
    """All of it is still here, however much was sent."""
    content = bytes(range(256)) * 1000
    body = await open_body(httpx.Request("POST", "http://here/", content=content))
    for _ in range(2):
        pieces = await pieces_of(body)
        assert max(map(len, pieces)) == PIECE_BYTES
        assert b"".join(pieces) == content
        assert body.replayable
        body.rewind()


async def test_of_a_stream_the_first_piece_is_kept() -> None:
    """Empty pieces are passed over; once a second was asked for, the stream cannot be sent again."""

    async def stream() -> AsyncIterator[bytes]:
        for piece in (b"", b"one", b"", b"two", b""):
            yield piece

    body = await open_body(httpx.Request("POST", "http://here/", content=stream()))
    assert (body.first, body.in_one_piece, body.replayable) == (b"one", False, True)
    assert await body.following() == b"two"
    assert not body.replayable
    assert await body.following() == b""


async def test_files_and_forms_are_streams() -> None:
    """As httpx makes them."""
    body = await open_body(httpx.Request("POST", "http://here/", files={"audio": b"pcm"}))
    assert b"pcm" in b"".join(await pieces_of(body))


async def test_cancelled_before_its_first_piece_a_stream_is_closed() -> None:
    """Nobody else could close it."""
    closed = []

    class Stream(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            try:
                await trio.sleep_forever()
                yield b""
            finally:
                closed.append(True)

    with trio.CancelScope() as scope:
        scope.cancel()
        await open_body(httpx.Request("POST", "http://here/", stream=Stream()))
    assert scope.cancelled_caught
    assert closed == [True]
