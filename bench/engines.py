"""One engine, measured by its stage's interface: what it understands or says, how fast, and what memory that takes."""

from __future__ import annotations

import math
import sys
from array import array
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from statistics import median
from typing import TypeVar

import psutil
import trio
from attrs import define, field, frozen

from bench.recordings import Recording
from bench.wer import Score, score
from voxint.background import open_background
from voxint.core.audio import AudioFormat
from voxint.core.stages import Speech, SpeechToText, TextToSpeech, Transcript
from voxint.core.transcript import join_transcripts
from voxint.core.turns import LANE
from voxint.errors import UpstreamError

__all__ = ["Ears", "Memory", "Times", "Voice", "hear", "speak", "watched_memory"]

PIECE_MS = 20.0
"""Of audio that is handed to a recogniser at once: what the pipeline hands it."""

AUDIBLE = 0.1
"""Of the loudest sample of a recording, from which on its voice has begun; ours: breath and room are below."""

LOOK_S = 0.25
"""Between two looks at the memory; ours: models are loaded once and stay."""

MIB = 2**20

T = TypeVar("T")


@frozen
class Times:
    """How long something took, in milliseconds.

    Args:
        p50: The median.
        worst: The longest.
        count: Of how many.
    """

    p50: float
    worst: float
    count: int

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Times | None:
        """Return the times of these; None where there are none."""
        if not seconds:
            return None
        return cls(round(median(seconds) * 1000, 1), round(max(seconds) * 1000, 1), len(seconds))


@frozen
class Ears:
    """What was measured of a recogniser. By the number of callers where they talk at once.

    Args:
        scores: What was understood wrongly, by group of recordings.
        real_time: Seconds to recognise one second, one recording after the other, each handed over as a whole.
        first_partial: From the first audible sample to the first words, spoken in real time; None: it writes none.
        final: From the end of the recording to the last words.
        failed: Recordings that ended in an error of the engine's.
        memory_mib: The most that this process and its children took beyond what they did without the engine.
    """

    scores: dict[str, Score]
    real_time: float
    first_partial: dict[int, Times | None]
    final: dict[int, Times | None]
    failed: int
    memory_mib: float


@frozen
class Voice:
    """What was measured of a synthesizer, by the number of callers who want to hear something at once.

    Args:
        real_time: Seconds until all was spoken, for one second of all callers' speech.
        first_audio: From the text to the first sound.
        failed: Texts that ended in an error of the engine's.
        memory_mib: As of `Ears`.
    """

    real_time: dict[int, float]
    first_audio: dict[int, Times | None]
    failed: int
    memory_mib: float


@frozen
class _Heard:
    """What one recording gave; times in seconds.

    Args:
        text: The words.
        first_partial: From the first audible sample to the first words; None: none came before the end.
        final: From the end of the recording to the last words.
    """

    text: str
    first_partial: float | None
    final: float


@define
class Memory:
    """The memory of this process and its children, in MiB.

    Attributes:
        before: At the beginning.
        most: The most that was seen since.
    """

    before: float = field(init=False)
    most: float = 0.0

    def __attrs_post_init__(self) -> None:
        self.before = _resident()

    def look(self) -> None:
        """Look now."""
        self.most = max(self.most, _resident())

    @property
    def grown(self) -> float:
        """What it has grown by at most, until now."""
        self.look()
        return round(max(0.0, self.most - self.before), 1)


@asynccontextmanager
async def watched_memory() -> AsyncIterator[Memory]:
    """Look at the memory while the block runs."""
    memory = Memory()

    async def watch() -> None:
        while True:
            memory.look()
            await trio.sleep(LOOK_S)

    async with open_background() as nursery:
        nursery.start_soon(watch)
        yield memory
        nursery.cancel_scope.cancel()


async def hear(
    stage: SpeechToText,
    recordings: Sequence[Recording],
    timed: Sequence[Recording],
    callers: Sequence[int],
    memory: Memory,
) -> Ears:
    """Measure a recogniser.

    Args:
        stage: It, entered where it is a context manager.
        recordings: What it is to understand, as fast as it can.
        timed: What is spoken to it in real time, by each caller in another order.
        callers: How many talk at once, one number after the other.
        memory: What is looked at meanwhile.
    """
    scores, failed, took = dict[str, Score](), 0, 0.0
    for recording in recordings:
        began = trio.current_time()
        heard = await _unless_failed(partial(_hear, stage, recording, real_time=False))
        took += trio.current_time() - began
        failed += heard is None
        wrong = score(recording.text, "" if heard is None else heard.text)
        scores[recording.group] = scores.get(recording.group, Score()) + wrong
    partials, finals = dict[int, Times | None](), dict[int, Times | None]()
    for count in callers:
        all_heard = await _at_once(count, [partial(_hear, stage, each, real_time=True) for each in timed])
        done = [heard for heard in all_heard if heard is not None]
        failed += len(all_heard) - len(done)
        partials[count] = Times.of([heard.first_partial for heard in done if heard.first_partial is not None])
        finals[count] = Times.of([heard.final for heard in done])
    seconds = sum(recording.seconds for recording in recordings)
    return Ears(scores, round(took / seconds, 3), partials, finals, failed, memory.grown)


