"""Voices of the machine, at the benchmark's rate: synthesised once, then read from a folder of the user's cache."""

from __future__ import annotations

import hashlib
import os
import wave
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import trio

from bench.bargein.line import RATE
from voxint.core.audio import AudioFormat
from voxint.core.resample import load_resampler, resampler
from voxint.core.stages import Speech
from voxint.providers.kokoro import Kokoro

__all__ = ["cache_folder", "synthesize"]

Line = tuple[str, str]
"""A voice, and what it says."""

LATER = 2
"""Counts up when the way changes in which these sounds are made, so that none made before is taken."""


def cache_folder() -> Path:
    """Return the folder where syntheses are kept."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "voxint" / "bench-voices"


async def synthesize(
    lines: Collection[Line], folder: Path, tell: Callable[[str], object] = lambda words: None
) -> Mapping[Line, bytes]:
    """Return each line's sound, s16le mono at `RATE`; make those that are not in `folder` yet.

    Args:
        lines: Voices of Kokoro's and what they say.
        folder: Where sounds are kept; made if it is not there.
        tell: Called with what is done next.

    Raises:
        ConfigError: Kokoro, or a voice, is not there; the text says what to do.
    """
    await trio.to_thread.run_sync(lambda: folder.mkdir(parents=True, exist_ok=True))
    wanted = {line: folder / _name(line) for line in lines}
    missing = [line for line, path in wanted.items() if not path.exists()]
    for voice in sorted({voice for voice, _ in missing}):
        await load_resampler()
        async with Kokoro(voice, seats=1) as kokoro:
            for line in [line for line in missing if line[0] == voice]:
                tell(f"{voice}: {line[1]}")
                _write(wanted[line], await _say(kokoro, line[1]))
    return {line: _read(path) for line, path in wanted.items()}


async def _say(kokoro: Kokoro, text: str) -> bytes:
    texts, words = trio.open_memory_channel[str](1)
    sound, speech = trio.open_memory_channel[Speech](16)
    pieces: list[bytes] = []

    async def speak() -> None:
        async with sound:
            await kokoro.synthesize(words, sound)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(speak)
        async with texts:
            await texts.send(text)
        async with speech:
            pieces.extend([each.audio async for each in speech])
    stream = resampler(kokoro.audio_format, AudioFormat(RATE))
    return stream.feed(b"".join(pieces)) + stream.flush()


def _name(line: Line) -> str:
    voice, text = line
    return f"{voice}-{hashlib.sha256(f'{LATER} {RATE} {voice} {text}'.encode()).hexdigest()[:16]}.wav"


def _write(path: Path, pcm: bytes) -> None:
    part = path.with_suffix(f".{os.getpid()}.part")
    with wave.open(str(part), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(pcm)
    part.replace(path)  # whole, or not at all: another run may look at the same moment


def _read(path: Path) -> bytes:
    with wave.open(str(path), "rb") as file:
        return file.readframes(file.getnframes())
