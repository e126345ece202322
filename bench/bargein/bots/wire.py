"""How a caller and a peer's server speak: as little as the measurement needs.

One WebSocket is one call. From the caller: the microphone in binary frames, s16le mono of 16 kHz, 20 ms each, in real
time from the first moment on; nothing else. From the server: the answer in binary frames of the same format, for the
player's queue, and what becomes of it as JSON in text frames, in their order with the sound::

    {"event": "paused"}      stop where you are, and keep what you have
    {"event": "resumed"}     go on there
    {"event": "flushed"}     throw away what you have
    {"event": "ended"}       the answer was sent to its end
    {"event": "onset"}       the server takes it that somebody speaks
    {"event": "endpoint"}    it takes it that they have said what they wanted to say
    {"event": "transcribed", "text": "...", "final": true}

This file is read in the peers' environments too, which have none of our packages: the standard library alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import NamedTuple

__all__ = ["FRAME_BYTES", "FRAME_S", "RATE", "Given", "event", "speech_body", "speech_url", "transcription_url"]

RATE = 16_000
"""Samples a second, both ways, as line.py has it, which can't be imported here."""

FRAME_S = 0.04
FRAME_BYTES = 2 * int(RATE * FRAME_S)
"""Of an answer: 40 ms, as in the other comparison with these peers."""


class Given(NamedTuple):
    """What a server is told when it starts.

    Args:
        base_url: Of the model, the voice and the recogniser.
        language: What the callers speak: ``en`` or ``zh``.
        ready: To be called once with the WebSocket's URL, when it listens.
    """

    base_url: str
    language: str
    ready: Callable[[str], None]


def event(name: str, **more: object) -> str:
    """Return a text frame."""
    return json.dumps({"event": name, **more}, ensure_ascii=False)


def speech_url(base_url: str) -> str:
    """Return where the voice is."""
    return f"{base_url}/audio/speech"


def speech_body(text: str) -> Mapping[str, object]:
    """Return what the voice is asked for: the samples as they will be played, so that nobody resamples them."""
    return {"model": "sim", "voice": "sim", "input": text, "response_format": "pcm", "sample_rate": RATE}


def transcription_url(base_url: str, rate: int = RATE) -> str:
    """Return where the recogniser takes an utterance's samples."""
    return f"{base_url}/audio/transcriptions?sample_rate={rate}"
