"""A model that tells what it is shown, and a voice of which every sample is known: stages of the tests' own server."""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Callable, Sequence

import trio

from voxint.core.audio import AudioFormat
from voxint.core.stages import Delta, ModelOutput, Speech, TextToSpeech, Turn

__all__ = ["STORY", "Prepared", "Storyteller", "Sweep", "sweep"]

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


SENTENCE = re.compile(r"[^.?!]+[.?!]")


class Storyteller:
    """A language model that has its answers ready, and tells what it was shown.

    Args:
        answers: What it says, in turn; the last one for good.
        tell: Called with what each turn shows, as (role, words).
    """

    def __init__(self, answers: Sequence[str], tell: Callable[[list[tuple[str, str]]], None]) -> None:
        self._answers = answers
        self._tell = tell
        self._asked = 0

    async def generate(self, turn: Turn, out: trio.abc.SendChannel[ModelOutput]) -> None:
        """Tell, and answer word by word, as models do."""
        answer = self._answers[min(self._asked, len(self._answers) - 1)]
        self._asked += 1
        self._tell([(message.role, message.content) for message in turn.messages])
        for word in answer.split(" "):
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


class Prepared:
    """A synthesizer that has said some sentences before, and says these again at once.

    A voice on a loaded machine is slower than it speaks; a test of what happens while it speaks needs one that goes on.

    Args:
        voice: Who says everything.
    """

    def __init__(self, voice: TextToSpeech) -> None:
        self.audio_format = voice.audio_format
        self._voice = voice
        self._said: dict[str, list[bytes]] = {}

    async def prepare(self, text: str) -> None:
        """Have each sentence of a text said once."""
        for sentence in SENTENCE.findall(text):
            send, receive = trio.open_memory_channel[Speech](math.inf)  # a sentence's
            await self._say(sentence.strip(), send)
            send.close()
            self._said[sentence.strip()] = [speech.audio async for speech in receive]

    async def synthesize(self, text: trio.abc.ReceiveChannel[str], out: trio.abc.SendChannel[Speech]) -> None:
        """Say each piece: at once where it was prepared."""
        async for piece in text:
            said: str | None = piece
            for audio in self._said.get(piece.strip(), ()):
                await out.send(Speech(audio, said))
                said = None
            if said is not None:
                await self._say(piece, out)

    async def _say(self, piece: str, out: trio.abc.SendChannel[Speech]) -> None:
        send, receive = trio.open_memory_channel[str](1)
        await send.send(piece)
        send.close()
        await self._voice.synthesize(receive, out)
