"""The sound of a microphone that is always open: tiny frames joined, resampled, judged window by window; the last kept.

It reads no clock: positions are samples since the microphone was opened, in the detector's format.
"""

from __future__ import annotations

import math
from contextlib import suppress
from numbers import Real

from attrs import frozen

from voxint.arguments import type_in_words
from voxint.authors_line import line_of_error
from voxint.core.audio import BYTES_PER_SAMPLE, AudioFormat
from voxint.core.ears.prompt_resampler import PromptResampler
from voxint.core.failure import NOT_OURS
from voxint.core.level import level_db
from voxint.core.voice_activity import VoiceDetector, VoiceStream
from voxint.errors import UpstreamError

__all__ = ["MicrophoneSound", "SoundWindow"]

STEP_MS = 2.0
"""The least that is resampled at once; ours: a conversion that holds some samples back is not asked for each of them,
and a window is at most so much late."""

DEAF_S = 5.0
"""Seconds of sound without a detector after it has failed; ours: one that always fails costs next to nothing, and one
that failed once is missed for a sentence."""

ROUNDED = 0.001
"""By how much a probability may miss 0 and 1: sums of 32-bit numbers do."""


@frozen
class SoundWindow:
    """What was heard in one window of the detector.

    Args:
        probability: That somebody speaks, 0 to 1; 0 where the detector has failed.
        start: Its first sample.
        end: The sample after its last one.
        level_db: Decibels below full scale, `level.QUIETEST_DB` at the least.
    """

    probability: float
    start: int
    end: int
    level_db: float


class MicrophoneSound:
    """What comes from one microphone, whether or not anybody speaks.

    A detector that breaks its word costs this microphone alone: `feed` tells of it once, and its windows count as quiet
    for `DEAF_S` of sound. Then it gets a new stream; where that fails at once, nothing is told again.

    Args:
        detector: Tells speech from the rest; entered already where it needs that.
        source: The format that is fed.
        kept_ms: How many of the last milliseconds `since` can give back.

    Attributes:
        audio_format: The detector's.
        window_samples: The detector's.

    Raises:
        UpstreamError: The detector opens no stream.
    """

    def __init__(self, detector: VoiceDetector, source: AudioFormat, *, kept_ms: float) -> None:
        self.audio_format = detector.audio_format
        self.window_samples = detector.window_samples
        self._ear = _Ear(detector)
        self._source = source
        self._step_bytes = source.bytes(STEP_MS)
        self._resampler = None if source == self.audio_format else PromptResampler(source, self.audio_format)
        self._waiting = bytearray()
        self._kept = bytearray()
        self._kept_bytes = self.audio_format.bytes(kept_ms)
        self._position = 0
        self._judged = 0
        self._closed = False
        self._needed_bytes = self._needed()
        self.left_ms = 0.0
        """Milliseconds of sound that have come and are not fed yet: whoever feeds it in portions says so."""

    @property
    def position(self) -> int:
        """The sample after the last one taken in: the microphone's own clock.

        What waits for the rest of a window, and what a conversion of rates holds back, is not taken in yet.
        """
        return self._position

    def feed(self, audio: bytes) -> list[SoundWindow]:
        """Take in what came, and return the windows that are complete now, the oldest first.

        A piece that completes none is appended, and that is all; else it takes 0.1 ms and more for a window.

        Args:
            audio: Any number of bytes; a piece may end in the middle of a sample. Dropped where this was closed.

        Raises:
            UpstreamError: The detector has failed, at a window that was returned before; says where. The audio is
                taken in and nothing is lost: its windows come with the next piece.
        """
        self._waiting += audio
        if len(self._waiting) < self._needed_bytes:
            return []
        return self._heard()

    def since(self, sample: int) -> bytes:
        """Return what was taken in from `sample` on, in the detector's format; less where so much is not kept."""
        at = len(self._kept) - (self._position - sample) * BYTES_PER_SAMPLE
        return bytes(memoryview(self._kept)[max(0, at) :])

    def behind_ms(self, sample: int) -> float:
        """Return how many milliseconds of what has come are after `sample`, what waits to be heard too."""
        return self.audio_format.ms(self._position - sample) + self._source.bytes_ms(len(self._waiting)) + self.left_ms

    def close(self) -> None:
        """Give up what the detector holds for it, and what is kept; safe to call twice.

        Raises:
            UpstreamError: The detector has failed at that; all is given up all the same.
        """
        self._closed = True
        self._waiting.clear()
        self._kept.clear()
        self._ear.close()

    def _heard(self) -> list[SoundWindow]:
        if self._closed:
            self._waiting.clear()
            return []
        if (fault := self._ear.fault()) is not None:
            raise fault
        windows: list[SoundWindow] = []
        while len(self._waiting) >= self._needed_bytes:
            # Cut by what is needed and not by how it came: the same sound gives the same samples.
            piece = bytes(memoryview(self._waiting)[: self._needed_bytes])
            del self._waiting[: self._needed_bytes]
            pcm = piece if self._resampler is None else self._resampler.feed(piece)
            self._kept += pcm
            self._position += len(pcm) // BYTES_PER_SAMPLE
            while self._position - self._judged >= self.window_samples:
                windows.append(self._window())
            self._forget()
            self._needed_bytes = self._needed()
        return windows

    def _window(self) -> SoundWindow:
        start, end = self._judged, self._judged + self.window_samples
        at = len(self._kept) - (self._position - start) * BYTES_PER_SAMPLE
        pcm = bytes(memoryview(self._kept)[at : at + self.window_samples * BYTES_PER_SAMPLE])
        self._judged = end
        return SoundWindow(self._ear.probability(pcm), start, end, level_db(pcm))

    def _needed(self) -> int:
        """Return how many bytes of the source the next window wants, as far as that can be told."""
        lacking = self.window_samples - (self._position - self._judged)
        samples = math.ceil(lacking * self._source.rate / self.audio_format.rate)
        return max(samples * BYTES_PER_SAMPLE, self._step_bytes)

    def _forget(self) -> None:
        kept = max(self._kept_bytes, (self._position - self._judged) * BYTES_PER_SAMPLE)
        if (over := len(self._kept) - kept) > 0:
            del self._kept[:over]


