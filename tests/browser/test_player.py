"""The player and the onset's hint in a real browser, heard by the tap behind them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from playwright.sync_api import Browser, Playwright

from tests.browser.rig.browser import QUANTUM, Tab, launched, opened
from tests.browser.rig.played import stretches
from tests.browser.rig.site import Site
from tests.browser.rig.tape import RATE, Tape, trimmed
from tests.needs import needs_chromium
from tests.providers.recordings import readings

pytestmark = needs_chromium

VOICE_AT_S = 2.0
FADE_S = 0.010
HINT_S = 0.060
"""From the local hint to silence."""

ONSET_S = 0.400
"""From the first sound of a voice to silence."""

AUDIBLE = 0.005


@pytest.fixture(scope="module")
def browser(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Return a browser before whose microphone somebody speaks, two seconds after it is opened."""
    tape = Tape(8)
    tape.lay(trimmed(readings()[0][0])[: 2 * RATE * 2], VOICE_AT_S)
    with launched(playwright, tape.write(tmp_path_factory.mktemp("tape") / "voice.wav")) as found:
        yield found


@pytest.fixture
def tab(browser: Browser, site: Site) -> Iterator[Tab]:
    """Return the bare page with a player."""
    with opened(browser, tapped=True) as found:
        found.go_bare(site.origin)
        found.run("() => openPlayer()")
        yield found
        assert found.wrong == []
        assert found.told("player", "error") == []


def last_audible(tab: Tab, before: int) -> int:
    """Return the end of the last quantum in which something was played, of those that begin before a frame."""
    return max(each.frame for each in tab.quanta() if each.out > AUDIBLE and each.frame < before) + QUANTUM


def test_an_answer_is_played_whole(tab: Tab) -> None:
    """Not a sample of it is left out, from the first to the last, at a rate that is not the sound card's."""
    tab.run("() => play('req_1', 3)")
    tab.until_told("player", "drained")
    _, samples = tab.kept()
    [heard] = stretches(samples, tab.run("() => tap.rate"))
    assert heard.from_s == pytest.approx(0, abs=0.002)
    assert heard.to_s == pytest.approx(3, abs=0.002)
    assert heard.slip < 0.001
    assert tab.run("() => player.playedMs('req_1')") == pytest.approx(3000, abs=2)
    assert tab.run("() => player.stats.underruns") == 0


def test_what_is_discarded_fades_and_is_silent(tab: Tab) -> None:
    """Silence comes within a quantum and the fade of the order to stop, and the player knows to the sample when."""
    tab.run("() => play('req_1', 5)")
    tab.until("() => player.playedMs('req_1') > 500")
    done = tab.run(
        "async () => { const from = Math.round(context.currentTime * tap.rate);"
        " const done = await player.discard('req_1'); return { from, ...done }; }"
    )
    rate = tab.run("() => tap.rate")
    tab.until("frame => tap.frames.at(-1) > frame", done["silentFrame"] + rate // 4)
    first, samples = tab.kept()
    [heard] = stretches(samples, rate)
    assert first + heard.end * rate <= done["silentFrame"]
    assert heard.to_s * 1000 == pytest.approx(done["playedMs"], abs=1000 * FADE_S + 1)
    [silent] = tab.told("player", "silent")
    assert silent["detail"]["why"] == "discard"
    assert silent["detail"]["frame"] == done["silentFrame"]
    assert silent["detail"]["frame"] - silent["detail"]["atFrame"] <= FADE_S * rate + QUANTUM
    steps = max(abs(b - a) for a, b in pairwise(samples))
    assert steps < 0.25, "a click"


def test_a_hold_loses_no_sample(tab: Tab) -> None:
    """Held and released, the answer goes on with what was next."""
    tab.run("() => play('req_1', 3)")
    tab.until("() => player.playedMs('req_1') > 1000")
    tab.run("() => player.pause()")
    [paused] = tab.until_told("player", "silent")
    tab.until("frame => tap.frames.at(-1) > frame", paused["detail"]["frame"] + 20_000)
    tab.run("() => player.resume()")
    tab.until_told("player", "drained")
    _, samples = tab.kept()
    before, after = stretches(samples, tab.run("() => tap.rate"))
    assert -0.015 <= after.from_s - before.to_s <= 0.001, "lost, or told again"
    assert after.to_s == pytest.approx(3, abs=0.002)
    assert max(before.slip, after.slip) < 0.001
    assert tab.run("() => player.playedMs('req_1')") == pytest.approx(3000, abs=2)


def test_a_voice_over_the_answer_ducks_it_at_once(tab: Tab) -> None:
    """Silence comes 60 ms after the hint and 400 ms after the voice's first sound at the latest.

    As nothing follows from it, the answer goes on by itself, with no sample lost.
    """
    tab.run("async () => { await openRecorder(); play('req_1', 6); }")
    [onset, *_] = tab.until_told("recorder", "onset")
    tab.until_told("player", "drained")
    rate = tab.run("() => tap.rate")
    spoke = next(each.frame for each in tab.quanta() if each.heard > AUDIBLE)
    [silent, *_] = tab.told("player", "silent")
    assert silent["detail"]["why"] == "hint"
    quiet_from = last_audible(tab, silent["detail"]["frame"] + QUANTUM)
    assert quiet_from - onset["detail"]["frame"] <= HINT_S * rate
    assert quiet_from - spoke <= ONSET_S * rate
    assert spoke <= onset["detail"]["frame"]
    _, samples = tab.kept()
    heard = stretches(samples, rate)
    for before, after in pairwise(heard):
        assert -0.015 <= after.from_s - before.to_s <= 0.001, "lost, or told again"
    assert heard[-1].to_s == pytest.approx(6, abs=0.002)
