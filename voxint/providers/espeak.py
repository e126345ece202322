"""Speech by espeak-ng, in a process of its own: no network, no key, English and Mandarin and a hundred more.

espeak-ng is licensed under GPL-3.0. That process alone loads it, only when this provider is chosen; it comes with the
`speech` extra. It is C code that aborts its process on some words, and a crash costs the piece that it came in.
"""

from __future__ import annotations

import json
from contextlib import AsyncExitStack

import trio
import trio.abc
from attrs import frozen

from voxint.core.audio import AudioFormat
from voxint.core.stages import Speech, TextToSpeech, VoiceOption
from voxint.errors import ConfigError
from voxint.providers import _espeak_worker
from voxint.providers._espeak_job import SPEAK, Manner, Utterance, job_bytes, utterance_of
from voxint.providers._espeak_text import words
from voxint.providers._lost_texts import LostTexts, answer_or_crash, crashing
from voxint.providers._options import check_number
from voxint.providers._pool_owner import PoolOwner
from voxint.providers._written_text import language, segments
from voxint.workers.pool import WorkerPool, open_pool
from voxint.workers.process import WorkerKind

__all__ = ["Espeak"]

VOICE = "espeak option voice"

RATE = 22_050
"""The engine's own rate, in Hz; what its process says is compared with it."""

VOICES = {"en": "en", "zh": "cmn"}
"""Who speaks what where the voice is ``auto``."""

SEGMENT_CHARS = 160
"""What is synthesized in one go. Chosen here: 9 s of speech, 10 ms of work, so fifty callers take half a second."""

SEGMENT_CHINESE_CHARS = 40
"""The same in Mandarin, where a character is a syllable and lasts as long as four letters."""

MOST_VOICES = 200
"""Voices that callers can choose from. Ours: espeak-ng 1.52 has 130 languages, and a list has to end."""

WAIT_S = 10.0
"""Seconds a segment waits for its turn. Ours: fifty callers take half a second, a new process a fifth of one."""

WORKER = WorkerKind(
    name="espeak",
    noun="voice",
    script=_espeak_worker.__file__,
    packages=("espeakng_loader",),
    memory_mib=256,
    start_s=10.0,  # it takes 0.1 s on an idle machine
    answer_s=5,  # the slowest segment takes a quarter of a second
    abort_s=0.2,  # it takes a millisecond; a machine that is busy may make it wait for a core
    threads=True,  # the one that reads
    nice=5,  # it is far ahead of the listener, and the server is not
    remedy="run another server beside this one",
)
"""Its process, with our bounds."""


