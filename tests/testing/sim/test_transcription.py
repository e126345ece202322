from __future__ import annotations

import struct
from array import array
from collections.abc import AsyncIterator

import msgspec
import pytest
import trio

from tests.testing.simulated import Simulated, events, simulated
from voxint.net.http import HttpClient

SECOND = bytes(32_000)


async def raw(http: HttpClient, url: str, *pieces: bytes) -> bytes:
    """Upload pieces of PCM and return the answer."""

    async def upload() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    async with http.stream("POST", url, headers={"content-type": "audio/pcm"}, content=upload()) as response:
        return await response.aread()


async def form(upstream: Simulated, fields: dict[str, bytes]) -> tuple[int, bytes]:
    """Upload a multipart form and return the answer."""
    parts = [
        b'--cut\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (k.encode(), v) for k, v in fields.items()
    ]
    headers = {"content-type": "multipart/form-data; boundary=cut"}
    body = b"".join(parts) + b"--cut--\r\n"
    url = f"{upstream.sim.base_url}/audio/transcriptions"
    async with upstream.http.stream("POST", url, headers=headers, content=body) as response:
        return response.status_code, await response.aread()


def wav(pcm: bytes, rate: int) -> bytes:
    """Return a mono WAV file."""
    head = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", 36 + len(pcm), b"WAVE", b"fmt ", 16, 1, 1, rate, rate * 2, 2, 16)
    return head + struct.pack("<4sI", b"data", len(pcm)) + pcm


async def test_raw_upload_is_heard_to_its_end() -> None:
    """Raw PCM gets a transcript that tells how much was heard, at the rate of the query."""
    async with simulated() as upstream:
        url = f"{upstream.sim.base_url}/audio/transcriptions"
        assert msgspec.json.decode(await raw(upstream.http, url, SECOND, SECOND[:16_000])) == {
            "text": "1.5 seconds of sound"
        }
        assert b"0.5 seconds" in await raw(upstream.http, f"{url}?sample_rate=32000", SECOND)
        assert (await upstream.last()).bytes_received == 32_000


async def test_nothing_heard_is_no_words() -> None:
    """An empty upload gets an empty transcript."""
    async with simulated() as upstream:
        assert await raw(upstream.http, f"{upstream.sim.base_url}/audio/transcriptions") == b'{"text":""}'


async def test_numbered_audio_is_understood_as_its_turn() -> None:
    """The value that most samples carry is the turn, though the edges are bent."""
    async with simulated(content="numbered") as upstream:
        pieces = [array("h", [17] * 80).tobytes()] * 5 + [array("h", [9] * 80).tobytes()]
        url = f"{upstream.sim.base_url}/audio/transcriptions"
        assert msgspec.json.decode(await raw(upstream.http, url, *pieces)) == {"text": "turn 17"}
        assert (await upstream.last()).turn == 17


async def test_streamed_answer_has_deltas_and_the_whole() -> None:
    """With `stream=true` the words come one by one, then all of them."""
    async with simulated(transcript="it is me") as upstream:
        url = f"{upstream.sim.base_url}/audio/transcriptions?stream=true"
        *deltas, done = events(await raw(upstream.http, url, SECOND))
        assert [event["delta"] for event in deltas] == ["it ", "is ", "me"]
        assert done == {"type": "transcript.text.done", "text": "it is me"}


@pytest.mark.parametrize("stream", [b"true", b"false"])
async def test_form_is_read_as_openai_sends_it(stream: bytes) -> None:
    """A form with a WAV file is heard at the file's own rate, streamed or whole."""
    async with simulated() as upstream:
        status, body = await form(upstream, {"model": b"sim", "file": wav(SECOND, 8000), "stream": stream})
        assert status == 200
        told = events(body)[-1] if stream == b"true" else msgspec.json.decode(body)
        assert told["text"] == "2.0 seconds of sound"


async def test_form_without_a_file_is_refused() -> None:
    """A form that lacks the file is the client's fault, and the answer says so."""
    async with simulated() as upstream:
        status, body = await form(upstream, {"model": b"sim"})
        assert (status, b"`file`" in body) == (400, True)


async def test_leaving_within_the_upload_is_seen() -> None:
    """The ledger tells when an uploading client left, how much had come by then, and of which turn."""
    async with simulated(content="numbered") as upstream:

        async def upload() -> AsyncIterator[bytes]:
            yield array("h", [17] * 16_000).tobytes()
            await trio.sleep_forever()

        async def speak() -> None:
            url = f"{upstream.sim.base_url}/audio/transcriptions"
            async with upstream.http.stream("POST", url, content=upload()):
                raise AssertionError("the upload never ends")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(speak)
            await upstream.until(lambda entry: entry.bytes_received == 32_000)
            nursery.cancel_scope.cancel()
        entry = await upstream.last()
        assert (entry.outcome, entry.bytes_received, entry.tokens_generated) == ("disconnected", 32_000, 0)
        assert entry.t_disconnect_seen is not None
        assert entry.turn == 17
