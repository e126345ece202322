"""Sound files: any that libsndfile reads in, WAV out."""

from __future__ import annotations

import io
import os
import stat
import wave
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from voxint.core.audio import BYTES_PER_SAMPLE
from voxint.errors import ConfigError
from voxint.extras import to_add

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from _typeshed import WriteableBuffer as Buffer
    from soundfile import SoundFile

__all__ = ["WavWriter", "names_sound", "read_sound"]

SUFFIXES = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif", ".au", ".caf", ".w64", ".rf64")
"""Ends of the names of files that libsndfile reads; it knows more formats, which nobody records a question in."""

UNREADABLE_SUFFIXES = (".m4a", ".aac", ".mp4", ".webm", ".wma", ".amr")
"""Ends of the names of sound files that libsndfile does not read: an error is better than their name said as words."""

LONGEST_S = 600.0
"""Seconds of the longest sound that is read: no file fills the memory. Chosen here, as nobody asks for ten minutes."""

LOWEST_RATE, HIGHEST_RATE = 1_000, 1_000_000
"""In Hz, the rates that sound is recorded at, with room: beyond them a header is damaged, and resampling unbounded."""

BLOCK_SAMPLES = 262_144
"""Samples read at a time, over all channels: 1 MiB. Chosen here."""

NO_USABLE_RATE = "SF_INFO struct"
"""libsndfile's words speak of this where the rate is 0 or no number that fits it; its codes change with its version."""

UNKNOWN_BYTES = b"\xff" * 4
"""What a WAV's size field says where the size was not known when it was written."""


def names_sound(what: str) -> bool:
    """Return whether an argument is the name of a sound file, by its end, rather than words."""
    return what.lower().endswith((*SUFFIXES, *UNREADABLE_SUFFIXES))


def read_sound(path: Path, rate: int) -> bytes:
    """Return the file's sound as s16le mono PCM at `rate` Hz; its channels are averaged.

    Args:
        path: A file of any format, rate, number of channels and width that libsndfile reads.
        rate: In Hz.

    Raises:
        ConfigError: The file can't be read, is none of sound, or holds none, or too much; or the extra is missing.
    """
    try:
        import soundfile
    except ImportError as error:
        raise ConfigError(str(path), f"reading a sound file needs the package soundfile: {to_add('speech')}") from error
    except OSError as error:
        raise ConfigError(str(path), f"the package soundfile needs the library libsndfile ({error})") from error
    try:
        with _regular_file(path) as file, soundfile.SoundFile(file) as sound:
            if sound.frames or (size_at := _unwritten_size_at(path)) is None:
                return _pcm(path, sound, rate)
        with _Unsized(path, size_at) as file, soundfile.SoundFile(file) as sound:
            return _pcm(path, sound, rate)
    except OSError as error:
        raise ConfigError(str(path), f"expected a readable sound file ({error.strerror})") from error
    except soundfile.LibsndfileError as error:
        why = error.error_string.rstrip(".")
        if NO_USABLE_RATE in why:
            why = "its header has no usable rate"
        raise ConfigError(
            str(path),
            f"expected a sound file such as WAV, FLAC, OGG or MP3 ({why}): convert it, as by "
            f"`ffmpeg -i {path.name} question.wav`",
        ) from error


def _regular_file(path: Path) -> io.FileIO:
    """Open a file that has an end: no directory, pipe or device, and nothing empty."""
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise ConfigError(str(path), "expected a sound file, and this is a directory")
    if not stat.S_ISREG(status.st_mode):
        raise ConfigError(str(path), "expected a sound file, and this is a pipe or a device: write it to a file first")
    if not status.st_size:
        raise ConfigError(str(path), "expected a sound file, and this one is empty: record it again")
    return io.FileIO(path)


def _pcm(path: Path, sound: SoundFile, rate: int) -> bytes:
    import numpy as np

    pcm = bytearray()
    for block in _resampled(path, sound, rate):
        pcm += (np.clip(block, -1.0, 1.0) * 32767).astype("<i2").tobytes()
    if not pcm:
        raise ConfigError(str(path), "expected a file with sound in it, and this one holds none: record it again")
    return bytes(pcm)


