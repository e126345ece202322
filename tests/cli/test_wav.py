from __future__ import annotations

import math
import struct
import wave
from pathlib import Path

import numpy as np
import pytest

from voxint.cli.wav import WavWriter, read_wav
from voxint.errors import ConfigError


def write(path: Path, rate: int, channels: int, width: int, seconds: float = 0.5) -> None:
    """Write a tone of 440 Hz at half of full scale; on a second channel, silence."""
    frames = bytearray()
    for n in range(int(rate * seconds)):
        value = 0.5 * math.sin(2 * math.pi * 440 * n / rate)
        for level in (value, 0.0)[:channels]:
            if width == 1:
                frames += struct.pack("B", round(level * 127) + 128)
            else:
                full = (1 << (8 * width - 1)) - 1
                frames += round(level * full).to_bytes(width, "little", signed=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(bytes(frames))


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (16_000, 1), (44_100, 2), (48_000, 1)])
def test_any_rate_channels_and_width_become_16_bit_mono(tmp_path: Path, rate: int, channels: int, width: int) -> None:
    """The tone keeps its length, pitch and level; channels are averaged."""
    path = tmp_path / "tone.wav"
    write(path, rate, channels, width)
    samples = np.frombuffer(read_wav(path, 16_000), "<i2").astype(float) / 32768
    assert abs(len(samples) - 8000) <= 1
    middle = samples[2000:6000]
    assert np.abs(np.fft.rfft(middle)).argmax() == 110  # 440 Hz in steps of 4 Hz
    assert np.sqrt(2 * np.mean(middle**2)) == pytest.approx(0.5 / channels, rel=0.03)


def test_what_is_written_can_be_read(tmp_path: Path) -> None:
    """Sample for sample."""
    path = tmp_path / "out.wav"
    audio = struct.pack("<4h", 0, 1000, -1000, 32767)
    writer = WavWriter(path, 24_000)
    writer.write(audio[:4])
    writer.write(audio[4:])
    writer.close()
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (24_000, 1, 2)
        assert file.readframes(10) == audio


@pytest.mark.parametrize(("content", "expected"), [
    (b"", "cut short"),
    (b"ID3\x03 and so on, not a RIFF file", "PCM"),
    (b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x80>\x00\x00\x00}\x00\x00\x02\x00\x10\x00"
     b"data\x00\x00\x00\x00", "empty"),
])  # fmt: skip
def test_a_file_that_is_no_sound_is_told_with_its_name(tmp_path: Path, content: bytes, expected: str) -> None:
    """Cut short, of another kind, or empty."""
    path = tmp_path / "bad.wav"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=rf"bad\.wav: .*{expected}"):
        read_wav(path, 16_000)


def test_a_file_that_is_not_there_or_cannot_be_written_is_told(tmp_path: Path) -> None:
    """With the system's own words."""
    with pytest.raises(ConfigError, match="No such file"):
        read_wav(tmp_path / "none.wav", 16_000)
    with pytest.raises(ConfigError, match="can be written"):
        WavWriter(tmp_path / "none" / "out.wav", 16_000)
