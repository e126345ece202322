"""A server without ears for an open microphone: the page's small detector does it, and is loaded only then."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, Playwright

from tests.browser.rig.browser import launched, opened
from tests.browser.rig.server import VoiceServer
from tests.browser.rig.site import Site
from tests.browser.rig.talk import talking
from tests.browser.rig.tape import Tape, trimmed
from tests.needs import needs_chromium
from tests.providers.recordings import prompts, readings

pytestmark = needs_chromium

ASKED_AT_S = 1.0
OVER_AT_S = 9.0
"""The second voice: the question of 2.8 s is long over, and the answer of forty seconds is heard."""


def test_a_person_speaks_and_interrupts(playwright: Playwright, site: Site, tmp_path: Path) -> None:
    """What is said hands-free is cut into utterances here, answered, and interrupts the answer."""
    tape = Tape(15)
    tape.lay(trimmed(readings()[1][0]), ASKED_AT_S)
    tape.lay(trimmed(prompts()[0][0]), OVER_AT_S)
    with (
        VoiceServer(detector="none") as server,
        launched(playwright, tape.write(tmp_path / "tape.wav")) as browser,
        opened(browser, tapped=True) as tab,
    ):
        tab.go_bare(site.origin)
        talk = talking(tab, server.url)
        assert "server_vad" not in tab.run("() => [...agent.client.features]")
        assert not any(url.endswith(".wasm") for url in tab.asked)
        tab.run("() => agent.openMicrophone()")
        assert any(url.endswith(".wasm") for url in tab.asked)
        server.questions(1)
        talk.until_state("speaking")
        [record] = tab.until_told("agent", "interruption")
        server.questions(2)
        talk.until_state("speaking")
    assert record["detail"]["record"]["by"] == "voice"
    assert record["detail"]["record"]["stale"] == 0
    assert tab.wrong == []


def test_a_server_with_ears_needs_no_detector(browser: Browser, site: Site, scripted: VoiceServer) -> None:
    """Where the server hears by itself, nothing of the detector is loaded."""
    with opened(browser) as tab:
        tab.go_bare(site.origin)
        talking(tab, scripted.url)
        tab.run("() => agent.openMicrophone()")
        tab.until("() => agent.microphone === 'on'")
        assert not any(url.endswith(".wasm") for url in tab.asked)
        assert tab.wrong == []
