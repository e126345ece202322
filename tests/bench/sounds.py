"""Recordings of nobody, for tests of the bench."""

from __future__ import annotations

import wave
from pathlib import Path

from bench.recordings import Recording
from voxint.core.audio import AudioFormat

__all__ = ["SILENT_S", "recorded", "save_wav"]

SILENT_S = 0.25
"""Of each recording, before its voice begins."""


def recorded(text: str, seconds: float = 2.0, rate: int = 16_000, group: str = "read aloud") -> Recording:
    """Return a recording that is loud from `SILENT_S` on."""
    silent, samples = int(SILENT_S * rate), int(seconds * rate)
    return Recording(text, group, text, bytes(2 * silent) + b"\x00\x20" * (samples - silent), AudioFormat(rate))


def save_wav(path: Path, audio: bytes, rate: int = 16_000, channels: int = 1) -> None:
    """Write a WAV file of 16 bits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(audio)
