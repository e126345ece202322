"""The plain protocol, for targets that bring none of their own: as little as a client needs, so that it costs little.

One WebSocket is one session. From the client, as JSON in text frames, where N is the number of a turn::

    {"ask": N, "text": "turn N"}   answer this; a turn that is still speaking is not stopped by it
    {"stop": N}                    interrupt turn N
    {"hear": N}                    the microphone's audio follows in binary frames: s16le, mono, 16 kHz, 86 bytes each
    {"heard": N}                   its end; the answer to the transcript follows

From the server: speech in binary frames of at most 40 ms, s16le, mono, 24 kHz, whole samples and nothing else, paced as
it plays; and as JSON in text frames::

    {"text": "..."}       what the model wrote, as it came
    {"stopped": N}        turn N is interrupted, and the server will say nothing more of it
    {"done": N}           the last of its text and speech has been sent
    {"failed": N, "why": "..."}

Neither text nor speech names its turn: the simulated upstream writes the turn's number into every word and sample.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import NamedTuple

__all__ = ["FRAME_BYTES", "FRAME_S", "RATE", "SENTENCE_END", "Tell", "Upstream", "calm_collector"]

RATE = 24_000
"""Samples a second of all speech: what OpenAI's `pcm` has, so that nobody has to resample."""

FRAME_S = 0.04
FRAME_BYTES = 2 * int(RATE * FRAME_S)

SENTENCE_END = "."
"""The simulated model's words end in it where a sentence ends; who cuts sentences by hand need not look further."""


COLLECTOR = (20_000, 20, 100)
"""What voxint's own server sets (voxint/server/collector.py): with Python's defaults a busy server of any kind gives
some percent of its core to the collector."""


class Upstream(NamedTuple):
    """Base URLs, each ending in ``/v1``, of the simulated upstream; the model's differs where connecting must stall."""

    llm: str
    speech: str
    transcription: str


class Tell:
    """How a target speaks to the benchmark.

    Args:
        ready: Call once, with the WebSocket's URL, when it listens.
        cancelled: Call with a turn's number in the instant in which the work of an interrupted turn has been told to
            stop, for the picture of one interrupt; it costs a write to a file.
    """

    def __init__(self, ready: Callable[[str], None], cancelled: Callable[[int], None]) -> None:
        self.ready = ready
        self.cancelled = cancelled


def calm_collector() -> None:
    """Do for a target's garbage collector what voxint does for its own; call it when all is imported."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTOR)
