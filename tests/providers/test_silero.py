"""The voice detector, with its model: what it calls speech, and that streams know nothing of each other."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.needs import needs_silero
from tests.providers.recordings import noises, readings
from voxint.core.voice_activity import Activity, SpeechEnded, VoiceCuts, VoiceDetector, VoiceEvent
from voxint.errors import ConfigError
from voxint.providers.silero import Silero

pytestmark = needs_silero


async def test_it_is_a_detector() -> None:
    """At 16 kHz, in windows of 32 ms."""
    async with Silero() as detector:
        assert isinstance(detector, VoiceDetector)
        assert detector.audio_format.rate == 16_000
        assert detector.audio_format.ms(detector.window_samples) == 32


async def test_it_knows_speech() -> None:
    """Each sentence of a reader is one stretch of speech, and its ends lie near those of the sound."""
    async with Silero() as detector:
        for pcm, _ in readings():
            activity, stream = Activity(VoiceCuts(), detector.audio_format, detector.window_samples), detector.open()
            happened = list[VoiceEvent]()
            for probability in stream.feed(pcm):
                activity, events = activity.heard(probability)
                happened += events
            ended = [event for event in (*happened, *activity.ended()[1]) if isinstance(event, SpeechEnded)]
            loud = np.flatnonzero(np.abs(np.frombuffer(pcm, "<i2").astype(int)) > 1500)
            assert len(ended) == 1
            assert ended[0].start <= loud[0] <= ended[0].start + 16_000 // 2
            assert ended[0].at >= loud[-1] - 1600


async def test_it_knows_what_is_none() -> None:
    """In silence, noise and tones no window is speech."""
    async with Silero() as detector:
        for name, pcm in noises().items():
            assert max(detector.open().feed(pcm)) < 0.5, name


async def test_pieces_do_not_matter() -> None:
    """Bytes of any number give the same as all at once, and a stream that is used beside it changes nothing."""
    pcm, _ = readings()[1]
    async with Silero() as detector:
        whole = detector.open().feed(pcm)
        one, other, one_heard = detector.open(), detector.open(), list[float]()
        sizes = [2, 1000, 1024, 1026, 6000]
        at = 0
        while at < len(pcm):
            size = sizes[at % len(sizes)]
            one_heard += one.feed(pcm[at : at + size])
            other.feed(pcm[-size:])
            at += size
        assert one_heard == whole
        assert len(whole) == len(pcm) // 1024


async def test_it_is_entered_and_closed() -> None:
    """Outside of `async with` it opens no stream, and a closed stream is fed no more; closing twice is no error."""
    with pytest.raises(RuntimeError, match="enter it first"):
        Silero().open()
    async with Silero() as detector:
        stream = detector.open()
        stream.close()
        stream.close()
        with pytest.raises(RuntimeError, match="closed"):
            stream.feed(bytes(1024))


async def test_check() -> None:
    """It tells how long a window takes."""
    assert "for a window of 32 ms" in await Silero().check()


async def test_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the extra that brings it."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="extra `speech`"):
        async with Silero():
            raise AssertionError("it was entered")


async def test_with_a_runtime_that_cant_be_loaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One that is installed and lacks a library of the system says which."""
    (tmp_path / "onnxruntime.py").write_text("raise ImportError('libgomp.so.1: cannot open shared object file')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "onnxruntime", raising=False)
    with pytest.raises(ConfigError, match=r"onnxruntime can't be loaded \(libgomp\.so\.1: cannot open"):
        async with Silero():
            raise AssertionError("it was entered")
