"""Speech by espeak-ng, in the server's own process: no network, no key, English and Mandarin and a hundred more.

espeak-ng is licensed under GPL-3.0. It is loaded only when this provider is chosen, and comes with the `speech` extra.
"""

from __future__ import annotations

import functools
import re
import time

import trio
import trio.abc

from voxint.core.audio import AudioFormat
from voxint.core.stages import Speech
from voxint.core.turns import Shared
from voxint.errors import ConfigError
from voxint.providers._espeak_library import EspeakLibrary, Manner, Utterance, load
from voxint.providers._espeak_text import CHINESE, segments, words

__all__ = ["Espeak"]

SEGMENT_CHARS = 160
"""What is synthesized in one go. Chosen here: 9 s of speech, 10 ms of work, so fifty callers take half a second."""

SEGMENT_CHINESE_CHARS = 40
"""The same in Mandarin, where a character is a syllable and lasts as long as four letters."""

_engines: trio.lowlevel.RunVar[Shared[trio.CapacityLimiter]] = trio.lowlevel.RunVar("espeak engine")


class Espeak:
    """Speak with espeak-ng: `core.stages.TextToSpeech`.

    The library has one global state, so the process's callers take turns, which go round the callers (`core.turns`):
    one who has much to say makes nobody else wait for it. A turn is one short segment synthesized into memory, never a
    wait for a listener. A cancelled caller leaves the queue at once;
    one that is being spoken stops its thread within about a millisecond, and the scope exits after that.

    Args:
        voice: An espeak voice, such as ``en``, ``en-us`` or ``cmn``; ``auto`` takes ``cmn`` for text that is mostly
            Chinese and ``en`` for all other.
        rate_wpm: Words a minute, 80 to 450.
        pitch: 0 to 100.
        volume: 0 to 200; 100 is espeak's normal.

    Raises:
        ConfigError: An option has a bad value, or the `speech` extra is not installed.
    """

    def __init__(self, voice: str = "auto", rate_wpm: int = 175, pitch: int = 50, volume: int = 100) -> None:
        self._rate_wpm = _whole_number("rate_wpm", rate_wpm, 80, 450)
        self._pitch = _whole_number("pitch", pitch, 0, 100)
        self._volume = _whole_number("volume", volume, 0, 200)
        if not isinstance(voice, str) or not voice.isprintable():
            raise ConfigError("espeak option voice", "write the name of a voice, such as auto, en or cmn")
        self._engine: EspeakLibrary = load()
        for name in ("cmn", "en") if voice == "auto" else (voice,):
            if not self._engine.has_voice(name):
                raise ConfigError(
                    "espeak option voice",
                    f"espeak has no voice {name}: write auto, or one that it has, such as en or cmn",
                )
        self._voice = voice
        self._audio_format = AudioFormat(self._engine.rate)

    @property
    def audio_format(self) -> AudioFormat:
        """The engine's own rate, 22,050 Hz."""
        return self._audio_format

    async def synthesize(self, text: trio.abc.ReceiveChannel[str], out: trio.abc.SendChannel[Speech]) -> None:
        """Speak each piece of `text` word by word, in order; what has nothing to say gives one empty Speech.

        Cancellation discards the segment in the making; the thread has stopped when this raises `trio.Cancelled`.

        Raises:
            UpstreamError: espeak failed.
        """
        voice = "en"
        async for piece in text:
            voice = self._voice if self._voice != "auto" else _language(piece) or voice
            for segment in segments(piece, SEGMENT_CHINESE_CHARS if voice == "cmn" else SEGMENT_CHARS):
                if segment.spoken:
                    for word in words(segment, await self._speak(segment.spoken, voice), self._audio_format):
                        await out.send(word)
                else:
                    await out.send(Speech(b"", segment.written))

    async def check(self) -> str:
        """Speak one word and say how that went.

        Raises:
            UpstreamError: espeak failed.
        """
        begin = time.perf_counter()
        spoken = await self._speak("Hello.", "en" if self._voice == "auto" else self._voice)
        took_ms = (time.perf_counter() - begin) * 1000
        speech_ms = self._audio_format.bytes_ms(len(spoken.audio))
        return f"espeak-ng {self._engine.version} spoke {speech_ms:.0f} ms of speech in {took_ms:.0f} ms"

    async def _speak(self, text: str, voice: str) -> Utterance:
        """Synthesize one segment in a thread, in its turn."""
        speak = functools.partial(
            self._engine.speak,
            text,
            Manner(voice, self._rate_wpm, self._pitch, self._volume),
            _cancelled,
        )
        async with _engine().turn() as limiter:
            return await trio.to_thread.run_sync(speak, limiter=limiter)


def _language(text: str) -> str | None:
    """The voice for most of `text`, a Chinese character weighing as much as another's word; None without either."""
    chinese, other = len(_HAN.findall(text)), len(_WORD.findall(text))
    if not chinese and not other:
        return None
    return "cmn" if chinese > other else "en"


_HAN = re.compile(f"[{CHINESE}]")
_WORD = re.compile(rf"[^\W\d_{CHINESE}]+")


def _cancelled() -> bool:
    """Whether the caller of this thread was cancelled; trio raises Cancelled there once the thread has returned."""
    try:
        trio.from_thread.check_cancelled()
    except trio.Cancelled:
        return True
    return False


def _engine() -> Shared[trio.CapacityLimiter]:
    """The right to use the engine: one, of whoever has the limiter of its one thread."""
    try:
        return _engines.get()
    except LookupError:
        engine = Shared(trio.CapacityLimiter(1))
        _engines.set(engine)
        return engine


def _whole_number(option: str, value: object, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        given = f", not {value}" if isinstance(value, int | float) else ""  # a text is not shown: it may be a secret
        raise ConfigError(f"espeak option {option}", f"write a whole number from {low} to {high}{given}")
    return value
