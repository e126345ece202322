"""The echo guard: the answer's own sound is told as that, and a person over it is heard."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from tests.core.ears.rooms import FORMAT, RATE, Sound, echo_of, level, pcm, voice
from voxint.core.audio import AudioFormat
from voxint.core.ears.echo import EchoGuard, EchoRules, EchoVerdict

pytestmark = pytest.mark.virtual_time

RULES = EchoRules()
WINDOW = 512
LEAD = 1.0
"""Seconds of silence before the answer."""

ANSWER = np.concatenate([np.zeros(int(LEAD * RATE)), voice(1, 3.0, 190), np.zeros(RATE // 2)])
PERSON = voice(7, 1.0, 115)


def noise(size: int, level_db: float = -70) -> Sound:
    """Return a microphone's own noise."""
    return np.random.default_rng(3).standard_normal(size) * 10 ** (level_db / 20)


def judged(microphone: Sound, answer: Sound, guard: EchoGuard | None = None) -> list[tuple[float, EchoVerdict]]:
    """Return a verdict for each window in which the microphone hears more than noise, with its second."""
    guard = guard or EchoGuard(RULES, FORMAT)
    heard, said = pcm(microphone), pcm(answer)
    ahead = FORMAT.samples(RULES.ahead_ms)
    found = []
    for end in range(RATE, len(microphone) - ahead, WINDOW):
        if level(microphone[end - WINDOW : end]) > 0.001:
            verdict = guard.judge(heard[: end * 2], said[: (end + ahead) * 2], ahead_ms=RULES.ahead_ms)
            found.append((end / RATE, verdict))
    return found


def fired(verdicts: list[tuple[float, EchoVerdict]]) -> list[float]:
    """Return the seconds at which the guard says for the second window in a row that a person speaks."""
    return [second for (_, before), (second, now) in pairwise(verdicts) if not before.own and not now.own]


@pytest.mark.parametrize("delay_ms", [-150, 0, 90, 340, 780])
@pytest.mark.parametrize("level_db", [-6, -20, -30])
def test_an_echo_is_told_from_its_first_syllable(delay_ms: float, level_db: float) -> None:
    """At any delay and level, before anything is learnt, the answer's sound is nobody's; the delay is found."""
    microphone = echo_of(ANSWER, delay_ms=delay_ms, level_db=level_db) + noise(len(ANSWER))
    verdicts = judged(microphone, ANSWER)
    assert len(verdicts) > 40
    assert fired(verdicts) == []
    assert float(np.median([verdict.delay_ms for _, verdict in verdicts])) == pytest.approx(delay_ms, abs=2)


@pytest.mark.parametrize("delay_ms", [-150, 90, 780])
@pytest.mark.parametrize("over_db", [10, 0, -6])
def test_a_person_is_heard_over_the_echo(delay_ms: float, over_db: float) -> None:
    """Whoever speaks over the answer, louder or softer than its echo, is heard within 200 ms."""
    echo = echo_of(ANSWER, delay_ms=delay_ms, level_db=-15)
    begins = 2.4
    microphone = echo + noise(len(ANSWER))
    at = int(begins * RATE)
    person = PERSON * level(echo[RATE * 2 : RATE * 3]) / level(PERSON) * 10 ** (over_db / 20)
    microphone[at : at + len(person)] += person
    seconds = fired(judged(microphone, ANSWER))
    assert seconds
    assert begins < seconds[0] <= begins + 0.2


def test_a_person_is_heard_where_there_is_no_echo() -> None:
    """With headphones on, the answer explains nothing of a person, and they are heard at once."""
    microphone = noise(len(ANSWER))
    at = 2 * RATE
    microphone[at : at + len(PERSON)] += PERSON / 2
    verdicts = judged(microphone, ANSWER)
    assert fired(verdicts)[0] <= 2.2
    assert min(verdict.person_db for second, verdict in verdicts if 2.3 < second < 2.9) > -6


def test_a_person_is_heard_in_a_pause_of_the_answer() -> None:
    """Where the answer is silent, also in what is remembered of it, everything is a person's."""
    verdict = EchoGuard(RULES, FORMAT).judge(pcm(PERSON[:8_192]), bytes(40_000))
    assert verdict == EchoVerdict(0.0, verdict.delay_ms, 0.0, own=False)


