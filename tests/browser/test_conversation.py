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
from tests.browser.rig.tape import RATE, Tape, trimmed
from tests.core.ears.rooms import pcm, voice
from tests.needs import needs_chromium, needs_kokoro, needs_moonshine, needs_silero
from tests.providers.recordings import prompts, readings, share_of_errors

pytestmark = [needs_chromium, needs_moonshine, needs_silero]

COUGH = pcm(voice(3, 0.15, 150.0))
"""A grunt made by code: the detector takes it for speech, the recogniser for an uh or for nothing."""

LAID_AT_S = 1.0
"""Where a sound lies on its tape: by then the hint has learned how quiet the room is."""

FIRST = (
    "Once there was a keeper of a lighthouse who told the gulls about the fog and told the fog about the gulls until "
    "nobody listened to a word he said."
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


def open_tab(tab: Tab, site: Site, server: VoiceServer) -> Talk:
    """Open the agent and its loudspeaker, and keep what is played from now on."""
    tab.go_bare(site.origin)
    talk = talking(tab, server.url)
    tab.until("() => tap.frames.length > 0")
    tab.run("() => { tap.keep = true; tap.clear(); }")
    return talk


def hear(tab: Tab, path: Path, sound: bytes) -> int:
    """Open the microphone anew, before which this is heard then; return the frame from which on.

    A tape begins when the microphone is opened: so a sound comes when it is wanted, however slow the machine.
    """
    tape = Tape(LAID_AT_S + len(sound) / RATE / 2 + 0.1)
    tape.lay(sound, LAID_AT_S)
    tab.run("() => agent.closeMicrophone()")
    tape.write(path)
    from_frame: int = tab.run("""async () => {
      const from = Math.round(tap.context.currentTime * tap.rate);
      await agent.openMicrophone();
      return from;
    }""")
    return from_frame


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
    tape = Tape(1).write(tmp_path / "tape.wav")
    with (
        VoiceServer(ears="models", detector="models", voice="models", answers=[FIRST, SECOND]) as server,
        launched(playwright, tape) as browser,
        opened(browser, tapped=True) as tab,
    ):
        talk = open_tab(tab, site, server)
        hear(tab, tape, trimmed(question))
        [first_asked] = server.questions(1)
        talk.until_heard(tab.until("() => agent.messages.find((each) => each.role === 'agent')?.requestId"), 1000)
        again_from = hear(tab, tape, trimmed(second))
        tab.until_told("sound", "onset")
        [record] = [each["detail"]["record"] for each in tab.until_told("agent", "interruption")]
        *_, second_asked = server.questions(2)
        rate = tab.run("() => tap.rate")
        spoke = first_heard(tab, again_from)
        silent = silent_from(tab, spoke, SILENCE_S)
        cut = talk.message(record["requestId"])
        talk.until_heard(tab.run("() => agent.messages.at(-1).requestId"), 1000)
    assert silent - spoke <= ONSET_S * rate, (silent - spoke) / rate
    assert record["at"]["silent"] - record["at"]["heard"] <= 1000 * HINT_S
    [question_words] = [words for role, words in first_asked if role == "user"]
    shown = [(role, words) for role, words in second_asked if role != "system"]
    assert [role for role, _ in shown] == ["user", "assistant", "user"]
    heard = shown[1][1].removesuffix(" [interrupted by the user]")
    assert heard != shown[1][1], "nothing says that it was interrupted"
    assert FIRST.startswith(heard)
    assert 0 < len(heard) < len(FIRST)
    assert (cut["status"], cut["heard"].strip()) == ("interrupted", heard.strip())
    assert share_of_errors([(said, question_words), (said_then, shown[2][1])]) <= WORDS_WRONG


def test_a_cough_costs_nothing(playwright: Playwright, site: Site, tmp_path: Path) -> None:
    """The sound ducks, the answer is held and goes on, and no sample of it is lost or played twice."""
    tape = Tape(1).write(tmp_path / "tape.wav")
    answer = " ".join(STORY.split()[:26])
    with (
        VoiceServer(ears="models", detector="models", answers=[answer]) as server,
        launched(playwright, tape) as browser,
        opened(browser, tapped=True) as tab,
    ):
        talk = open_tab(tab, site, server)
        request_id = talk.ask("tell me a story")
        talk.until_heard(request_id, 1000)
        from_frame = hear(tab, tape, COUGH)
        tab.until_told("sound", "onset")
        [held, *_] = tab.until_told("socket", "hold", where="detail.state === 'held'")
        [released, *_] = tab.until_told("socket", "hold", where="detail.state === 'released'")
        told = talk.until_status(request_id, "complete")
        rate = tab.run("() => tap.rate")
        coughed = first_heard(tab, from_frame)
        silent = silent_from(tab, coughed, SILENCE_S)
        _, samples = tab.kept()
        heard = stretches(samples, rate)
        counts = talk.counts()
    assert (counts["interruptions"], counts["stale"]) == (0, 0)
    assert held["detail"]["requestId"] == released["detail"]["requestId"] == request_id
    assert told["text"].split() == answer.split()
    assert silent - coughed <= ONSET_S * rate
    assert len(heard) >= 2, "it was never silent"
    for before, after in pairwise(heard):
        assert -0.015 <= after.from_s - before.to_s <= 0.001, "lost, or told again"
    assert max(each.slip for each in heard) < 0.001
    assert heard[0].from_s == pytest.approx(0, abs=0.003)
    assert heard[-1].to_s == pytest.approx((len(answer) + 1) / 16, abs=0.01)
