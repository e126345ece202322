"""The tests' own instruments: what the tape says is what is heard, and what is played is what the tap sees."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Playwright

from tests.browser.rig.browser import QUANTUM, Tab, launched, opened
from tests.browser.rig.site import Site
from tests.browser.rig.stages import sweep
from tests.browser.rig.tape import RATE, Tape
from tests.needs import needs_chromium

pytestmark = needs_chromium

OPEN = """async () => {
  window.context = new AudioContext();
  await context.resume();
  const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const stream = await navigator.mediaDevices.getUserMedia({ audio });
  window.source = context.createMediaStreamSource(stream);
}"""


def onsets(tab: Tab, *, least: float, apart_s: float) -> list[int]:
    """Return the frames at which the microphone is loud after a silence."""
    rate = tab.run("() => tap.rate")
    found: list[int] = []
    last = -rate
    for quantum in tab.quanta():
        if quantum.heard > least:
            if quantum.frame - last > apart_s * rate:
                found.append(quantum.frame)
            last = quantum.frame
    return found


def test_the_tape_is_heard_as_it_is_laid(playwright: Playwright, site: Site, tmp_path: Path) -> None:
    """The distance between two sounds is kept to a quantum or two, and the tape begins when the microphone opens."""
    tape = Tape(4)
    beep = sweep(RATE, 0, RATE // 50).tobytes()
    for at_s in (0.5, 1.25, 2.5):
        tape.lay(beep, at_s)
    with (
        launched(playwright, tape.write(tmp_path / "tape.wav")) as browser,
        opened(browser, tapped=True) as tab,
    ):
        tab.page.goto(f"{site.origin}/bare.html")
        tab.until("() => window.tap !== undefined")
        tab.run(OPEN)
        tab.until("() => tap.heard.length > 0 && tap.frames.at(-1) > 4 * tap.rate")
        first, second, third = onsets(tab, least=0.1, apart_s=0.2)
        rate = tab.run("() => tap.rate")
    assert abs(second - first - 0.75 * rate) <= 2 * QUANTUM
    assert abs(third - second - 1.25 * rate) <= 2 * QUANTUM


@pytest.mark.parametrize("at_s", [0.5, 0.875])
def test_a_tape_takes_what_fits(at_s: float) -> None:
    """Two recordings don't lie on each other, nor beyond the end."""
    tape = Tape(1)
    tape.lay(sweep(RATE, 0, RATE // 4).tobytes(), 0.5)
    with pytest.raises(ValueError, match="no room"):
        tape.lay(sweep(RATE, 0, RATE // 4).tobytes(), at_s)