def test_an_echo_is_told_where_clocks_drift() -> None:
    """A client's sound card runs faster than the server's clock, by 0.01 %: its echo is nobody's."""
    echo = echo_of(ANSWER, delay_ms=120, level_db=-15)
    at = np.arange(len(echo))
    assert fired(judged(np.interp(at * 1.0001, at, echo) + noise(len(echo)), ANSWER)) == []


def test_an_echo_is_told_for_a_loudspeaker_that_clips_the_microphone() -> None:
    """A microphone that is overdriven a little hears the answer's sound nevertheless."""
    echo = echo_of(ANSWER, delay_ms=60, level_db=0) * 3
    microphone = np.clip(echo + noise(len(echo)), -1, 1)
    assert np.max(np.abs(microphone)) == 1
    assert fired(judged(microphone, ANSWER)) == []


def test_what_is_fainter_than_anybody_is_nobody() -> None:
    """What an echo canceller leaves is bent beyond any comparison; it is too faint to interrupt."""
    rest = voice(9, 0.6, 150) * 10 ** (-40 / 20)
    guard = EchoGuard(RULES, FORMAT)
    assert guard.judge(pcm(rest), pcm(ANSWER[: 2 * RATE])) == EchoVerdict(1.0, 0.0, -60.0, own=True)
    louder = EchoGuard(EchoRules(faintest_db=-70), FORMAT)
    assert not louder.judge(pcm(rest), pcm(ANSWER[: 2 * RATE])).own


@pytest.mark.parametrize("heard", [b"", b"\1", bytes(16_384), bytes(900), pcm(PERSON[:900])])
def test_silence_and_crumbs_are_nobody(heard: bytes) -> None:
    """Of nothing, of zeros and of less than a syllable no person is made."""
    assert EchoGuard(RULES, FORMAT).judge(heard, pcm(ANSWER)).own


@pytest.mark.parametrize("said", [b"", b"\1", bytes(2), bytes(1_001)])
def test_an_answer_that_has_just_begun(said: bytes) -> None:
    """A reference of any length is taken: what is missing in front was silence."""
    verdict = EchoGuard(RULES, FORMAT).judge(pcm(PERSON[:8_001]) + b"\1", said, ahead_ms=200)
    assert (verdict.own, verdict.share) == (False, 0.0)


def test_more_than_is_needed_changes_nothing() -> None:
    """A caller may hand over all it has: the latest counts, and what lies beyond `ahead_ms` doesn't."""
    heard = pcm(echo_of(ANSWER, delay_ms=100, level_db=-12))
    said = pcm(ANSWER)
    end, ahead = RATE * 2 * 2, FORMAT.bytes(RULES.ahead_ms)
    guard = EchoGuard(RULES, FORMAT)
    exact_from = end - FORMAT.bytes(guard.reference_ms)
    exact = guard.judge(
        heard[end - FORMAT.bytes(RULES.heard_ms) : end], said[exact_from : end + ahead], ahead_ms=RULES.ahead_ms
    )
    more = EchoGuard(RULES, FORMAT).judge(heard[:end], said[: end + 2 * ahead], ahead_ms=2 * RULES.ahead_ms)
    assert exact == more


def test_sounds_of_half_the_rate_are_compared_too() -> None:
    """A telephone's 8 kHz is compared as it is."""
    echo, answer = echo_of(ANSWER, delay_ms=100, level_db=-12)[::2], ANSWER[::2]
    verdict = EchoGuard(RULES, AudioFormat(8_000)).judge(pcm(echo[:RATE]), pcm(answer[:RATE]))
    assert verdict.own
    assert verdict.delay_ms == pytest.approx(100, abs=2)


def test_another_rate_is_refused() -> None:
    """Who compares sounds of another rate is told to resample them."""
    with pytest.raises(ValueError, match="8000 or 16000 samples a second, not 24000: resample both"):
        EchoGuard(RULES, AudioFormat(24_000))