class Espeak(PoolOwner):
    """Speak with espeak-ng: `core.stages.TextToSpeech`, used as an async context manager.

    Entering starts the process; leaving kills it. The engine has one global state, so callers take turns, which go
    round the callers (`core.turns`): one who has much to say makes nobody else wait for it. A turn is one short segment
    synthesized into memory, never a wait for a listener. A cancelled caller leaves the queue at once; one that is being
    spoken has its segment aborted within about a millisecond, and the scope exits after that.

    A segment on which the process crashes, or hangs and is killed, is written without sound, with a warning in the log,
    and the answer goes on. As with a nursery, an error of the body leaves in a group.

    Args:
        voice: An espeak voice, such as ``en``, ``en-us`` or ``cmn``; ``auto`` takes ``cmn`` for text that is mostly
            Chinese and ``en`` for all other. A caller may choose another.
        rate_wpm: Words a minute, 80 to 450.
        pitch: 0 to 100.
        volume: 0 to 200; 100 is espeak's normal.

    Raises:
        ConfigError: An option has a bad value; on entering, espeak has no such voice, or the `speech` extra is not
            installed.
    """

    def __init__(self, voice: str = "auto", rate_wpm: int = 175, pitch: int = 50, volume: int = 100) -> None:
        super().__init__()
        self._rate_wpm = check_number("espeak option rate_wpm", rate_wpm, 80, 450)
        self._pitch = check_number("espeak option pitch", pitch, 0, 100)
        self._volume = check_number("espeak option volume", volume, 0, 200)
        if not isinstance(voice, str) or not voice.isprintable():
            raise ConfigError(VOICE, "write the name of a voice, such as auto, en or cmn")
        self._voice = voice
        self._audio_format = AudioFormat(RATE)
        self._version = ""
        self._voices: dict[str, VoiceOption] = {}

    async def _open(self, stack: AsyncExitStack) -> WorkerPool:
        voices = ("cmn", "en") if self._voice == "auto" else (self._voice,)
        pool = await stack.enter_async_context(open_pool(WORKER, voices))
        self._version = self._judge(pool.ready)
        return pool

    @property
    def voices(self) -> tuple[VoiceOption, ...]:
        """Those that the engine's data has, for a language or an accent each; none before it is entered."""
        return tuple(self._voices.values())

    def speaking_as(self, voice: str) -> TextToSpeech:
        """Return who speaks with that voice alone, in the same process; it is one of `voices`."""
        return _EspeakVoice(self, self._voices[voice].name)

    @property
    def audio_format(self) -> AudioFormat:
        """The engine's own rate, 22,050 Hz."""
        return self._audio_format

    async def synthesize(self, text: trio.abc.ReceiveChannel[str], out: trio.abc.SendChannel[Speech]) -> None:
        """Speak each piece of `text` word by word, in order; what has nothing to say gives one empty Speech.

        Cancellation discards the segment in the making; the process has let go of it, or is dead, when this raises
        `trio.Cancelled`.

        Raises:
            UpstreamError: espeak refused a text, crashed three times in a row, or can't be started any more.
        """
        await self._synthesize(self._voice, text, out)

    async def _synthesize(
        self, wanted: str, text: trio.abc.ReceiveChannel[str], out: trio.abc.SendChannel[Speech]
    ) -> None:
        pool = self._entered()
        voice, lost = "en" if wanted == "auto" else wanted, LostTexts("espeak")
        async for piece in text:
            if wanted == "auto" and (found := language(piece)) is not None:
                voice = VOICES[found]
            for segment in segments(piece, SEGMENT_CHINESE_CHARS if voice == "cmn" else SEGMENT_CHARS):
                if not segment.spoken:
                    await out.send(Speech(b"", segment.written))
                elif (utterance := await self._speak(pool, segment.spoken, voice)) is not None:
                    lost.spoken()
                    for word in words(segment, utterance, self._audio_format):
                        await out.send(word)
                else:
                    lost.lose(len(segment.written))
                    await out.send(Speech(b"", segment.written))

    async def _try_out(self) -> str:
        """Speak one word."""
        begin = trio.current_time()
        spoken = await self._speak(self._entered(), "Hello.", "en" if self._voice == "auto" else self._voice)
        if spoken is None:
            raise crashing("espeak")
        took_ms = (trio.current_time() - begin) * 1000
        speech_ms = self._audio_format.bytes_ms(len(spoken.audio))
        return f"espeak-ng {self._version} spoke {speech_ms:.0f} ms of speech in {took_ms:.0f} ms"

    def _judge(self, ready: bytes) -> str:
        """Return the engine's version, where what it says of itself is what is needed here."""
        facts = json.loads(ready)
        for name in facts["lacking"]:
            raise ConfigError(VOICE, f"espeak has no voice {name}: write auto, or one that it has, such as en or cmn")
        if facts["rate"] != RATE:
            wanted = f"its library speaks at {facts['rate']} Hz, not {RATE}: install the package espeakng-loader again"
            raise ConfigError("espeak", wanted)
        found = sorted(facts["voices"].items())[:MOST_VOICES]
        self._voices = {name: VoiceOption(name, _language_of(code)) for name, code in found}
        version: str = facts["version"]
        return version

    async def _speak(self, pool: WorkerPool, text: str, voice: str) -> Utterance | None:
        """Synthesize one segment in its turn; None where the process crashed on it, or was killed since it hung."""
        job = job_bytes(text, Manner(voice, self._rate_wpm, self._pitch, self._volume))
        async with pool.worker(WAIT_S) as worker:
            answer = await answer_or_crash(worker, SPEAK, job)
        return None if answer is None else utterance_of(answer)


@frozen(eq=False)
class _EspeakVoice:
    """One of espeak's voices, for the callers that have chosen it: `core.stages.TextToSpeech`."""

    espeak: Espeak
    voice: str

    @property
    def audio_format(self) -> AudioFormat:
        return self.espeak.audio_format

    async def synthesize(self, text: trio.abc.ReceiveChannel[str], out: trio.abc.SendChannel[Speech]) -> None:
        await self.espeak._synthesize(self.voice, text, out)


def _language_of(code: str) -> str:
    """Return the primary tag of espeak's code of a language: Mandarin is known as Chinese."""
    primary = code.partition("-")[0]
    return "zh" if primary == "cmn" else primary
