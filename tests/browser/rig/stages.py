"""A model that tells what it is shown, and a voice of which every sample is known: stages of the tests' own server."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable

import trio

from voxint.core.audio import AudioFormat
from voxint.core.stages import Delta, ModelOutput, Speech, Turn

__all__ = ["STORY", "Storyteller", "Sweep", "sweep"]

STORY = (
    "Once there was a keeper of a lighthouse who could not stop talking. He told the gulls about the fog, and the fog "
    "about the gulls. Ships sailed by, and nobody listened to him. One night a small boat came near the rocks, and the "
    "boy in it shouted at him to stop. The keeper fell silent in the middle of a word. In the silence he heard the "
    "waves break on the reef, and the boy heard them too, and turned his boat away. In the morning the boy climbed up "
    "the tower to thank him. It was you who saved us, said the keeper. I only learned to be quiet in time. Since then "
    "he talks to the gulls all day long. But whenever somebody calls, he is silent before the echo comes back."
)
"""Some forty seconds of speech, so that whoever interrupts finds it being told, however slow a machine was to begin."""

LOW_HZ, HIGH_HZ, RISE_S = 300.0, 3000.0, 2.0
"""The sweep goes from here to there in this time, and begins again: no two moments of these two seconds sound alike."""

LOUDNESS = 8000
"""Its largest sample, of 32,767."""


class Storyteller:
    """A language model that answers each question with the same words, and tells what it was shown.

    Args:
        answer: The words.
        tell: Called with what each turn shows, as (role, words).
    """

    def __init__(self, answer: str, tell: Callable[[list[tuple[str, str]]], None]) -> None:
        self._answer = answer
        self._tell = tell

    async def generate(self, turn: Turn, out: trio.abc.SendChannel[ModelOutput]) -> None:
        """Tell, and answer word by word, as models do."""
        self._tell([(message.role, message.content) for message in turn.messages])
        for word in self._answer.split(" "):
            await out.send(Delta(f"{word} "))


def sweep(rate: int, begin: int, count: int) -> array[int]:
    """Return samples of the sweep.

    Args:
        rate: Samples a second.
        begin: The first, counted from the beginning of the answer.
        count: How many.
    """
    slope = (HIGH_HZ - LOW_HZ) / RISE_S
    period = round(RISE_S * rate)

    def sample(at: int) -> int:
        t = at % period / rate
        return round(LOUDNESS * math.sin(2 * math.pi * (LOW_HZ * t + slope * t * t / 2)))

    return array("h", (sample(at) for at in range(begin, begin + count)))


class Sweep:
    """A synthesizer whose speech is one sweep through the whole answer: what is lost of it or played twice is found.

    Args:
        seconds_per_char: How long a character is spoken; ours: the pace of people, 16 a second.
    """

    def __init__(self, seconds_per_char: float = 1 / 16) -> None:
        self.audio_format = AudioFormat(24_000)
        self._per_char = round(seconds_per_char * self.audio_format.rate)

    async def synthesize(self, text: trio.abc.ReceiveChannel[str], out: trio.abc.SendChannel[Speech]) -> None:
        """Speak each piece at once, a quarter of a second in one."""
        begin = 0
        chunk = self.audio_format.rate // 4
        async for piece in text:
            end = begin + len(piece) * self._per_char
            said: str | None = piece
            for at in range(begin, end, chunk):
                samples = _wave(self.audio_format.rate, at, min(chunk, end - at))
                await out.send(Speech(samples, said))
                said = None
            begin = end


_waves: dict[int, bytes] = {}


def _wave(rate: int, begin: int, count: int) -> bytes:
    """Return s16le of the sweep, whose one period is made but once."""
    period = round(RISE_S * rate)
    if rate not in _waves:
        _waves[rate] = sweep(rate, 0, period).tobytes()
    whole = _waves[rate]
    first = 2 * (begin % period)
    piece = whole[first : first + 2 * count]
    while len(piece) < 2 * count:
        piece += whole[: 2 * count - len(piece)]
    return piece
