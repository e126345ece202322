"""The sound of an open microphone: pieces of any size, its own clock, what is kept, and a detector gone wrong."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.ears.detectors import DETECTORS, WINDOW, Scripted, ScriptedStream
from voxint.core.audio import AudioFormat
from voxint.core.ears.sound import DEAF_S, MicrophoneSound, SoundWindow
from voxint.core.level import QUIETEST_DB, level_db
from voxint.errors import UpstreamError


def sound(samples: int, seed: int = 1) -> bytes:
    """Return noise."""
    return np.random.default_rng(seed).integers(-9000, 9000, samples).astype("<i2").tobytes()


def cut(pcm: bytes, sizes: Iterable[int]) -> list[bytes]:
    """Return the sound in pieces of these sizes, over and over."""
    pieces, at = list[bytes](), 0
    for size in itertools.cycle(sizes):
        if at >= len(pcm):
            return pieces
        pieces.append(pcm[at : at + size])
        at += size
    raise AssertionError("no sizes")


def fed(microphone: MicrophoneSound, pieces: Iterable[bytes]) -> list[SoundWindow]:
    """Return all windows of the pieces."""
    return [window for piece in pieces for window in microphone.feed(piece)]


RATES = (8_000, 16_000, 22_050, 44_100, 48_000)


@pytest.mark.parametrize("rate", RATES)
@given(sizes=st.lists(st.integers(1, 9_000), min_size=1, max_size=8))
def test_pieces_do_not_matter(rate: int, sizes: list[int]) -> None:
    """However a sound is cut, in the middle of samples too, the windows and what is kept are the same to the bit."""
    pcm = sound(rate // 2)
    whole, pieced = (MicrophoneSound(Scripted(), AudioFormat(rate), kept_ms=200) for _ in range(2))
    assert fed(pieced, cut(pcm, sizes)) == whole.feed(pcm)
    assert pieced.position == whole.position
    assert pieced.since(0) == whole.since(0)


def test_windows_follow_each_other_and_tell_the_level() -> None:
    """Each begins where the one before has ended; its level is that of its samples."""
    pcm = bytes(2 * WINDOW) + sound(3 * WINDOW)
    microphone = MicrophoneSound(Scripted(), DETECTORS, kept_ms=1_000)
    windows = fed(microphone, cut(pcm, [86]))
    assert [(each.start, each.end) for each in windows] == [(at, at + WINDOW) for at in range(0, 4 * WINDOW, WINDOW)]
    assert windows[0].level_db == QUIETEST_DB
    assert windows[1].level_db == level_db(pcm[2 * WINDOW : 4 * WINDOW]) > -20
    assert [each.probability for each in windows[:1]] == [1 / 256]


def test_a_window_is_heard_with_the_frame_that_completes_it() -> None:
    """Not later, where nothing is resampled; a frame that completes none gives none."""
    microphone = MicrophoneSound(Scripted(), DETECTORS, kept_ms=1_000)
    assert microphone.feed(sound(WINDOW)[:-1]) == []
    assert microphone.position == 0
    assert len(microphone.feed(b"\0")) == 1
    assert microphone.position == WINDOW


@pytest.mark.parametrize("rate", RATES)
def test_what_was_said_is_there(rate: int) -> None:
    """From a sample on, up to now, and no further back than what is kept; sound that was not yet, is nothing."""
    kept = MicrophoneSound(Scripted(), AudioFormat(rate), kept_ms=100)
    all_of_it = MicrophoneSound(Scripted(), AudioFormat(rate), kept_ms=10_000)
    for piece in cut(sound(rate), [86]):
        kept.feed(piece)
        all_of_it.feed(piece)
    whole = all_of_it.since(0)
    now = kept.position
    assert len(whole) == 2 * now
    assert kept.since(now - 700) == whole[2 * (now - 700) :]
    assert kept.since(0) == kept.since(-5) == whole[-DETECTORS.bytes(100) :]
    assert kept.since(now) == kept.since(now + 9) == b""


def test_memory_is_bounded() -> None:
    """Ten minutes in one piece leave what is to be kept."""
    microphone = MicrophoneSound(Scripted(lambda pcm: [0.0]), DETECTORS, kept_ms=500)
    microphone.feed(bytes(DETECTORS.bytes(600_000)))
    assert len(microphone.since(0)) == DETECTORS.bytes(500)


def test_closed() -> None:
    """The detector's stream is closed once, nothing is kept, and what still comes is dropped."""
    detector = Scripted()
    microphone = MicrophoneSound(detector, DETECTORS, kept_ms=500)
    microphone.feed(sound(WINDOW))
    microphone.close()
    microphone.close()
    assert microphone.feed(sound(9 * WINDOW)) == []
    assert microphone.since(0) == b""
    assert [stream.closed for stream in detector.streams] == [1]


