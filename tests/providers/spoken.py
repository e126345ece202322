"""A sentence as a microphone would hear it."""

from __future__ import annotations

import numpy as np
import soxr
import trio

from voxint.core.stages import Speech
from voxint.providers.espeak import Espeak

__all__ = ["QUIET", "say"]

QUIET = bytes(16_000)
"""Half a second of silence at 16 kHz."""


async def say(sentence: str) -> bytes:
    """Have espeak say `sentence`, at 16 kHz, with a little silence round it."""
    text_in, text_out = trio.open_memory_channel[str](1)
    speech_in, speech_out = trio.open_memory_channel[Speech](1_000)
    text_in.send_nowait(sentence)
    text_in.close()
    stage = Espeak(voice="en-us")
    await stage.synthesize(text_out, speech_in)
    speech_in.close()
    spoken = np.frombuffer(b"".join([speech.audio async for speech in speech_out]), dtype="<i2")
    resampled = soxr.resample(spoken, stage.audio_format.rate, 16_000)
    return b"".join((QUIET[:6_400], resampled.astype("<i2").tobytes(), QUIET[:9_600]))