async def speak(stage: TextToSpeech, texts: Sequence[str], callers: Sequence[int], memory: Memory) -> Voice:
    """Measure a synthesizer.

    Args:
        stage: It, entered where it is a context manager.
        texts: What each caller wants to hear, one after the other; each in another order.
        callers: How many want to hear something at once, one number after the other.
        memory: What is looked at meanwhile.
    """
    real_time, first, failed = dict[int, float](), dict[int, Times | None](), 0
    for count in callers:
        began = trio.current_time()
        all_spoken = await _at_once(count, [partial(_speak, stage, text) for text in texts])
        took = trio.current_time() - began
        done = [spoken for spoken in all_spoken if spoken is not None]
        failed += len(all_spoken) - len(done)
        seconds = sum(spoken.seconds for spoken in done)
        real_time[count] = round(took / seconds, 3) if seconds else 0.0
        first[count] = Times.of([spoken.first_audio for spoken in done])
    return Voice(real_time, first, failed, memory.grown)


async def _at_once(count: int, work: Sequence[Callable[[], Awaitable[T]]]) -> list[T | None]:
    """Have so many callers do all the work, each beginning elsewhere; return what came of it, None for a failure."""
    results: list[T | None] = []

    async def caller(number: int) -> None:
        LANE.set((f"caller {number}",))  # engines take turns by it
        begin = number * len(work) // count
        for one in (*work[begin:], *work[:begin]):
            results.append(await _unless_failed(one))

    async with trio.open_nursery() as nursery:
        for number in range(count):
            nursery.start_soon(caller, number)
    return results


async def _unless_failed(one: Callable[[], Awaitable[T]]) -> T | None:
    """Do it; None where the engine failed, which is counted."""
    result = None
    try:
        result = await one()
    except* UpstreamError:  # also out of a nursery of the engine's
        pass
    return result


async def _hear(stage: SpeechToText, recording: Recording, *, real_time: bool) -> _Heard:
    """Let a recogniser hear a recording; the voice waits for nobody."""
    audio, audio_format = recording.at(stage.audio_format), stage.audio_format
    voice, ears = trio.open_memory_channel[bytes](math.inf)
    written, words = trio.open_memory_channel[Transcript](0)
    began = trio.current_time()
    audible, ended = began + _audible_s(audio, audio_format), math.inf
    finals, first = list[str](), None

    async def talk() -> None:
        nonlocal ended
        piece = audio_format.bytes(PIECE_MS)
        with voice:
            for start in range(0, len(audio), piece):
                said = audio[start : start + piece]
                if real_time:  # a piece is there when its last sample has been said
                    await trio.sleep_until(began + audio_format.bytes_ms(start + len(said)) / 1000)
                await voice.send(said)
            ended = trio.current_time()

    async def transcribe() -> None:
        async with written:
            await stage.transcribe(ears, written)

    async with open_background() as nursery:
        nursery.start_soon(talk)
        nursery.start_soon(transcribe)
        async for transcript in words:
            if first is None and transcript.text and not transcript.is_final:
                first = trio.current_time() - audible
            if transcript.is_final:
                finals.append(transcript.text)
        final = max(0.0, trio.current_time() - ended)  # an engine may not wait for the end
    return _Heard(join_transcripts(finals), first, final)


@frozen
class _Spoken:
    """What one text gave, in seconds: how long to the first sound, and how long the speech is."""

    first_audio: float
    seconds: float


async def _speak(stage: TextToSpeech, text: str) -> _Spoken:
    """Let a synthesizer speak a text, which is there as a whole."""
    page, reader = trio.open_memory_channel[str](1)
    written, speech = trio.open_memory_channel[Speech](0)
    began, first, size = trio.current_time(), None, 0

    async def synthesize() -> None:
        async with written:
            await stage.synthesize(reader, written)

    async with open_background() as nursery:
        page.send_nowait(text)
        page.close()
        nursery.start_soon(synthesize)
        async for piece in speech:
            size += len(piece.audio)
            if first is None and piece.audio:
                first = trio.current_time() - began
    if first is None:
        raise UpstreamError("the synthesizer wrote no audio")
    return _Spoken(first, stage.audio_format.bytes_ms(size) / 1000)


def _audible_s(audio: bytes, audio_format: AudioFormat) -> float:
    """Return when a voice begins in its recording, in seconds."""
    samples = array("h", audio)
    if sys.byteorder == "big":
        samples.byteswap()
    loud = AUDIBLE * max(map(abs, samples), default=0)
    begin = next((place for place, sample in enumerate(samples) if abs(sample) >= loud), 0)
    return audio_format.ms(begin) / 1000


def _resident() -> float:
    """Return the resident memory of this process and its children, in MiB."""
    process = psutil.Process()
    total = process.memory_info().rss
    for child in process.children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it has ended meanwhile
            total += child.memory_info().rss
    return float(total / MIB)