class _Ear:
    """A detector's stream, whose word is checked: what is wrong with it is told once, and ends nothing."""

    def __init__(self, detector: VoiceDetector) -> None:
        self._detector = detector
        self._deaf_windows = math.ceil(DEAF_S * detector.audio_format.rate / detector.window_samples)
        self._deaf = 0
        self._told = False
        self._fault: UpstreamError | None = None
        self._stream: VoiceStream | None = self._open()

    def fault(self) -> UpstreamError | None:
        """Return what went wrong and was not told yet."""
        fault, self._fault = self._fault, None
        return fault

    def probability(self, pcm: bytes) -> float:
        """Return what the detector says of a window; 0 where it has failed."""
        if self._deaf:
            self._deaf -= 1
            return 0.0
        try:
            if self._stream is None:
                self._stream = self._open()
            found = self._asked(self._stream, pcm)
        except UpstreamError as fault:
            self._fault = None if self._told else fault
            self._told = True
            self._deaf = self._deaf_windows
            with suppress(UpstreamError):  # that it failed is told already
                self.close()
            return 0.0
        self._told = False
        return found

    def close(self) -> None:
        """Close the stream.

        Raises:
            UpstreamError: The detector failed at that; it is let go all the same.
        """
        stream, self._stream = self._stream, None
        if stream is None:
            return
        try:
            stream.close()
        except NOT_OURS:
            raise
        except BaseException as error:
            raise self._fault_of(error, "close") from error

    def _open(self) -> VoiceStream:
        try:
            return self._detector.open()
        except NOT_OURS:
            raise
        except BaseException as error:  # any: it is somebody else's code, here and below
            raise self._fault_of(error, "open") from error

    def _asked(self, stream: VoiceStream, pcm: bytes) -> float:
        try:
            return self._checked(stream.feed(pcm))
        except NOT_OURS:
            raise
        except BaseException as error:
            raise self._fault_of(error, "feed") from error

    def _checked(self, given: object) -> float:
        """Return the one probability of a window.

        Raises:
            UpstreamError: It is none, or there is another number of them.
        """
        if not isinstance(given, list):
            raise self._fault_that(f"returned {type_in_words(given)} from `feed`: return a list of probabilities")
        if len(given) != 1:
            samples = self._detector.window_samples
            raise self._fault_that(f"returned {len(given)} probabilities for one window of {samples} samples")
        (value,) = given
        if not isinstance(value, Real) or isinstance(value, bool):
            raise self._fault_that(f"returned {type_in_words(value)} as a probability: return a number from 0 to 1")
        number = float(value)
        if not -ROUNDED <= number <= 1 + ROUNDED:  # one that is no number at all is in no range
            raise self._fault_that(f"returned {number:g} as a probability: return a number from 0 to 1")
        return min(1.0, max(0.0, number))

    def _fault_of(self, error: BaseException, method: str) -> UpstreamError:
        if isinstance(error, UpstreamError):
            return error
        line = line_of_error(error)
        at = "" if line is None else f" at {line.place}"
        return self._fault_that(f"raised {type(error).__name__} from `{method}`{at}")

    def _fault_that(self, words: str) -> UpstreamError:
        return UpstreamError(
            "the voice detector has failed, and what is said is not heard; tell the operator of this service",
            retryable=False,
            operator_detail=f"the voice detector {type(self._detector).__name__} {words}",
        )
