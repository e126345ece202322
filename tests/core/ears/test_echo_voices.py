"""The echo guard over the voice that answers and people who speak, where both are on the machine."""

from __future__ import annotations

import numpy as np
import soxr

from bench.recordings import LIBRIVOX, read_aloud
from tests.core.ears.rooms import FORMAT, RATE, Sound, echo_of, level, pcm
from tests.needs import missing, needs, needs_kokoro
from tests.providers.spoken import speak
from voxint.core.ears.echo import EchoGuard, EchoRules
from voxint.providers.kokoro import Kokoro

pytestmark = [needs_kokoro, needs(missing(files=(LIBRIVOX,), debian="pocketsphinx-testdata"))]

RULES = EchoRules()
WINDOW = 512


def times_of_a_person(microphone: Sound, answer: Sound) -> list[float]:
    """Return the seconds at which the guard says for the second window in a row that a person speaks."""
    guard = EchoGuard(RULES, FORMAT)
    heard, said = pcm(microphone), pcm(answer)
    ahead = FORMAT.samples(RULES.ahead_ms)
    found, in_a_row = [], 0
    for end in range(RATE, len(microphone) - ahead, WINDOW):
        if level(microphone[end - WINDOW : end]) < 0.002:
            in_a_row = 0
            continue
        own = guard.judge(heard[: end * 2], said[: (end + ahead) * 2], ahead_ms=RULES.ahead_ms).own
        in_a_row = 0 if own else in_a_row + 1
        if in_a_row >= 2:
            found.append(end / RATE)
    return found


async def test_the_answers_voice_is_nobody_and_people_are_heard_over_it() -> None:
    """Of an answer by the machine's own voice no person is made, and each recorded person over it is heard.

    That holds in two rooms and at two delays, for persons who are as loud as the echo: three of four are heard within
    400 ms, all within 700 ms.
    """
    async with Kokoro(seats=1, wait_s=60) as stage:
        spoken = await speak(stage, "The museum opens at nine in the morning, and closes at six, except on Mondays.")
    spoken_at = np.frombuffer(b"".join(each.audio for each in spoken), "<i2") / 32_768
    answer = np.concatenate([np.zeros(RATE), soxr.resample(spoken_at, stage.audio_format.rate, RATE), np.zeros(RATE)])
    quiet = np.random.default_rng(0).standard_normal(len(answer)) * 10 ** (-70 / 20)
    people = [np.frombuffer(each.at(FORMAT), "<i2") / 32_768 for each in read_aloud()]
    assert people
    after_s = []
    for room, (delay_ms, ring_s) in enumerate([(60, 0.25), (420, 0.4)]):
        echo = echo_of(answer, delay_ms=delay_ms, level_db=-14, ring_s=ring_s, seed=room)
        assert times_of_a_person(echo + quiet, answer) == []
        for each in people:
            begins = int(np.argmax(np.abs(each) > 0.1 * np.max(np.abs(each))))
            person = each[begins : begins + RATE]
            at = int(2.2 * RATE)
            microphone = echo + quiet
            microphone[at : at + len(person)] += person * level(echo[RATE : 3 * RATE]) / level(person)
            after_s.append(times_of_a_person(microphone, answer)[0] - 2.2)
    assert min(after_s) > 0
    assert float(np.quantile(after_s, 0.75)) <= 0.4
    assert max(after_s) <= 0.7
