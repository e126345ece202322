"""From the microphone's pieces to utterances: when a person begins to speak, and when that is over."""

from __future__ import annotations

from attrs import evolve, frozen

from voxint.cli.talking.level import Echo
from voxint.core.audio import BYTES_PER_SAMPLE, AudioFormat
from voxint.core.level import level_db
from voxint.core.voice_activity import Activity, SpeechEnded, SpeechStarted, VoiceCuts, VoiceDetector

__all__ = ["ALONE", "OVER_SOUND", "Began", "Heard", "Hearing", "Silent"]

ALONE = VoiceCuts()
"""While nothing sounds here. It ends an utterance after `VoiceCuts.end_ms`, and keeps `before_ms` in front of it."""

OVER_SOUND = VoiceCuts(on=0.8, off=0.5, least_ms=250.0)
"""While the loudspeaker sounds; ours: surer than else, and eight windows in a row, as the loudspeaker speaks too."""


@frozen
class Began:
    """Somebody has begun to speak.

    Args:
        voice: From a little before it until now.
    """

    voice: bytes


@frozen
class Silent:
    """They have ended."""


Heard = Began | Silent


class Hearing:
    """What is known of a microphone's sound.

    Args:
        detector: Tells speech from the rest; entered already where it needs that. It is given the microphone's own
            format.
        guarded: Whether the microphone hears the loudspeaker: then more is asked of a voice while that sounds.
    """

    def __init__(self, detector: VoiceDetector, *, guarded: bool) -> None:
        self._format: AudioFormat = detector.audio_format
        self._window_bytes = detector.window_samples * BYTES_PER_SAMPLE
        self._stream = detector.open()
        self._guarded = guarded
        self._activity = Activity(ALONE, self._format, detector.window_samples)
        self._echo = Echo()
        self._kept = bytearray()
        self._kept_from = 0  # the sample that is the first one kept
        self.probability = 0.0

    @property
    def speaking(self) -> bool:
        """Whether somebody speaks, pauses included."""
        return self._activity.speaking

    def feed(self, pcm: bytes, *, sounding: bool) -> list[Heard]:
        """Return what has happened with a piece more.

        Args:
            pcm: The piece.
            sounding: Whether the loudspeaker sounds meanwhile.
        """
        self._kept += pcm
        cuts = OVER_SOUND if sounding and self._guarded else ALONE
        if not self._activity.speaking and cuts is not self._activity.cuts:
            self._activity = evolve(self._activity, cuts=cuts)
        heard: list[Heard] = []
        for probability in self._stream.feed(pcm):
            self.probability = self._judged(probability, sounding)
            self._activity, events = self._activity.heard(self.probability)
            for event in events:
                if isinstance(event, SpeechStarted):
                    heard.append(Began(self._since(event.at)))
                elif isinstance(event, SpeechEnded):
                    heard.append(Silent())
        self._forget()
        return heard

    def close(self) -> None:
        """Give up what the detector holds for it."""
        self._stream.close()

    def _judged(self, probability: float, sounding: bool) -> float:
        """Return a window's probability; 0 where it may be the loudspeaker's own voice."""
        if not (sounding and self._guarded):
            return probability
        level = level_db(self._since(self._activity.position)[: self._window_bytes])
        self._echo = self._echo.heard(level)
        return probability if self._echo.outdone else 0.0

    def _since(self, sample: int) -> bytes:
        return bytes(self._kept[max(0, sample - self._kept_from) * BYTES_PER_SAMPLE :])

    def _forget(self) -> None:
        """Keep what the beginning of an utterance may need, and what completes no window yet."""
        needed = ALONE.before_ms + OVER_SOUND.least_ms + 2 * self._format.bytes_ms(self._window_bytes)
        over = len(self._kept) - self._format.bytes(needed)
        if over > 0:
            del self._kept[:over]
            self._kept_from += over // BYTES_PER_SAMPLE
