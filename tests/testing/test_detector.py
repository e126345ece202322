from __future__ import annotations

from array import array

import pytest

from voxint.core.voice_activity import VoiceDetector, VoiceStream
from voxint.errors import UpstreamError
from voxint.testing.detector import ScriptedDetector

QUIET = bytes(2 * 512)
LOUD = array("h", [0] * 511 + [1000]).tobytes()


def test_loud_windows_are_speech() -> None:
    """One loud sample is enough; what completes no window is kept, for each stream by itself."""
    detector = ScriptedDetector()
    assert isinstance(detector, VoiceDetector)
    one: VoiceStream = detector.open()
    other: VoiceStream = detector.open()
    assert one.feed(QUIET + LOUD + QUIET) == [0.0, 1.0, 0.0]
    assert one.feed(LOUD[:1000]) == []
    assert other.feed(QUIET) == [0.0]
    assert one.feed(LOUD[1000:] + QUIET[:2]) == [1.0]
    one.close()
    assert (detector.opened, detector.closed) == (2, 1)


def test_how_loud_is_the_tests_choice() -> None:
    """Speech may be as quiet as a test needs it."""
    assert ScriptedDetector(loud=1001).open().feed(LOUD) == [0.0]


def test_a_broken_detector_fails() -> None:
    """As a provider does, until it is whole again."""
    detector = ScriptedDetector()
    stream = detector.open()
    detector.broken = True
    with pytest.raises(UpstreamError):
        stream.feed(LOUD)
    with pytest.raises(UpstreamError):
        detector.open()
    detector.broken = False
    assert stream.feed(LOUD) == [1.0]
