"""Sound whose meaning stands in its samples: what a detector and a recogniser make of it is known beforehand."""

from __future__ import annotations

from array import array
from collections.abc import Iterable

import trio

from voxint.core.stages import Transcript
from voxint.testing.detector import ScriptedDetector

__all__ = ["FORMAT", "WINDOW", "WINDOW_MS", "CodedEars", "quiet", "speech"]

FORMAT = ScriptedDetector.audio_format
WINDOW = ScriptedDetector.window_samples
WINDOW_MS = FORMAT.ms(WINDOW)

LOUD = 1000
"""Samples that are speech are as loud as this, which the scripted detector goes by; a word is added to the first sample
of its window."""

WORDS: list[str] = []


def speech(ms: float, *words: str) -> bytes:
    """Return speech for so long, in whole windows; the words are understood in the first of them, one after another."""
    windows = max(1, round(ms / WINDOW_MS))
    samples = array("h", [LOUD] * (WINDOW * windows))
    for index, word in enumerate(words):
        if word not in WORDS:
            WORDS.append(word)
        samples[WINDOW * index] = LOUD + 1 + WORDS.index(word)
    return samples.tobytes()


def quiet(ms: float) -> bytes:
    """Return silence for so long, in whole windows."""
    return bytes(2 * WINDOW * max(1, round(ms / WINDOW_MS)))


class CodedEars:
    """A recogniser: the words that stand in the samples, told as they come, or all at the end.

    Args:
        early: Whether it tells words while somebody speaks.
        late_s: Seconds from the end of the voice to its words.
    """

    audio_format = FORMAT

    def __init__(self, *, early: bool = True, late_s: float = 0.0) -> None:
        self._early = early
        self._late_s = late_s
        self.given: list[bytes] = []

    async def transcribe(self, audio: trio.abc.ReceiveChannel[bytes], out: trio.abc.SendChannel[Transcript]) -> None:
        """Read the samples."""
        heard: list[str] = []
        whole = bytearray()
        async for piece in audio:
            whole += piece
            if found := list(_words(piece)):
                heard += found
                if self._early:
                    await out.send(Transcript(" ".join(heard), is_final=False))
        self.given.append(bytes(whole))
        await trio.sleep(self._late_s)
        await out.send(Transcript(" ".join(heard), is_final=True))


def _words(pcm: bytes) -> Iterable[str]:
    return (WORDS[sample - LOUD - 1] for sample in array("h", pcm) if sample > LOUD)
