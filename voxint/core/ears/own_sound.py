"""What a window of the microphone is worth while an answer sounds: the answer's own echo and faint voices are none."""

from __future__ import annotations

from collections import deque

import trio

from voxint.core.audio import BYTES_PER_SAMPLE, AudioFormat
from voxint.core.ears.barge_in import BargeIn
from voxint.core.ears.echo import EchoGuard, EchoRules
from voxint.core.ears.echo_level import LEARNT_MS, EchoLevel
from voxint.core.ears.sound import MicrophoneSound, SoundWindow
from voxint.core.journal import Journal
from voxint.core.request import Request
from voxint.core.resample import resampler

__all__ = ["OwnSound"]

SMOOTH = 0.1
"""How much an utterance moves what is known of the person's level; ours: a dozen make it theirs."""

RECENT = 8
"""Windows of speech of which the loudest counts; ours: a syllable or two, of which one is as loud as the voice is."""

SLIPS = 2
"""Windows behind an echo that still count as one where they look like a person's; ours: who speaks does so for longer,
and a guard that is wrong is so for one or two."""


class OwnSound:
    """Judges the windows of one microphone.

    Args:
        sound: The microphone's.
        echo: How an echo is told from a person.
        barge_in: From which level on speech counts.
        audio_format: The detector's.
    """

    def __init__(self, sound: MicrophoneSound, echo: EchoRules, barge_in: BargeIn, audio_format: AudioFormat) -> None:
        self._sound = sound
        self._rules = echo
        self._quieter_db = barge_in.quieter_db
        self._format = audio_format
        self._guard = EchoGuard(echo, audio_format) if echo.guard else None
        self._last: Request | None = None
        self._said = Journal(0)  # what that one has said: an answer that is interrupted lets go of it
        self._over_until = -1.0  # until when speech is speech over an answer
        self._level_db: float | None = None
        self._recent: deque[float] = deque(maxlen=RECENT)
        self._heard_until = 0
        self._echo_level = EchoLevel()
        self._slips = 0  # how many windows behind an echo may look like a person's

    def sounds(self, speaking: tuple[Request, ...]) -> None:
        """Note which answers there are; what has sounded last is remembered for as long as its echo may take."""
        now = trio.current_time()
        if speaking:
            self._over_until = now + self._rules.most_delay_ms / 1000
        elif now > self._over_until:
            self._last, self._said = None, Journal(0)
        for request in reversed(speaking):
            if request.ledger.sent_samples:  # else the one before it is what is heard
                self._last, self._said = request, request.answer.journal
                break

    def probability(self, window: SoundWindow, least: float) -> float:
        """Return the probability that a person speaks in `window`, who means to be heard.

        Args:
            window: What the detector says.
            least: Below it nothing is looked at: it is no speech anyway.
        """
        if trio.current_time() > self._over_until:
            return window.probability
        if window.probability < least:
            self._echo_level.heard(window.level_db)
            return window.probability
        if self._faint(window):
            return 0.0
        if not self._too_loud(window.level_db) and self._echo(window.end):
            self._echo_level.heard(window.level_db)
            return 0.0
        return window.probability

    def spoke(self, level_db: float) -> None:
        """Learn how loud a person is who was answered, in decibels below full scale: that of their loud windows."""
        known = self._level_db
        self._level_db = level_db if known is None else known + SMOOTH * (level_db - known)

    def _faint(self, window: SoundWindow) -> bool:
        """Return whether the loudest of the last windows in a row is much fainter than the person is."""
        if window.start != self._heard_until:
            self._recent.clear()
        self._recent.append(window.level_db)
        self._heard_until = window.end
        known = self._level_db
        return bool(self._quieter_db) and known is not None and max(self._recent) < known - self._quieter_db

    def _too_loud(self, level_db: float) -> bool:
        """Return whether a window is louder than an echo can be, as far as the answer has told how loud that is."""
        request = self._last
        known = request is not None and request.ledger.heard_ms(trio.current_time()) >= LEARNT_MS
        return known and self._echo_level.is_outdone(level_db)

    def _echo(self, end: int) -> bool:
        """Return whether the microphone hears an answer alone, up to its sample `end`."""
        request = self._last
        if self._guard is None or request is None:
            return False
        begin = max(0, end - self._format.samples(self._rules.heard_ms))
        heard = self._sound.since(begin)[: (end - begin) * BYTES_PER_SAMPLE]
        then = trio.current_time() - self._sound.behind_ms(end) / 1000  # a piece may bring many windows
        reference, ahead_ms = _sounding(request, self._said, then, self._guard.reference_ms, self._rules.ahead_ms)
        if not reference:
            return False
        output = request.ledger.audio_format
        if output != self._format:
            conversion = resampler(output, self._format)
            reference = conversion.feed(reference) + conversion.flush()
        if self._guard.judge(heard, reference, ahead_ms=ahead_ms).own:
            self._slips = SLIPS
            return True
        slipped, self._slips = self._slips > 0, max(0, self._slips - 1)
        return slipped


def _sounding(request: Request, said: Journal, then: float, back_ms: float, ahead_ms: float) -> tuple[bytes, float]:
    """Return what an answer's player had sounded by a time, by the clock, and how many milliseconds of it came after.

    Where it stood, because it was held or stopped, had played all or waited for more, there is silence up to then.
    """
    ledger = request.ledger
    output, at = ledger.audio_format, ledger.heard_samples(then)
    player, stands_since = request.answer.player, request.answer.holding.since
    if stands_since is None or (player is not None and not player.pauses):
        stands_since = ledger.playing_until or then
    silence = output.bytes(min(back_ms, max(0.0, then - stands_since) * 1000))
    first = max(0, at - output.samples(back_ms))
    last = at if silence else at + output.samples(ahead_ms)
    sounded = said.voice(first * BYTES_PER_SAMPLE, last * BYTES_PER_SAMPLE)
    ahead = max(0, len(sounded) - (at - first) * BYTES_PER_SAMPLE)
    return sounded + bytes(silence), output.bytes_ms(ahead)
