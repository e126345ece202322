from __future__ import annotations

import math
import os
import struct
import sys
import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from voxint.cli import sound
from voxint.cli.sound import WavWriter, names_sound, read_sound
from voxint.errors import ConfigError

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
GUID = bytes.fromhex("000000001000800000aa00389b71")
"""Behind the two bytes of the format, what WAVE_FORMAT_EXTENSIBLE says it with."""


FULL = Path("/dev/full")
"""A disk that is full, where the system has one."""


def tone(rate: int, channels: int = 1) -> npt.NDArray[np.float64]:
    """Half a second of 440 Hz at half of full scale; on the channels but the first, silence."""
    samples = np.zeros((rate // 2, channels))
    samples[:, 0] = 0.5 * np.sin(2 * np.pi * 440 * np.arange(len(samples)) / rate)
    return samples


def coded(samples: npt.NDArray[np.float64], bits: int) -> bytes:
    """The samples as a WAV holds whole numbers of so many bits."""
    if bits == 8:
        return bytes(np.round(samples * 127 + 128).astype(np.uint8).tobytes())
    full = 2 ** (bits - 1) - 1
    return b"".join(round(level * full).to_bytes(bits // 8, "little", signed=True) for level in samples.flat)


def wav(
    data: bytes,
    *,
    tag: int = PCM,
    channels: int = 1,
    rate: int = 16_000,
    bits: int = 16,
    says: int | None = None,
    riff: int | None = None,
    behind: bytes = b"",
) -> bytes:
    """A WAV file of which the header may say anything: `says` is the size of the data, `riff` that of the whole."""
    frame = channels * bits // 8
    head = struct.pack("<HHIIHH", tag, channels, rate, rate * frame & 0xFFFFFFFF, frame, bits)
    if tag == EXTENSIBLE:
        head += struct.pack("<HHIH", 22, bits, 2**channels - 1, PCM) + GUID
    body = b"WAVEfmt " + struct.pack("<I", len(head)) + head
    body += b"data" + struct.pack("<I", len(data) if says is None else says) + data + behind
    return b"RIFF" + struct.pack("<I", len(body) if riff is None else riff) + body


def assert_tone(path: Path, level: float = 0.5) -> None:
    """The tone has kept its length, pitch and level."""
    samples = np.frombuffer(read_sound(path, 16_000), "<i2").astype(float) / 32768
    assert abs(len(samples) - 8000) <= 1
    middle = samples[2000:6000]
    assert np.abs(np.fft.rfft(middle)).argmax() == 110  # 440 Hz in steps of 4 Hz
    assert np.sqrt(2 * np.mean(middle**2)) == pytest.approx(level, rel=0.03)


@pytest.mark.parametrize("bits", [8, 16, 24, 32])
@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (16_000, 1), (44_100, 2), (48_000, 3)])
@pytest.mark.parametrize("tag", [PCM, EXTENSIBLE])
def test_any_rate_channels_and_width_become_16_bit_mono(
    tmp_path: Path, rate: int, channels: int, bits: int, tag: int
) -> None:
    """Said in either way that a WAV can; channels are averaged."""
    path = tmp_path / "tone.wav"
    path.write_bytes(wav(coded(tone(rate, channels), bits), tag=tag, channels=channels, rate=rate, bits=bits))
    assert_tone(path, 0.5 / channels)


@pytest.mark.parametrize(("suffix", "coding"), [
    ("wav", "FLOAT"), ("wav", "DOUBLE"), ("wav", "ULAW"), ("flac", "PCM_16"), ("ogg", "VORBIS"), ("opus", "OPUS"),
    ("aiff", "PCM_16"), ("au", "PCM_16"), ("caf", "PCM_16"), ("w64", "PCM_16"), ("rf64", "PCM_24"),
])  # fmt: skip
def test_other_formats_are_read(tmp_path: Path, suffix: str, coding: str) -> None:
    """Whatever libsndfile reads, compressed or in floating point."""
    path = tmp_path / f"tone.{suffix}"
    soundfile.write(path, tone(48_000), 48_000, subtype=coding, format="OGG" if suffix == "opus" else None)
    assert_tone(path)


def test_mp3_is_read(tmp_path: Path) -> None:
    """With the silence that the coder puts in front of it."""
    path = tmp_path / "tone.mp3"
    soundfile.write(path, tone(48_000), 48_000)
    assert len(read_sound(path, 16_000)) == pytest.approx(16_000, rel=0.2)


@pytest.mark.parametrize(("says", "riff"), [
    (0, 0), (0, 36), (0, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x7FFFF000, 0x7FFFF024), (0xFFFFFFFF - 36, 0xFFFFFFFF),
])  # fmt: skip
@pytest.mark.parametrize("tag", [PCM, EXTENSIBLE])
def test_a_wav_that_was_written_as_a_stream_is_read_to_its_end(tmp_path: Path, tag: int, says: int, riff: int) -> None:
    """Its writer did not know the size, and left 0 there or the most that fits."""
    path = tmp_path / "streamed.wav"
    path.write_bytes(wav(coded(tone(16_000), 16), tag=tag, says=says, riff=riff))
    assert_tone(path)


def test_what_lies_behind_an_empty_sound_is_not_played(tmp_path: Path) -> None:
    """A file that knows its length means the 0 that it says."""
    path = tmp_path / "empty.wav"
    path.write_bytes(wav(b"", behind=b"LIST" + struct.pack("<I", 400) + bytes(400)))
    with pytest.raises(ConfigError, match="holds none"):
        read_sound(path, 16_000)


def test_a_wav_that_was_cut_short_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    """Half a frame at its end is dropped."""
    path = tmp_path / "cut.wav"
    path.write_bytes(wav(coded(tone(16_000), 16))[: 44 + 2 * 4000 + 1])
    assert len(read_sound(path, 16_000)) == 2 * 4000


def test_what_is_no_number_is_silence_and_what_is_too_loud_is_clipped(tmp_path: Path) -> None:
    """A file in floating point may hold anything."""
    path = tmp_path / "odd.wav"
    values = [math.nan] * 100 + [math.inf] * 100 + [-7.0] * 100
    path.write_bytes(wav(struct.pack("<300f", *values), tag=FLOAT, bits=32))
    samples = struct.unpack("<300h", read_sound(path, 16_000))
    assert samples == (0,) * 100 + (32767,) * 100 + (-32767,) * 100


TONE = coded(tone(16_000), 16)


@pytest.mark.parametrize(("content", "expected"), [
    (b"", "is empty: record it again"),
    (b"A question, and in words.\n", r"expected a sound file such as WAV.*\(Format not recognised\): convert it"),
    (b"RIFF", "Format not recognised"),
    (wav(b""), "holds none: record it again"),
    (wav(TONE, bits=64), "unimplemented format.*ffmpeg -i bad.wav"),
    (wav(TONE, rate=0), "its header has no usable rate"),
    (wav(TONE, rate=0xFFFFFFFF), "its header has no usable rate"),
    (wav(TONE, rate=1), "a rate from 1,000 to 1,000,000 Hz, and its header says 1"),
    (wav(TONE, rate=2_000_000_000), "its header says 2,000,000,000"),
    (wav(TONE, channels=0), "Channel count is zero"),
])  # fmt: skip
def test_a_file_that_is_no_sound_is_told_with_its_name(tmp_path: Path, content: bytes, expected: str) -> None:
    """What is wrong with it, and what to do."""
    path = tmp_path / "bad.wav"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=rf"bad\.wav: .*{expected}"):
        read_sound(path, 16_000)


def test_a_huge_file_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    """4 GB, most of them a hole: as much is read as a question may be long, a block at a time."""
    path = tmp_path / "huge.wav"
    with path.open("wb") as file:
        file.write(wav(b"", rate=8000, says=0xFFFFFF00))
        file.truncate(0xFFFFFF00)
    with pytest.raises(ConfigError, match="at most 10 minutes of sound"):
        read_sound(path, 16_000)


def test_what_is_read_at_a_time_does_not_grow_with_the_channels(tmp_path: Path) -> None:
    """Nor does the end of a block show in the sound."""
    path = tmp_path / "many.wav"
    frames = 2 * sound.BLOCK_SAMPLES // 1000
    path.write_bytes(wav(bytes(2 * 1000 * frames), channels=1000))
    assert read_sound(path, 16_000) == bytes(2 * frames)


def test_a_file_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    """With the system's own words: missing, a directory, a pipe, without permission."""
    with pytest.raises(ConfigError, match="No such file"):
        read_sound(tmp_path / "none.wav", 16_000)
    with pytest.raises(ConfigError, match="this is a directory"):
        read_sound(tmp_path, 16_000)
    os.mkfifo(tmp_path / "pipe.wav")
    with pytest.raises(ConfigError, match="a pipe or a device"):
        read_sound(tmp_path / "pipe.wav", 16_000)


def test_a_file_without_permission_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the system's own words."""

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    path = tmp_path / "secret.wav"
    path.write_bytes(wav(TONE))
    monkeypatch.setattr("io.FileIO", refuse)  # whoever runs the tests may be allowed to read anything
    with pytest.raises(ConfigError, match="Permission denied"):
        read_sound(path, 16_000)


def test_without_the_extra_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By one command."""
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(ConfigError, match=r"needs the package soundfile: pip install .*speech]"):
        read_sound(tmp_path / "question.wav", 16_000)


def test_a_sound_file_is_told_from_words_by_its_end() -> None:
    """Also one that is then refused, so that its name is not said aloud."""
    assert all(map(names_sound, ("a.wav", "A.FLAC", "b.c/d.opus", "memo.m4a")))
    assert not any(map(names_sound, ("Tell me a story.", "wav", "What is a WAV?")))


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


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """With the system's own words."""
    with pytest.raises(ConfigError, match="can be written"):
        WavWriter(tmp_path / "none" / "out.wav", 16_000)


def test_a_wav_replaces_what_was_there_when_the_first_sound_comes(tmp_path: Path) -> None:
    """An answer without speech costs nobody the file of yesterday, and leaves no empty one."""
    before, new = tmp_path / "before.wav", tmp_path / "new.wav"
    before.write_bytes(b"x" * 1000)
    for path in (before, new):
        WavWriter(path, 8_000).close()
    assert before.read_bytes() == b"x" * 1000
    assert not new.exists()
    writer = WavWriter(before, 8_000)
    writer.write(b"\1\2")
    writer.close()
    assert before.stat().st_size == 44 + 2
    assert len(read_sound(before, 8_000)) == 2


def test_a_wav_that_cannot_be_written_is_told_with_its_name(tmp_path: Path) -> None:
    """At once where the folder is missing, and when the disk is full."""
    with pytest.raises(ConfigError, match=r"none.a\.wav: expected a file that can be written \(No such file"):
        WavWriter(tmp_path / "none" / "a.wav", 8_000)
    if FULL.exists():
        writer = WavWriter(FULL, 8_000)
        with pytest.raises(OSError, match=r"^/dev/full can't be written \(No space left on device\)$"):
            writer.write(bytes(1_000_000))
        with pytest.raises(OSError, match=r"^/dev/full can't be written"):
            writer.close()
