"""The speech in one stream of audio, cut into stretches that a recogniser can take whole; nothing here waits.

A stretch ends with the speech; a long one at the next pause; one without any pause where it is quietest. What is no
speech is thrown away.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from attrs import define, field, frozen

from voxint.core.audio import BYTES_PER_SAMPLE, AudioFormat
from voxint.core.discreet import size_of
from voxint.core.voice_activity import (
    Activity,
    SpeechEnded,
    SpeechPaused,
    SpeechStarted,
    VoiceCuts,
    VoiceEvent,
)

__all__ = ["NOTHING", "Cuts", "Recognised", "SpeechCutter", "Stretch"]


@frozen
class Recognised:
    """What a recogniser made of a sound.

    Args:
        text: The words.
        hint: The same in its own code: it spares it work when it hears more of that sound.
    """

    text: str = field(repr=size_of)
    hint: bytes = field(default=b"", repr=size_of)


NOTHING = Recognised("")


@frozen
class Cuts:
    """Where speech is cut.

    Args:
        voice: What is speech, and what a pause.
        long_ms: Milliseconds from which a stretch ends at its next pause. Ours: what a model needs for its grammar;
            of stretches cut at every pause it misheard a tenth more words.
        most_ms: Most milliseconds of a stretch. Ours: no run of Moonshine takes longer than the 0.3 s that a final may.
        choice_ms: Milliseconds before that among which the quietest instant is chosen. Ours: some syllables, most
            likely the end of a word.
    """

    voice: VoiceCuts = field(factory=VoiceCuts)
    long_ms: float = 6000.0
    most_ms: float = 15_000.0
    choice_ms: float = 4000.0


@define(eq=False)
class Stretch:
    """A stretch of speech, and what was made of it so far.

    Args:
        start: Its first sample.
        since: When it began, by the clock of whoever feeds the speech.
        end: The sample after its last one, once that is known.
        paused: Whether nothing is said just now.
        heard: What was made of it last.
        covered: The sample up to which that was.
        shown: The words that were shown of it.
    """

    start: int
    since: float
    end: int | None = None
    paused: bool = False
    heard: Recognised = NOTHING
    covered: int = 0
    shown: str = field(default="", repr=size_of)


class SpeechCutter:
    """What was said in one stream of audio, and not recognised yet.

    Args:
        audio_format: Of the audio.
        window: Samples of a window of the voice detector.
        cuts: Where speech is cut.

    Attributes:
        ended: The stretches that have ended, in order; whoever recognises them takes them out.
        open: The one that goes on, if any.
    """

    def __init__(self, audio_format: AudioFormat, window: int, cuts: Cuts) -> None:
        self.ended: deque[Stretch] = deque()
        self.open: Stretch | None = None
        self._format = audio_format
        self._cuts = cuts
        self._activity = Activity(cuts.voice, audio_format, window)
        self._audio = bytearray()
        self._base = 0  # the sample that the kept audio begins with

    @property
    def position(self) -> int:
        """Samples that came in."""
        return self._base + len(self._audio) // BYTES_PER_SAMPLE

    @property
    def position_s(self) -> float:
        """Seconds that came in."""
        return self._format.ms(self.position) / 1000

    @property
    def kept_ms(self) -> float:
        """Milliseconds of audio that are kept."""
        return self._format.bytes_ms(len(self._audio))

    @property
    def waiting_ms(self) -> float:
        """Milliseconds of stretches that have ended and wait."""
        return self._format.ms(sum((stretch.end or stretch.start) - stretch.start for stretch in self.ended))

    def feed(self, pcm: bytes, probabilities: Iterable[float], now: float) -> None:
        """Take audio, and the probability of speech in each window that it completes.

        Args:
            pcm: Whole samples.
            probabilities: What the detector says.
            now: The time, for the stretches that begin.
        """
        self._audio += pcm
        self.hear(probabilities, now)

    def hear(self, probabilities: Iterable[float], now: float) -> None:
        """Take the probabilities of windows whose audio is here, or is silence behind the end."""
        for probability in probabilities:
            self._activity, events = self._activity.heard(probability)
            self._take(events, now)
            self._cut(now)
        self._forget()

    def finish(self) -> None:
        """Note that no more audio comes."""
        self._activity, events = self._activity.ended()
        self._take(events, 0.0)
        self._forget()

    def end_of(self, stretch: Stretch) -> int:
        """Return the sample after the last one of a stretch, as far as it has come."""
        if stretch.end is not None:
            return stretch.end
        last = self._activity.voiced + self._format.samples(self._cuts.voice.after_ms)
        return min(last, self._activity.position, self.position)

    def sound_of(self, stretch: Stretch) -> bytes:
        """Return the audio of a stretch, as far as it has come."""
        first, last = ((sample - self._base) * BYTES_PER_SAMPLE for sample in (stretch.start, self.end_of(stretch)))
        return bytes(self._audio[first:last])

    def _take(self, events: Iterable[VoiceEvent], now: float) -> None:
        for event in events:
            match event:
                case SpeechStarted(at=at):
                    self.open = Stretch(at, now)
                case SpeechEnded(at=at):
                    assert self.open is not None
                    self.open.end = min(at, self.position)  # the detector's last window may be filled up with silence
                    self.ended.append(self.open)
                    self.open = None
                case _:
                    assert self.open is not None
                    self.open.paused = isinstance(event, SpeechPaused)

    def _cut(self, now: float) -> None:
        """End the stretch where it is long and has paused, or is too long; one that goes on begins there."""
        stretch = self.open
        if stretch is None:
            return
        length_ms = self._format.ms(self._activity.position - stretch.start)
        if stretch.paused and length_ms >= self._cuts.long_ms:
            self._activity, events = self._activity.ended()
        elif length_ms >= self._cuts.most_ms:
            self._activity, events = self._activity.split(self._quietest(stretch))
        else:
            return
        self._take(events, now)

    def _quietest(self, stretch: Stretch) -> int:
        """Return the middle of the three quietest windows in a row, of the last ones of a stretch."""
        import numpy as np  # only long speech needs it

        window = self._activity.window
        last = min(self._activity.position, self.position)  # the last window may be filled up with silence
        count = max(3, min(self._format.samples(self._cuts.choice_ms), last - stretch.start) // window)
        first = last - count * window
        begin = (first - self._base) * BYTES_PER_SAMPLE
        samples = np.frombuffer(bytes(self._audio[begin : begin + count * window * BYTES_PER_SAMPLE]), "<i2")
        energies = np.square(samples.reshape(count, window), dtype=np.float64).sum(axis=1)
        middle = 1 + int(np.convolve(energies, np.ones(3), "valid").argmin())
        return first + middle * window + window // 2

    def _forget(self) -> None:
        """Throw away the audio that no stretch needs."""
        cuts = self._cuts.voice
        stretch = self.ended[0] if self.ended else self.open
        if stretch is not None:
            needed = stretch.start
        else:  # speech may begin a little before it is known
            early = self._format.samples(cuts.before_ms + cuts.least_ms) + 2 * self._activity.window
            needed = max(self._activity.position - early, self._activity.floor)
        gone = min(needed, self.position) - self._base
        if gone > 0:
            del self._audio[: gone * BYTES_PER_SAMPLE]
            self._base += gone
