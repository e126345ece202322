from __future__ import annotations

import math

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from voxint.core.audio import AudioFormat
from voxint.core.upload import Upload

pytestmark = pytest.mark.virtual_time

WIDE = AudioFormat(16_000)
NARROW = AudioFormat(8_000)


class Uploaded:
    """An upload, and what it called."""

    def __init__(self, source: AudioFormat = WIDE, target: AudioFormat = WIDE, *, idle_s: float = math.inf) -> None:
        self.overflowed = False
        self.given_up: list[float] = []
        self.ended: list[float] = []
        self.scope = trio.CancelScope()
        self.upload = Upload(
            source,
            target,
            ahead_bytes=source.bytes(1000),
            idle_s=idle_s,
            abandoned=self._abandoned,
            overflowed=self._overflowed,
            ended=lambda: self.ended.append(trio.current_time()),
        )

    def _overflowed(self) -> None:
        self.overflowed = True

    def _abandoned(self) -> None:
        self.given_up.append(trio.current_time())
        self.scope.cancel()

    async def read(self) -> list[bytes]:
        """Read to the end, or until it is given up."""
        with self.scope:
            return [piece async for piece in self.upload]
        return []


async def test_quanta_are_joined_to_20_ms() -> None:
    """A browser's 43 samples are too few to hand on; 20 ms are 640 bytes, and whole samples."""
    talk = Uploaded()
    pieces: list[bytes] = []

    async def read() -> None:
        pieces.extend(await talk.read())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        for _ in range(16):
            talk.upload.push(b"\1\2\3\4\5" * 17)
            await wait_all_tasks_blocked()
        talk.upload.end()
    assert b"".join(pieces) == b"\1\2\3\4\5" * 17 * 16
    assert [len(piece) for piece in pieces] == [680, 680]


async def test_a_late_reader_gets_no_more_than_200_ms_at_once() -> None:
    """A second that waited comes in five pieces; half a sample at the end is no sample."""
    talk = Uploaded()
    talk.upload.push(bytes(31_999))
    talk.upload.end()
    assert [len(piece) for piece in await talk.read()] == [6400, 6400, 6400, 6400, 6398]


async def test_more_than_may_wait_ends_the_upload() -> None:
    """The receive loop never waits: what waited is let go, and whose upload it is hears of it once."""
    talk = Uploaded()
    talk.upload.push(bytes(32_000))
    assert not talk.overflowed
    talk.upload.push(b"\0\0")
    assert talk.overflowed
    talk.overflowed = False
    talk.upload.push(bytes(32_000))
    assert not talk.overflowed
    assert await talk.read() == []


async def test_nothing_comes_after_the_end() -> None:
    """Audio behind the end frame is dropped; the end is an end for every read."""
    talk = Uploaded()
    talk.upload.push(bytes(640))
    talk.upload.end()
    talk.upload.push(bytes(640))
    assert [len(piece) for piece in await talk.read()] == [640]
    with pytest.raises(trio.EndOfChannel):
        await talk.upload.receive()
    assert talk.ended == [0.0]


async def test_a_stopped_upload_drops_what_waits_and_what_comes() -> None:
    """The recogniser reads no more."""
    talk = Uploaded()
    talk.upload.push(bytes(640))
    talk.upload.stop()
    talk.upload.push(bytes(640))
    assert await talk.read() == []


async def test_silence_gives_an_upload_up() -> None:
    """After `idle_s` without enough audio for a piece; audio in between starts it anew."""
    talk = Uploaded(idle_s=2.0)

    async def speak() -> None:
        await trio.sleep(1.5)
        talk.upload.push(bytes(640))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(speak)
        assert await talk.read() == [bytes(640)]
    assert talk.given_up == [3.5]


async def test_a_reader_that_is_shielded_is_let_go_too() -> None:
    """A recogniser that nobody can cancel there gets the end of the audio."""
    talk = Uploaded(idle_s=2.0)
    with trio.CancelScope(shield=True), pytest.raises(trio.EndOfChannel):
        await talk.upload.receive()
    assert trio.current_time() == 2.0


@pytest.mark.parametrize(("source", "target"), [(NARROW, WIDE), (WIDE, NARROW), (AudioFormat(44_100), WIDE)])
async def test_an_upload_is_brought_to_the_recognisers_rate(source: AudioFormat, target: AudioFormat) -> None:
    """As long as before to the sample, no piece empty, none with half a sample."""
    talk = Uploaded(source, target)
    for _ in range(100):
        talk.upload.push(bytes(source.bytes(10)))
    talk.upload.end()
    pieces = await talk.read()
    assert all(pieces)
    assert all(len(piece) % 2 == 0 for piece in pieces)
    assert abs(target.bytes_ms(sum(map(len, pieces))) - 1000) < 1


async def test_an_empty_upload_just_ends() -> None:
    """Also where rates differ: a conversion of nothing is nothing."""
    talk = Uploaded(NARROW, WIDE)
    talk.upload.end()
    assert await talk.read() == []


async def test_closing_the_reading_end_is_allowed() -> None:
    """A recogniser may read in `async with`; the end of the upload is the request's."""
    talk = Uploaded()
    async with talk.upload:
        talk.upload.push(bytes(640))
    talk.upload.end()
    assert [len(piece) for piece in await talk.read()] == [640]


async def test_the_end_of_an_upload_that_was_stopped_is_no_end() -> None:
    """A recogniser that has heard enough is told nothing by the end frame, nor by a second one."""
    talk = Uploaded()
    talk.upload.stop()
    talk.upload.end()
    assert talk.ended == []
    talk = Uploaded()
    talk.upload.end()
    talk.upload.end()
    assert talk.ended == [0.0]