def _resampled(path: Path, sound: SoundFile, rate: int) -> Iterator[npt.NDArray[np.float32]]:
    """Yield the sound in mono at `rate`, a block at a time, to its real end, whatever its header says of that."""
    import numpy as np  # imported here, as it takes 0.1 s that only a sound file need pay
    import soxr

    if not LOWEST_RATE <= sound.samplerate <= HIGHEST_RATE:
        raise ConfigError(
            str(path),
            f"expected a rate from {LOWEST_RATE:,} to {HIGHEST_RATE:,} Hz, and its header says {sound.samplerate:,}",
        )
    resampler = soxr.ResampleStream(sound.samplerate, rate, 1, dtype="float32")
    frames = max(1, BLOCK_SAMPLES // sound.channels)
    left = int(LONGEST_S * sound.samplerate)
    while len(block := sound.read(frames, dtype="float32", always_2d=True)):
        left -= len(block)
        if left < 0:
            raise ConfigError(str(path), f"expected at most {LONGEST_S / 60:g} minutes of sound: cut it")
        mono = np.nan_to_num(block.mean(axis=1, dtype=np.float32), nan=0.0, posinf=1.0, neginf=-1.0)
        yield resampler.resample_chunk(mono)
    yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)


def _unwritten_size_at(path: Path) -> int | None:
    """Return where a WAV says that it holds 0 bytes of sound though more follow; None where it says so rightly.

    A recorder that can't go back, as into a pipe, leaves its size fields at 0, or at their most, which libsndfile
    takes for "to the file's end" by itself.
    """
    with path.open("rb") as file:
        riff, size, kind = file.read(4), int.from_bytes(file.read(4), "little"), file.read(4)
        length = path.stat().st_size
        if (riff, kind) != (b"RIFF", b"WAVE") or abs(size + 8 - length) <= 1:  # a file that knows its length
            return None
        while len(chunk := file.read(8)) == 8:
            size = int.from_bytes(chunk[4:], "little")
            if chunk[:4] == b"data":
                return file.tell() - 4 if size == 0 and file.tell() < length else None
            file.seek(size + size % 2, io.SEEK_CUR)
    return None


class _Unsized(io.FileIO):
    """A WAV of which the field with its size, at `size_at`, reads as unknown."""

    def __init__(self, path: Path, size_at: int) -> None:
        super().__init__(path)
        self._size_at = size_at

    def readinto(self, buffer: Buffer, /) -> int:
        """Fill the buffer, as any file does."""
        begin = self.tell()
        view = memoryview(buffer).cast("B")
        count = super().readinto(view) or 0
        for n, value in enumerate(UNKNOWN_BYTES, self._size_at - begin):
            if 0 <= n < count:
                view[n] = value
        return count


class WavWriter:
    """A WAV file being written: s16le mono. What was there before stands until the first sound comes.

    Raises:
        ConfigError: It can't be written.
    """

    def __init__(self, path: Path, rate: int) -> None:
        self._path = path
        self._rate = rate
        self._is_new = not path.exists()
        self._wave: wave.Wave_write | None = None
        try:
            self._raw = open(path, "wb", opener=_as_it_is)  # noqa: SIM115 - closed by `close`
        except OSError as error:
            raise ConfigError(str(path), f"expected a file that can be written ({error.strerror})") from error

    def write(self, audio: bytes) -> None:
        """Append PCM.

        Raises:
            OSError: The disk is full, or the like.
        """
        with self._told():
            if self._wave is None:
                with suppress(OSError):  # a pipe or a device has no length
                    self._raw.truncate(0)
                self._wave = wave.open(self._raw, "wb")  # noqa: SIM115 - closed by `close`
                self._wave.setnchannels(1)
                self._wave.setsampwidth(BYTES_PER_SAMPLE)
                self._wave.setframerate(self._rate)
            self._wave.writeframesraw(audio)

    def close(self) -> None:
        """Complete the file's head; a file that was made for nothing is taken away again.

        Raises:
            OSError: The disk is full, or the like.
        """
        with self._told():
            try:
                if self._wave is not None:
                    self._wave.close()
            finally:
                self._raw.close()
        if self._wave is None and self._is_new:
            self._path.unlink(missing_ok=True)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OSError(f"{self._path} can't be written ({error.strerror or error})") from error


def _as_it_is(path: str, flags: int) -> int:
    """Open a file for writing without emptying it."""
    return os.open(path, flags & ~os.O_TRUNC, 0o666)
