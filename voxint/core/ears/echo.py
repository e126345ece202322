"""Whether what comes in is the answer's own sound."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from attrs import field, frozen

from voxint.arguments import bounded, check_fields
from voxint.core.audio import BYTES_PER_SAMPLE, AudioFormat
from voxint.core.level import QUIETEST_DB, decibels

if TYPE_CHECKING:
    from voxint.core.ears.echo_path import EchoPath

__all__ = ["EchoGuard", "EchoRules", "EchoVerdict"]

LEAST_MS = 64.0
"""Of a microphone; ours: less is two frames of a spectrum, and no syllable."""


@frozen(kw_only=True, field_transformer=check_fields)
class EchoRules:
    """How the answer's own sound is told from a person's.

    Args:
        guard: Whether it is.
        most_delay_ms: How much later than reckoned the microphone may hear the answer. Ours: the network there and
            back, a jitter buffer, two sound cards and a Bluetooth loudspeaker come to that.
        ahead_ms: How much sooner than reckoned. Ours: a client that plays at once, where a usual one was reckoned with.
        heard_ms: How much of the microphone one judgement looks at. Ours: two or three syllables, enough to tell a
            coincidence from an echo.
        judged_ms: How much of that, at its end, a person is looked for in. Ours: a person who has just begun is not
            outweighed by the echo before.
        person_db: From which level on, against all that the microphone heard, what the answer does not explain is a
            person. Ours, by measuring: below it are distortion, reverberation and a drifting clock.
        faintest_db: What the microphone hears below this level, against full scale, is nobody who means to interrupt.
            Ours: what a browser's echo canceller leaves of an answer is there; a voice at arm's length is above -45.
    """

    guard: bool = True
    most_delay_ms: float = field(default=800.0, validator=bounded(at_least=0, at_most=2_000))
    ahead_ms: float = field(default=200.0, validator=bounded(at_least=0, at_most=1_000))
    heard_ms: float = field(default=512.0, validator=bounded(at_least=128, at_most=1_000))
    judged_ms: float = field(default=200.0, validator=bounded(at_least=64, at_most=1_000))
    person_db: float = field(default=-10.0, validator=bounded(at_least=-40, at_most=0))
    faintest_db: float = field(default=-55.0, validator=bounded(at_least=-96, at_most=0))


@frozen
class EchoVerdict:
    """What a microphone heard while an answer sounded.

    Args:
        share: How much of its energy the answer's sound and steady noise explain, 0 to 1.
        delay_ms: How much later than reckoned the microphone hears the answer; below 0: sooner.
        person_db: The level of what is left, in decibels against all that was heard: 0 is all of it, -60 nothing.
        own: Whether it is the answer's own sound, or too faint to be anybody's.
    """

    share: float
    delay_ms: float
    person_db: float
    own: bool


class EchoGuard:
    """Tells the answer's own sound from a person's, for one microphone.

    It knows nothing at first and needs to know nothing; as it goes on it remembers the delay, the path from the
    loudspeaker to the microphone, and the room's noise. It reads no clock: both sounds end at one moment.

    A judgement takes 1 to 1.6 ms of a core: it is meant for windows that a voice detector takes for speech, while an
    answer sounds.

    Args:
        rules: What is an echo.
        audio_format: That of both sounds: 8,000 or 16,000 samples a second.

    Raises:
        ValueError: The format is another one.
    """

    def __init__(self, rules: EchoRules, audio_format: AudioFormat) -> None:
        # numpy takes 0.1 s to import, which a session without a microphone need not pay.
        from voxint.core.ears.echo_path import RATE, TAIL_MS, EchoPath, power_of

        if audio_format.rate not in (RATE, 2 * RATE):
            raise ValueError(
                f"the echo guard compares sounds of {RATE} or {2 * RATE} samples a second, not {audio_format.rate}: "
                "resample both"
            )
        self._rules = rules
        self._format = audio_format
        self._path: EchoPath = EchoPath(
            halve=audio_format.rate != RATE,
            most_delay=int(rules.most_delay_ms * RATE / 1000),
            judged=int(rules.judged_ms * RATE / 1000),
        )
        self._rate = RATE
        self._power_of = power_of
        self.reference_ms = rules.heard_ms + rules.most_delay_ms + TAIL_MS
        """How much of the answer before the microphone's last sample is looked at; what is older is of no use."""

    def judge(self, microphone: bytes, reference: bytes, *, ahead_ms: float = 0.0) -> EchoVerdict:
        """Return what the microphone heard.

        Args:
            microphone: Its latest samples; of more than `heard_ms` the last are taken. Of less than 64 ms nothing can
                be said: that is nobody yet.
            reference: What the player has sounded, as reckoned, up to the microphone's last sample and `ahead_ms`
                beyond; silence in it as zeros. It may be shorter than `reference_ms`: before it, nothing sounded.
            ahead_ms: How much of the reference is later than the microphone's last sample: what the player has been
                sent and will sound next. `EchoRules.ahead_ms` of it are of use.
        """
        rules, sound_format = self._rules, self._format
        whole = len(microphone) // BYTES_PER_SAMPLE * BYTES_PER_SAMPLE
        microphone = microphone[max(0, whole - sound_format.bytes(rules.heard_ms)) : whole]
        whole = len(reference) // BYTES_PER_SAMPLE * BYTES_PER_SAMPLE
        over = max(0, sound_format.bytes(ahead_ms) - sound_format.bytes(rules.ahead_ms))
        ahead = sound_format.bytes(min(ahead_ms, rules.ahead_ms))
        whole = max(0, whole - over)
        reference = reference[max(0, whole - ahead - sound_format.bytes(self.reference_ms)) : whole]
        path = self._path
        heard, sounded = path.samples(microphone), path.samples(reference)
        if sound_format.bytes_ms(len(microphone)) < LEAST_MS or (
            decibels(self._power_of(heard), -inf) < rules.faintest_db
        ):
            return EchoVerdict(1.0, 0.0, QUIETEST_DB, own=True)
        ahead_samples = min(len(sounded), int(sound_format.bytes_ms(ahead) * self._rate / 1000))
        delay = path.delay(heard, sounded, ahead_samples)
        left = path.left(heard, sounded, ahead_samples, delay)
        person_db = decibels(left)
        own = person_db < rules.person_db
        path.learn(own=own)
        return EchoVerdict(1 - left, delay * 1000 / self._rate, person_db, own=own)
