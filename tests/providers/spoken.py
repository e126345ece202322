"""A sentence as a microphone would hear it, and what a recogniser makes of it."""

from __future__ import annotations

import math

import numpy as np
import soxr
import trio

from voxint.core.stages import Speech, SpeechToText, TextToSpeech, Transcript
from voxint.errors import UpstreamError
from voxint.providers.espeak import Espeak

__all__ = ["FRAME_BYTES", "QUIET", "Utterance", "hear", "say", "speak"]

QUIET = bytes(16_000)
"""Half a second of silence at 16 kHz."""

FRAME_BYTES = 640  # 20 ms, what the pipeline sends


async def speak(stage: TextToSpeech, *pieces: str) -> list[Speech]:
    """Run `stage` over `pieces` and return what it wrote."""
    text_in, text_out = trio.open_memory_channel[str](len(pieces))
    speech_in, speech_out = trio.open_memory_channel[Speech](math.inf)
    for piece in pieces:
        text_in.send_nowait(piece)
    text_in.close()
    await stage.synthesize(text_out, speech_in)
    speech_in.close()
    return [speech async for speech in speech_out]


async def say(sentence: str) -> bytes:
    """Have espeak say `sentence`, at 16 kHz, with a little silence round it."""
    async with Espeak(voice="en-us") as stage:
        spoken = np.frombuffer(b"".join(speech.audio for speech in await speak(stage, sentence)), dtype="<i2")
    resampled = soxr.resample(spoken, stage.audio_format.rate, 16_000)
    return b"".join((QUIET[:6_400], resampled.astype("<i2").tobytes(), QUIET[:9_600]))


async def hear(stt: SpeechToText, pcm: bytes) -> list[Transcript]:
    """Send `pcm` as the pipeline does, and return everything that was written."""
    audio_in, audio_out = trio.open_memory_channel[bytes](0)
    heard_in, heard_out = trio.open_memory_channel[Transcript](1_000)

    async def upload() -> None:
        async with audio_in:
            for at in range(0, len(pcm), FRAME_BYTES):
                await audio_in.send(pcm[at : at + FRAME_BYTES])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(upload)
        await stt.transcribe(audio_out, heard_in)
    heard_in.close()
    return [transcript async for transcript in heard_out]


class Utterance:
    """An utterance that has begun and does not end: `run` it in a nursery, cancel its scope, or end its audio."""

    def __init__(self, stt: SpeechToText) -> None:
        self._stt = stt
        self._audio_in, self._audio_out = trio.open_memory_channel[bytes](0)
        self._heard_in, self.heard = trio.open_memory_channel[Transcript](1_000)
        self.scope = trio.CancelScope()
        self.stopped = trio.Event()
        self.error: UpstreamError | None = None

    async def run(self) -> None:
        """Transcribe until the audio ends or the scope is cancelled."""
        with self.scope:
            try:
                await self._stt.transcribe(self._audio_out, self._heard_in)
            except UpstreamError as error:
                self.error = error
        self._audio_out.close()  # so that who still speaks is told
        self.stopped.set()

    async def speak(self, pcm: bytes = QUIET[:FRAME_BYTES]) -> None:
        """Send a frame and one more: the second is taken when the first has been answered."""
        await self._audio_in.send(pcm)
        await self._audio_in.send(pcm)

    async def begin(self, pcm: bytes = QUIET[:FRAME_BYTES]) -> None:
        """Send the first frame, with which it wants a process; it may have to wait for that."""
        await self._audio_in.send(pcm)

    def close(self) -> None:
        """End the audio."""
        self._audio_in.close()

    async def end(self) -> None:
        """End the audio and wait for what follows from it."""
        self.close()
        await self.stopped.wait()
