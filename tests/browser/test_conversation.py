"""A conversation with this machine's own models in a real browser: a person asks, coughs, speaks over the answer."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Playwright

from tests.browser.rig.browser import QUANTUM, Tab, launched, opened
from tests.browser.rig.played import stretches
from tests.browser.rig.server import VoiceServer
from tests.browser.rig.site import Site
from tests.browser.rig.stages import STORY
from tests.browser.rig.talk import Talk, talking
from tests.browser.rig.tape import Tape, trimmed
from tests.core.ears.rooms import pcm, voice
from tests.needs import needs_chromium, needs_kokoro, needs_moonshine, needs_silero
from tests.providers.recordings import prompts, readings, share_of_errors

pytestmark = [needs_chromium, needs_moonshine, needs_silero]

COUGH = pcm(voice(3, 0.15, 150.0))
"""A grunt made by code: the detector takes it for speech, the recogniser for an uh or for nothing."""

ASKED_AT_S = 1.0
OVER_AT_S = 12.0
"""The second voice. By then the question, over at 3.8 s, is understood on any machine that is fit for these models, and
the answer of 13 s is being heard."""

FIRST = (
    "Once there was a keeper of a lighthouse who told the gulls about the fog and told the fog about the gulls and "
    "told every ship that sailed by about the gulls and the fog until nobody listened to a word he said."
)
"""One sentence, so that there is no pause in it."""

SECOND = "Then somebody called him and he was silent at once."

AUDIBLE = 0.003
HINT_S = 0.060
ONSET_S = 0.400
"""From the local hint, and from the first sound of a voice, to silence: what is promised."""

SILENCE_S = 0.15
"""What counts as one; ours: longer than any in the middle of a sentence."""

WORDS_WRONG = 0.2
"""Of what people said: the share of words that may be misunderstood; ours: the recogniser is a small one."""


def open_and_listen(tab: Tab, site: Site, server: VoiceServer) -> Talk:
    """Open the agent, its loudspeaker and, last, the microphone: with it the tape begins."""
    tab.go_bare(site.origin)
    talk = talking(tab, server.url)
    tab.until("() => tap.frames.length > 0")
    tab.run("() => { tap.keep = true; tap.clear(); return agent.openMicrophone(); }")
    return talk


def first_heard(tab: Tab, after: int, least: float = 0.02) -> int:
    """Return the first frame from `after` on with a sound at the microphone."""
    return next(each.frame for each in tab.quanta() if each.frame >= after and each.heard > least)


def silent_from(tab: Tab, after: int, seconds: float) -> int:
    """Return the frame behind `after` from which on nothing is played for so long."""
    rate = tab.run("() => tap.rate")
    loud = [each.frame for each in tab.quanta() if each.out > AUDIBLE and each.frame >= after]
    for this, following in pairwise([after, *loud, 10**12]):
        if following - this > seconds * rate:
            return this + QUANTUM
    raise AssertionError("it was never silent")


@needs_kokoro
def test_a_person_asks_and_speaks_over_the_answer(playwright: Playwright, site: Site, tmp_path: Path) -> None:
    """A question that was spoken is answered aloud; a second voice silences the answer at once and is answered itself.

    The model is shown of its first answer what was heard of it, and no more.
    """
    question, said = readings()[1]
    second, said_then = prompts()[0]
    tape = Tape(40)
    tape.lay(trimmed(question), ASKED_AT_S)
    tape.lay(trimmed(second), OVER_AT_S)
    with (
        VoiceServer(ears="models", detector="models", voice="models", answers=[FIRST, SECOND]) as server,
        launched(playwright, tape.write(tmp_path / "tape.wav")) as browser,
        opened(browser, tapped=True) as tab,
    ):
        talk = open_and_listen(tab, site, server)
        [first_asked] = server.questions(1)
        talk.until_state("speaking")
        tab.until_told("sound", "onset")
        [record] = tab.until_told("agent", "interruption")
        *_, second_asked = server.questions(2)
        rate = tab.run("() => tap.rate")
        # The tape began with the first quantum of the microphone, so that the second voice is where it was laid.
        began = first_heard(tab, 0)
        spoke = first_heard(tab, began + round((OVER_AT_S - ASKED_AT_S - 1) * rate))
        silent = silent_from(tab, spoke, SILENCE_S)
        talk.until_heard(tab.run("() => agent.messages.at(-1).requestId"), 1000)
        cut = talk.message(record["detail"]["record"]["requestId"])
        marks = record["detail"]["record"]["at"]
    assert silent - spoke <= ONSET_S * rate, (silent - spoke) / rate
    assert marks["silent"] - marks["heard"] <= 1000 * HINT_S
    [question_words] = [words for role, words in first_asked if role == "user"]
    shown = [(role, words) for role, words in second_asked if role != "system"]
    assert [role for role, _ in shown] == ["user", "assistant", "user"]
    heard = shown[1][1].removesuffix(" [interrupted by the user]")
    assert heard != shown[1][1], "nothing says that it was interrupted"
    assert FIRST.startswith(heard)
    assert 0 < len(heard) < len(FIRST)
    assert cut["status"] == "interrupted"
    assert cut["heard"].strip() == heard.strip()
    assert share_of_errors([(said, question_words), (said_then, shown[2][1])]) <= WORDS_WRONG


def test_a_cough_costs_nothing(playwright: Playwright, site: Site, tmp_path: Path) -> None:
    """The sound ducks, the answer is held and goes on, and no sample of it is lost or played twice."""
    question, _ = readings()[1]
    tape = Tape(20)
    asked_until = tape.lay(trimmed(question), ASKED_AT_S)
    coughs_at = asked_until + 4
    tape.lay(COUGH, coughs_at)
    answer = " ".join(STORY.split()[:26])
    with (
        VoiceServer(ears="models", detector="models", answers=[answer]) as server,
        launched(playwright, tape.write(tmp_path / "tape.wav")) as browser,
        opened(browser, tapped=True) as tab,
    ):
        talk = open_and_listen(tab, site, server)
        [held] = tab.until_told("socket", "hold", where="detail.state === 'held'")
        [released] = tab.until_told("socket", "hold", where="detail.state === 'released'")
        told = talk.until_status(held["detail"]["requestId"], "complete")
        tab.until("() => agent.state !== 'speaking' && agent.state !== 'held'")
        rate = tab.run("() => tap.rate")
        _, samples = tab.kept()
        heard = stretches(samples, rate)
        assert talk.counts()["interruptions"] == 0
    assert released["detail"]["requestId"] == held["detail"]["requestId"]
    assert told["text"].split() == answer.split()
    assert len(heard) >= 2, "it was never silent"
    for before, after in pairwise(heard):
        assert -0.015 <= after.from_s - before.to_s <= 0.001, "lost, or told again"
    assert max(each.slip for each in heard) < 0.001
    assert heard[0].from_s == pytest.approx(0, abs=0.003)
    assert heard[-1].to_s == pytest.approx((len(answer) + 1) / 16, abs=0.01)
