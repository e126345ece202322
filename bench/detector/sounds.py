"""What the detector is taught with and judged by: people who speak, and all that is no speech; the seed decides."""

from __future__ import annotations

import wave
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import soxr
from attrs import frozen
from numpy.typing import NDArray

from bench.bargein.noises import NOISES
from bench.recordings import LIBRIVOX, PROMPTS

__all__ = ["KINDS", "Mix", "alone", "mixed", "noise", "read", "recordings"]

RATE = 16_000
Sound: TypeAlias = NDArray[np.float64]
Chance: TypeAlias = np.random.Generator

LOUDNESS_DB = (-40.0, 0.0)
RATIOS_DB = (0, 5, 10, 15, 20, 30, 45, 60)
GAPS_S = (0.05, 0.3, 1.0, 2.5)


@frozen
class Mix:
    """A sound, and the speech in it without what disturbs it.

    Args:
        sound: What is heard.
        speech: What is said in it; None: nothing.
        ratio_db: How much louder the speech is than the noise; None: there is no speech.
    """

    sound: Sound
    speech: Sound | None = None
    ratio_db: int | None = None


def recordings() -> dict[str, list[Path]]:
    """Return the files of Debian's packages: "telephone" to learn from, "held" every seventh of them, and "read"."""
    prompts = [path for path in sorted(PROMPTS.rglob("*.wav")) if path.parent.name != "silence"]
    held = prompts[::7]
    return {
        "telephone": [path for path in prompts if path not in set(held)],
        "held": held,
        "read": sorted(LIBRIVOX.glob("*.wav")),
    }


def read(path: Path) -> Sound:
    """Return a file's first channel at 16 kHz, its loudest sample 0.7."""
    with wave.open(str(path)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())[:, 0]
        sound = np.asarray(soxr.resample(samples.astype(np.float64), file.getframerate(), RATE), np.float64)
    return sound * 0.7 / max(1.0, float(np.max(np.abs(sound), initial=0.0)))


def mixed(chance: Chance, paths: Sequence[Path], seconds: int) -> Mix:
    """Return recordings one behind the other, with pauses, in a noise, sometimes dulled, as loud as chance has it."""
    size = seconds * RATE
    parts: list[Sound] = []
    while sum(map(len, parts)) < size:
        gap = int(float(chance.choice(GAPS_S)) * chance.uniform(0.5, 1.5) * RATE)
        parts += [1e-5 * chance.standard_normal(gap), read(paths[int(chance.integers(len(paths)))])]
    speech = np.concatenate(parts)[:size]
    ratio = int(chance.choice(RATIOS_DB))
    level = float(np.sqrt(np.mean(speech[np.abs(speech) > 0.02] ** 2)))
    heard = speech + noise(chance, size) * level * 10 ** (-ratio / 20)
    muted = _muted(chance)
    heard[:muted] = speech[:muted] = 0
    if chance.random() < 0.3:
        heard = _dulled(heard, chance.uniform(2500, 6000))
    return Mix(heard * 10 ** (chance.uniform(*LOUDNESS_DB) / 20), speech, ratio)


def alone(chance: Chance, seconds: int, kind: str = "") -> Mix:
    """Return a noise that nobody speaks in, of a kind or of any, in a quiet room."""
    size = seconds * RATE
    sound = KINDS[kind](chance, size) if kind else noise(chance, size)
    loud = 10 ** (chance.uniform(-50, 0) / 20) / float(np.max(np.abs(sound)))
    heard = sound * loud + 1e-4 * chance.standard_normal(size)
    heard[: _muted(chance)] = 0
    return Mix(heard)


def noise(chance: Chance, size: int) -> Sound:
    """Return a noise of any kind whose root mean square is one."""
    return KINDS[str(chance.choice(list(KINDS)))](chance, size)


def _muted(chance: Chance) -> int:
    """Return how many samples are digital silence at first: a microphone that is muted, in a third of the sounds."""
    return int(chance.uniform(0.3, 3) * RATE) if chance.random() < 0.3 else 0


def _evened(sound: Sound) -> Sound:
    return sound / float(np.sqrt(np.mean(sound**2)) + 1e-9)


def _dulled(sound: Sound, hertz: float) -> Sound:
    spectrum = np.fft.rfft(sound) / (1 + (np.fft.rfftfreq(len(sound), 1 / RATE) / hertz) ** 4)
    return np.asarray(np.fft.irfft(spectrum, len(sound)))


def _hiss(slope: float) -> Callable[[Chance, int], Sound]:
    def made(chance: Chance, size: int) -> Sound:
        frequencies = np.maximum(np.fft.rfftfreq(size, 1 / RATE), 30)
        spectrum = np.fft.rfft(chance.standard_normal(size)) * frequencies ** (-slope / 2)
        return _evened(np.fft.irfft(spectrum, size))

    return made


def _hum(chance: Chance, size: int) -> Sound:
    seconds, base, fall = np.arange(size) / RATE, chance.choice([50, 60, 100, 120]), chance.uniform(0.5, 1.5)
    parts = [np.sin(2 * np.pi * base * n * seconds + chance.uniform(0, 6)) / n**fall for n in range(1, 9)]
    return _evened(np.sum(parts, axis=0))


def _tones(chance: Chance, size: int) -> Sound:
    sound, at = np.zeros(size), 0
    while at < size:
        count = min(size - at, int(chance.uniform(0.1, 2) * RATE))
        for _ in range(int(chance.integers(1, 5))):
            turns = 2 * np.pi * chance.uniform(100, 3000) * np.arange(count) / RATE
            sound[at : at + count] += chance.uniform(0.2, 1) * np.sin(turns)
        at += count + int(chance.uniform(0, 0.5) * RATE) * int(chance.integers(0, 2))
    return _evened(sound)


def _music(chance: Chance, size: int) -> Sound:
    sound, at = np.zeros(size), 0
    while at < size:
        count = min(size - at, int(float(chance.choice([0.15, 0.25, 0.5, 1.0])) * RATE))
        seconds = np.arange(count) / RATE
        shape = np.exp(-seconds / chance.uniform(0.1, 0.8)) * np.minimum(1, seconds * 100)
        for _ in range(int(chance.integers(1, 4))):
            note = 110 * 2 ** (int(chance.integers(0, 36)) / 12)
            for overtone in range(1, int(chance.integers(2, 8))):
                sound[at : at + count] += shape * np.sin(2 * np.pi * note * overtone * seconds) / overtone**1.2
        at += count
    return _evened(sound)


def _events(*names: str) -> Callable[[Chance, int], Sound]:
    def made(chance: Chance, size: int) -> Sound:
        sound, at = np.zeros(size), int(chance.uniform(0, 1) * RATE)
        while at < size:
            event = NOISES[str(chance.choice(names))](chance)[: size - at]
            sound[at : at + len(event)] += event * chance.uniform(0.3, 1)
            at += len(event) + int(chance.uniform(0.1, 1.5) * RATE)
        return _evened(sound)

    return made


KINDS: Mapping[str, Callable[[Chance, int], Sound]] = {
    "white": _hiss(0),
    "pink": _hiss(1),
    "brown": _hiss(2),
    "hum": _hum,
    "tones": _tones,
    "music": _music,
    "events": _events(*NOISES),
    "coughs": _events("cough"),
    "clicks": _events("keys", "clap", "knock"),
}
"""Of noise, by name."""
