"""Speech whose words are the values of its samples, a detector that knows them, and a recogniser that reads them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np
import trio
from attrs import define, field

from voxint.core.audio import AudioFormat
from voxint.core.stages import Transcript
from voxint.providers._recognition import Desk, recognise
from voxint.providers._recognition_speech import Cuts, Recognised

__all__ = ["FORMAT", "WINDOW", "Ears", "ScriptedDetector", "Shown", "finals", "quiet", "talk", "words_of"]

FORMAT = AudioFormat(16_000)
WINDOW = 512
PIECE_S = 1 / 64  # what a microphone brings at once: 250 samples, so that windows and pieces don't meet


def quiet(seconds: float) -> bytes:
    """Return silence."""
    return bytes(2 * round(seconds * FORMAT.rate))


def talk(*words: int, seconds: float = 0.5) -> bytes:
    """Return speech: each word is a number from 1 to 99, and lasts so long."""
    return b"".join(np.full(round(seconds * FORMAT.rate), word, "<i2").tobytes() for word in words)


def words_of(pcm: bytes) -> list[int]:
    """Return the words in a sound, each once for as long as it goes on."""
    samples = np.frombuffer(pcm, "<i2")
    changes = np.flatnonzero(np.diff(samples)) + 1
    firsts = [int(samples[at]) for at in (0, *changes)] if len(samples) else []
    return [word for word, _ in groupby(firsts) if word]


@define
class ScriptedStream:
    """One stream of the detector: a window is speech where half of it is."""

    rest: bytes = b""
    closed: bool = False

    def feed(self, pcm: bytes) -> list[float]:
        """Return 1 or 0 for each window."""
        assert not self.closed
        pcm = self.rest + pcm
        whole = len(pcm) // (2 * WINDOW)
        self.rest = pcm[whole * 2 * WINDOW :]
        samples = np.frombuffer(pcm[: whole * 2 * WINDOW], "<i2").reshape(whole, WINDOW)
        return [1.0 if share >= 0.5 else 0.0 for share in (samples != 0).mean(axis=1)] if whole else []

    def close(self) -> None:
        """Be fed no more."""
        self.closed = True


@define
class ScriptedDetector:
    """A detector that knows what is silence."""

    streams: list[ScriptedStream] = field(factory=list)
    audio_format: AudioFormat = FORMAT
    window_samples: int = WINDOW

    def open(self) -> ScriptedStream:
        """Begin a stream."""
        self.streams.append(ScriptedStream())
        return self.streams[-1]


@define
class Shown:
    """What was written, and when, in seconds since the recognition began."""

    at: float
    text: str
    is_final: bool


@define
class Ears:
    """A recogniser that takes `took_s` for a sound, and a note of all that it was asked.

    Args:
        took_s: Seconds for a sound.
        count: Sounds that it hears at once.
        wait_s: Seconds a final waits.
        cuts: Where speech is cut.
        fails_with: What it raises, if anything.
        deaf: Whether it understands nothing.
        lets_go: Whether it lets go of what nobody wants answered any more.
    """

    took_s: float = 1 / 16
    count: int = 1
    wait_s: float = 5.0
    cuts: Cuts = field(factory=Cuts)
    fails_with: Exception | None = None
    deaf: bool = False
    lets_go: bool = True
    hint: bytes = b""
    asked: list[tuple[float, list[int], bytes]] = field(factory=list)
    done: int = 0
    at_work: int = 0
    detector: ScriptedDetector = field(factory=ScriptedDetector)
    desk: Desk = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.desk = Desk(self.ask, self.count, self.wait_s, lets_go=self.lets_go)

    async def ask(self, pcm: bytes, hint: bytes) -> Recognised:
        """Return the words of a sound."""
        words = words_of(pcm)
        self.asked.append((trio.current_time(), words, hint))
        self.at_work += 1
        try:
            assert self.at_work <= self.count
            await trio.sleep(self.took_s)
            if self.fails_with is not None:
                raise self.fails_with
        finally:
            self.at_work -= 1
        self.done += 1
        return Recognised("", b"") if self.deaf else Recognised(" ".join(map(str, words)), bytes(words))

    async def hear(self, *sounds: bytes, live: bool = True) -> tuple[list[Shown], float]:
        """Return what is written of some audio, and when it had ended.

        Args:
            *sounds: The audio.
            live: Whether it comes as it is spoken; else at once.
        """
        give, take = trio.open_memory_channel[bytes](0)
        out, written = trio.open_memory_channel[Transcript](0)
        begin, ended_at, shown = trio.current_time(), [0.0], list[Shown]()

        async def speak() -> None:
            async with give:
                pcm, size = b"".join(sounds), round(PIECE_S * FORMAT.rate) * 2
                for number, at in enumerate(range(0, len(pcm), size), 1):
                    if live:
                        await trio.sleep_until(begin + number * PIECE_S)
                    await give.send(pcm[at : at + size])
            ended_at[0] = trio.current_time() - begin

        async def read() -> None:
            async for each in written:
                shown.append(Shown(trio.current_time() - begin, each.text, each.is_final))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(speak)
            nursery.start_soon(read)
            async with out:
                await self.transcribe(take, out)
        return shown, ended_at[0]

    async def transcribe(self, audio: trio.abc.ReceiveChannel[bytes], out: trio.abc.SendChannel[Transcript]) -> None:
        """Be a stage."""
        await recognise(audio, out, self.detector, self.desk, self.cuts, self.hint)


def finals(shown: Sequence[Shown]) -> list[str]:
    """Return the settled texts."""
    return [each.text for each in shown if each.is_final]