def broken(pcm: bytes) -> object:
    """Raise what a provider's bug raises, with words that nobody may see."""
    raise KeyError("what somebody said")


NONSENSE: list[tuple[Callable[[bytes], object], str]] = [
    (broken, "raised KeyError from `feed` at tests/core/ears/test_sound.py:"),
    (lambda pcm: [], "returned 0 probabilities for one window of 512 samples"),
    (lambda pcm: [0.5, 0.5], "returned 2 probabilities for one window of 512 samples"),
    (lambda pcm: None, "returned None from `feed`: return a list of probabilities"),
    (lambda pcm: [float("nan")], "returned nan as a probability: return a number from 0 to 1"),
    (lambda pcm: [7], "returned 7 as a probability: return a number from 0 to 1"),
    (lambda pcm: ["0.5"], "returned a str as a probability: return a number from 0 to 1"),
]


@pytest.mark.parametrize(("says", "told"), NONSENSE)
def test_a_detector_that_breaks_its_word_is_told_once(says: Callable[[bytes], object], told: str) -> None:
    """With the place and no word of the provider's; its windows are quiet, and no sound is lost meanwhile."""
    detector = Scripted(says)
    microphone = MicrophoneSound(detector, DETECTORS, kept_ms=60_000)
    (window,) = microphone.feed(sound(WINDOW))
    assert window.probability == 0
    with pytest.raises(UpstreamError) as raised:
        microphone.feed(sound(WINDOW))
    assert not raised.value.retryable
    assert "Scripted" not in raised.value.message
    assert raised.value.operator_detail.startswith(f"the voice detector Scripted {told}")
    assert "what somebody said" not in str(raised.value)
    windows = microphone.feed(sound(int(60 / 0.032) * WINDOW))  # told once, however long it fails
    assert [each.start for each in windows[:2]] == [WINDOW, 2 * WINDOW]
    assert {each.probability for each in windows} == {0.0}
    assert microphone.position == windows[-1].end
    assert len(detector.streams) == 60 // (DEAF_S + 0.032) + 1
    assert [stream.closed for stream in detector.streams] == [1] * len(detector.streams)


def test_a_detector_that_failed_once_hears_again() -> None:
    """After five seconds of sound a new stream hears what comes; a failure after that is told again."""
    fails = iter([True, False, True])
    detector = Scripted(lambda pcm: broken(pcm) if next(fails) else [0.9])
    microphone = MicrophoneSound(detector, DETECTORS, kept_ms=100)
    quiet = -(-DEAF_S * 16_000 // WINDOW)
    windows = microphone.feed(sound(int(quiet + 2) * WINDOW))
    assert [each.probability for each in windows] == [0.0] * (int(quiet) + 1) + [0.9]
    with pytest.raises(UpstreamError):
        microphone.feed(sound(WINDOW))
    assert [each.probability for each in microphone.feed(sound(WINDOW))] == [0.0, 0.0]
    with pytest.raises(UpstreamError):
        microphone.feed(sound(WINDOW))


def test_a_detector_that_opens_or_closes_no_stream() -> None:
    """Both are told in the same words, and what was closed is closed."""

    class Shut(Scripted):
        def open(self) -> ScriptedStream:
            raise OSError("no device")

    with pytest.raises(UpstreamError, match=r"the voice detector Shut raised OSError from `open` at tests/core/ears"):
        MicrophoneSound(Shut(), DETECTORS, kept_ms=100)

    class Stuck(ScriptedStream):
        def close(self) -> None:
            raise OSError("no device")

    class Sticking(Scripted):
        def open(self) -> ScriptedStream:
            return Stuck(self)

    microphone = MicrophoneSound(Sticking(), DETECTORS, kept_ms=100)
    with pytest.raises(UpstreamError, match="the voice detector Sticking raised OSError from `close`"):
        microphone.close()
    microphone.close()
    assert microphone.feed(sound(WINDOW)) == []
