from __future__ import annotations

from array import array
from itertools import pairwise
from typing import Any

import pytest

from tests.testing.simulated import simulated

SPEECH = "/audio/speech"


async def test_numbered_speech_carries_its_turn_in_every_sample() -> None:
    """Each sample is the turn of the text, so a test can tell whose audio it hears."""
    async with simulated(content="numbered", speech_s=0.5) as upstream:
        response = await upstream.post(SPEECH, {"input": "t17w0 t17w1. ", "sample_rate": 16_000})
        assert array("h", response.content) == array("h", [17] * 8000)
        assert (await upstream.last()).turn == 17


async def test_chunks_have_the_length_asked_for() -> None:
    """Speech is cut into chunks of `chunk_ms`, of which the last is what is left."""
    async with simulated(chunk_ms=80.0, speech_s=0.2) as upstream:
        response = await upstream.post(SPEECH, {"input": "hello"})
        entry = await upstream.last()
        assert (entry.tokens_written, entry.bytes_written, len(response.content)) == (3, 9600, 9600)
        assert response.headers["content-type"] == "audio/pcm;rate=24000"


@pytest.mark.parametrize(("text", "seconds"), [("thirty letters are two seconds", 2.0), ("十个字也要说两秒钟的", 2.0)])
async def test_speech_lasts_as_long_as_its_text(text: str, seconds: float) -> None:
    """By default the length follows the text; a Chinese character takes as long as three letters."""
    async with simulated(speech_rate=15.0) as upstream:
        response = await upstream.post(SPEECH, {"input": text, "sample_rate": 8000})
        assert len(response.content) / 2 / 8000 == seconds


async def test_default_voice_is_heard_but_soft() -> None:
    """The hum is neither silence nor loud, and goes on across chunks without a jump."""
    async with simulated(speech_s=2.0, chunk_ms=77.0) as upstream:
        samples = array("h", (await upstream.post(SPEECH, {"input": "hello"})).content)
    assert 1000 < max(samples) < 6000
    assert max(abs(b - a) for a, b in pairwise(samples)) < 1000
    assert samples[:24_000] == samples[24_000:]


@pytest.mark.parametrize(
    "body", [{"input": "hello", "response_format": "mp3"}, {}, {"input": "hello", "sample_rate": 1}]
)
async def test_speech_that_cannot_be_made_is_refused(body: dict[str, Any]) -> None:
    """Another format, no text or an absurd rate is the client's fault."""
    async with simulated() as upstream:
        assert (await upstream.post(SPEECH, body)).status_code == 400
