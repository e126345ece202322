"""WAV files in and out, by the standard library."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import TYPE_CHECKING

from voxint.core.audio import BYTES_PER_SAMPLE
from voxint.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["WavWriter", "read_wav"]


def read_wav(path: Path, rate: int) -> bytes:
    """Return the file's sound as s16le mono PCM at `rate` Hz, whatever its own rate, channels and width.

    Raises:
        ConfigError: It can't be read, is no PCM WAV, or holds no sound.
    """
    import numpy as np  # 0.1 s that only a WAV file need pay
    import soxr

    try:
        with wave.open(str(path), "rb") as file:
            width, channels, own_rate = file.getsampwidth(), file.getnchannels(), file.getframerate()
            data = file.readframes(file.getnframes())
    except OSError as error:
        raise ConfigError(str(path), f"expected a readable WAV file ({error.strerror})") from error
    except (wave.Error, EOFError) as error:
        raise ConfigError(
            str(path), f"expected a WAV file with PCM sound ({str(error) or 'it is cut short, or none'})"
        ) from error
    data = data[: len(data) - len(data) % (width * channels)]
    if not data:
        raise ConfigError(str(path), "expected a WAV file with sound in it, and this one is empty")
    mono = _samples(data, width).reshape(-1, channels).mean(axis=1, dtype=np.float32)
    at_rate = soxr.resample(mono, own_rate, rate)
    return bytes((np.clip(at_rate, -1.0, 1.0) * 32767).astype("<i2").tobytes())


def _samples(data: bytes, width: int) -> npt.NDArray[np.float32]:
    """Return samples between -1 and 1."""
    import numpy as np

    if width == 1:  # the only width that WAV stores without a sign
        return (np.frombuffer(data, np.uint8).astype(np.float32) - np.float32(128)) / np.float32(128)
    # Padded below to 32 bits, each width is the same fraction of full scale.
    padded = np.zeros((len(data) // width, 4), np.uint8)
    padded[:, 4 - width :] = np.frombuffer(data, np.uint8).reshape(-1, width)
    return padded.reshape(-1).view("<i4").astype(np.float32) / np.float32(2**31)


class WavWriter:
    """A WAV file being written: s16le mono.

    Raises:
        ConfigError: It can't be written.
    """

    def __init__(self, path: Path, rate: int) -> None:
        try:
            self._raw = path.open("wb")
        except OSError as error:
            raise ConfigError(str(path), f"expected a file that can be written ({error.strerror})") from error
        self._file = wave.open(self._raw, "wb")  # noqa: SIM115 - closed by `close`
        self._file.setnchannels(1)
        self._file.setsampwidth(BYTES_PER_SAMPLE)
        self._file.setframerate(rate)

    def write(self, audio: bytes) -> None:
        """Append PCM."""
        self._file.writeframesraw(audio)

    def close(self) -> None:
        """Complete the file's head."""
        self._file.close()
        self._raw.close()
