from __future__ import annotations

from array import array

import numpy as np
import pytest

from voxint.core.audio import check_audio, is_wav


def test_pcm_comes_as_bytes() -> None:
    """Whatever holds it; a piece of a stream may end in the middle of a sample."""
    assert check_audio(bytearray(b"\1\2"), "audio") == b"\1\2"
    assert check_audio(memoryview(array("h", [1])).cast("B"), "audio") == b"\1\0"
    assert check_audio(b"RIF", "audio") == b"RIF"


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (b"RIFF\x2c\0\0\0WAVEfmt ", "audio is a WAV file: give its samples alone, as wave.open(...).readframes"),
        ("sound", "audio must be bytes, a bytearray or a memoryview, not a str: PCM, 16 bits a sample"),
        (
            np.zeros(2, np.int16),
            "audio must be bytes, a bytearray or a memoryview, not an ndarray: give its bytes, audio.t",
        ),
        (
            array("h", [1]),
            "audio must be bytes, a bytearray or a memoryview, not an array: give its bytes, audio.tobytes(",
        ),
    ],
)
def test_what_would_be_heard_as_noise_is_refused(wrong: object, sentence: str) -> None:
    """A file's header, and what holds no samples as they go over a wire."""
    with pytest.raises((TypeError, ValueError)) as raised:
        check_audio(wrong, "audio")
    assert str(raised.value).startswith(sentence)


def test_only_a_whole_header_is_one() -> None:
    """Other containers begin with RIFF too, and so may samples."""
    assert is_wav(b"RIFF\0\0\0\0WAVE")
    assert not is_wav(b"RIFF\0\0\0\0AVI ")
