"""Where in a stream somebody speaks: what a voice detector must do, and how its numbers are cut into speech.

A detector gives a probability for each window of some 30 ms; `Activity` makes speech of them, with hysteresis, so that
one doubtful window neither begins nor ends a word. It holds no audio and reads no clock: positions are samples since
the stream began.
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from attrs import Attribute, evolve, field, frozen

from voxint.arguments import bounded, check_fields
from voxint.core.audio import AudioFormat

__all__ = [
    "Activity",
    "SpeechEnded",
    "SpeechPaused",
    "SpeechResumed",
    "SpeechStarted",
    "VoiceCuts",
    "VoiceDetector",
    "VoiceEvent",
    "VoiceStream",
]


END_MS = 600.0
"""Milliseconds of quiet that end speech; ours: longer than a breath between two parts of a sentence."""


class VoiceStream(Protocol):
    """What a detector knows of one stream of audio. It is used by one task at a time."""

    def feed(self, pcm: bytes) -> list[float]:
        """Return the probability of speech, 0 to 1, for each window that these samples complete; at once.

        Args:
            pcm: Whole samples in the detector's format, any number of them; what completes no window is kept.
        """

    def close(self) -> None:
        """Give up what it holds. It is fed no more; safe to call twice."""


@runtime_checkable
class VoiceDetector(Protocol):
    """Tell speech from everything else, window by window, for any number of streams.

    As with a stage, one that owns something is an async context manager too, entered before `open`.
    """

    @property
    def audio_format(self) -> AudioFormat:
        """The format that a stream wants; whoever feeds it resamples (`core.resample`), a conversion per stream."""

    @property
    def window_samples(self) -> int:
        """Samples of a window."""

    def open(self) -> VoiceStream:
        """Begin a stream that knows nothing of others, at once."""


def _below_on(cuts: VoiceCuts, attribute: Attribute[Any], off: float) -> None:
    if off > cuts.on:
        raise ValueError(f"VoiceCuts.off must be at most VoiceCuts.on ({cuts.on:g}), not {off:g}")


@frozen(field_transformer=check_fields)
class VoiceCuts:
    """How probabilities become speech.

    Args:
        on: Probability from which a window is speech. 0.5 is Silero's own default.
        off: Probability below which one is quiet; between the two a window goes on with what was. 0.35 is Silero's own
            (0.15 less than `on`).
        least_ms: Milliseconds of speech without a quiet window that begin it. Ours: of three windows; "is", said alone,
            has five, and a click or a cough one or two.
        before_ms: Milliseconds that belong to the speech before its first window. Ours: a detector may need so long to
            know a voice that is there from the first sample of a stream.
        pause_ms: Milliseconds of quiet that are a pause. Ours: longer than the closure of a consonant.
        after_ms: Milliseconds that belong to the speech after its last window. Ours: soft consonants are seldom taken
            for speech.
    """

    on: float = field(default=0.5, validator=bounded(more_than=0, at_most=1))
    off: float = field(default=0.35, validator=[bounded(at_least=0, at_most=1), _below_on])
    least_ms: float = field(default=90.0, validator=bounded(at_least=0, at_most=10_000))
    before_ms: float = field(default=500.0, validator=bounded(at_least=0, at_most=10_000))
    pause_ms: float = field(default=250.0, validator=bounded(more_than=0, at_most=60_000))
    after_ms: float = field(default=250.0, validator=bounded(at_least=0, at_most=10_000))


@frozen
class SpeechStarted:
    """Somebody has begun to speak, and it is no click.

    Args:
        at: First sample of the speech, with what belongs to it before its first window.
    """

    at: int


@frozen
class SpeechPaused:
    """Nothing was said for `VoiceCuts.pause_ms`; whether that is the end is still open.

    Args:
        at: Sample after the last one of the speech, with what belongs to it after its last window.
    """

    at: int


@frozen
class SpeechResumed:
    """After a pause the speech goes on.

    Args:
        at: First sample of the window in which it does.
    """

    at: int


@frozen
class SpeechEnded:
    """Nothing was said for `Activity.end_ms`, or the stream is over.

    Args:
        start: First sample of the speech, as `SpeechStarted` told it.
        at: Sample after its last one, with what belongs to it after its last window.
    """

    start: int
    at: int


VoiceEvent = SpeechStarted | SpeechPaused | SpeechResumed | SpeechEnded


@frozen
class Activity:
    """What is known of a stream's speech so far; each window makes the next one of it.

    ::

        activity = Activity(cuts, audio_format, detector.window_samples)
        for probability in stream.feed(pcm):
            activity, events = activity.heard(probability)

    Args:
        cuts: How probabilities become speech.
        audio_format: Of the stream.
        window: Samples of a window.
        end_ms: Milliseconds of quiet that end the speech.
        position: Samples heard so far.
        speaking: Whether somebody speaks, pauses included: between `SpeechStarted` and `SpeechEnded`.
        paused: Whether they have paused.
        start: First sample of that speech; where nobody speaks, of what may become one, or None.
        voiced: Sample after the last window that was speech.
        floor: Sample before which no speech can begin: where the one before has ended.
    """

    cuts: VoiceCuts
    audio_format: AudioFormat
    window: int
    end_ms: float = END_MS
    position: int = 0
    speaking: bool = False
    paused: bool = False
    start: int | None = None
    voiced: int = 0
    floor: int = 0

    @property
    def quiet_ms(self) -> float:
        """Milliseconds since the last window that was speech."""
        return self.audio_format.ms(self.position - self.voiced)

    def heard(self, probability: float) -> tuple[Activity, tuple[VoiceEvent, ...]]:
        """Return what is known with one window more, and what has happened in it."""
        position = self.position + self.window
        is_speech = probability >= self.cuts.on or (
            # Between the two, what was goes on; a number that is none, of a detector gone wrong, is quiet.
            probability >= self.cuts.off and self.start is not None and self.voiced == self.position
        )
        moved = evolve(self, position=position, voiced=position if is_speech else self.voiced)
        if self.speaking:
            return moved._in_speech(is_speech)
        return moved._before_speech(is_speech)

    def ended(self) -> tuple[Activity, tuple[VoiceEvent, ...]]:
        """Return what is known when the stream is over, or is cut for a reason of the caller's.

        What was too short to be speech so far is none.
        """
        return self._end() if self.speaking else (evolve(self, start=None), ())

    def split(self, at: int) -> tuple[Activity, tuple[VoiceEvent, ...]]:
        """Return what is known where speech that goes on is cut in two, for a reason of the caller's.

        Args:
            at: First sample of the second part, behind the first of the speech and not beyond what was heard.

        Raises:
            ValueError: It is elsewhere, or nobody speaks.
        """
        if not self.speaking or self.start is None or not self.start < at <= self.position:
            raise ValueError("speech is cut between its first sample and what was heard last")
        after = evolve(self, start=at, voiced=max(at, self.voiced), floor=at)
        return after, (SpeechEnded(self.start, at), SpeechStarted(at))

    def _before_speech(self, is_speech: bool) -> tuple[Activity, tuple[VoiceEvent, ...]]:
        if not is_speech:
            return (self if self.start is None else evolve(self, start=None)), ()
        first = self.position - self.window if self.start is None else self.start
        if self.audio_format.ms(self.position - first) < self.cuts.least_ms:
            return evolve(self, start=first), ()
        start = max(self.floor, first - self.audio_format.samples(self.cuts.before_ms))
        return evolve(self, speaking=True, paused=False, start=start), (SpeechStarted(start),)

    def _in_speech(self, is_speech: bool) -> tuple[Activity, tuple[VoiceEvent, ...]]:
        if is_speech:
            resumed = (SpeechResumed(self.position - self.window),) if self.paused else ()
            return evolve(self, paused=False), resumed
        quiet_ms = self.quiet_ms
        paused: tuple[VoiceEvent, ...] = ()
        if quiet_ms >= self.cuts.pause_ms and not self.paused:
            paused = (SpeechPaused(self._last),)
        if quiet_ms < self.end_ms:
            return evolve(self, paused=self.paused or bool(paused)), paused
        after, ended = self._end()
        return after, paused + ended

    def _end(self) -> tuple[Activity, tuple[VoiceEvent, ...]]:
        assert self.start is not None
        last = self._last
        after = evolve(self, speaking=False, paused=False, start=None, floor=last)
        return after, (SpeechEnded(self.start, last),)

    @property
    def _last(self) -> int:
        """Sample after the last one that belongs to the speech."""
        return min(self.position, self.voiced + self.audio_format.samples(self.cuts.after_ms))
