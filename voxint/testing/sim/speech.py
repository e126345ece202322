"""`POST /v1/audio/speech`: raw PCM in chunks, faster than it plays."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator
from functools import cache

import msgspec
from attrs import field, frozen

from voxint.core.audio import AudioFormat
from voxint.testing.sim.content import is_chinese, turn_of
from voxint.testing.sim.play import PacedAnswer, SimCall, play
from voxint.testing.sim.settings import SimSettings

__all__ = ["duration_s", "speech"]

RATE = 24_000  # Hz by default: OpenAI's, for `pcm`
FLOOD_S = 100_000.0  # of speech that floods: more than any test reads
MAX_TURN = 32_767  # the largest turn number that a sample can carry
CHINESE_CHARS = 3  # a Chinese character takes as long to say as about three letters
HALF_A_SAMPLE = b"\x7f"  # the only nonsense that raw PCM can hold: from here on, all samples are torn


@frozen
class SpeechBody:
    """What is read of a request; `sample_rate` is ours, all else is OpenAI's."""

    input: str
    response_format: str = "pcm"
    sample_rate: int = RATE
    user: str = ""
    sim: dict[str, object] = field(factory=dict)


async def speech(call: SimCall, settings: SimSettings) -> None:
    """Answer a speech request, misbehaving as the settings and the request say.

    Raises:
        ValueError: The body is not such a request, or asks for another format than PCM.
    """
    entry = call.entry
    raw = await call.request.read()
    entry.bytes_received = len(raw)
    body = msgspec.json.decode(raw, type=SpeechBody)
    if body.response_format != "pcm":
        raise ValueError("`response_format` must be pcm: the simulated upstream speaks no other")
    settings = settings.override(body.sim)
    entry.tag = entry.tag or body.user
    entry.turn = turn_of(body.input)
    audio = AudioFormat(body.sample_rate)
    total = audio.bytes(duration_s(body.input, settings) * 1000)
    if settings.content == "numbered":
        loop = array("h", [min(entry.turn or 0, MAX_TURN)]).tobytes()
    else:
        loop = _murmur(audio.rate)
    headers = (("content-type", f"audio/pcm;rate={audio.rate}"),)
    pieces = _chunks(loop, audio.bytes(settings.chunk_ms), total)
    answer = PacedAnswer(
        pieces, lambda _: b"", HALF_A_SAMPLE, settings.first_chunk_s, settings.chunk_interval_s, headers
    )
    await play(call, settings, answer)


def duration_s(text: str, settings: SimSettings) -> float:
    """Return how many seconds it takes to say the text."""
    if settings.speech_s is not None:
        return settings.speech_s
    if settings.flood:
        return FLOOD_S
    return sum(CHINESE_CHARS if is_chinese(char) else 1 for char in text) / settings.speech_rate


def _chunks(loop: bytes, size: int, total: int) -> Iterator[bytes]:
    """Yield `total` bytes of the repeated loop, `size` at a time; cut from one block, so that a chunk costs a slice."""
    block = loop * (size // len(loop) + 2)
    for start in range(0, total, size):
        offset = start % len(loop)
        yield block[offset : offset + min(size, total - start)]


@cache
def _murmur(rate: int) -> bytes:
    """Return one second of a soft hum in four syllables; it loops without a click, since every part is whole hertz."""
    samples = array("h")
    for n in range(rate):
        t = 2 * math.pi * n / rate
        loudness = 3000 * (1 - math.cos(4 * t)) / 2
        samples.append(int(loudness * (math.sin(160 * t + math.sin(3 * t)) + math.sin(480 * t) / 3) / 1.4))
    return samples.tobytes()
