"""What holds once holds two hundred times: interruptions without a stale chunk, conversations that leave nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Playwright

from tests.browser.rig.browser import Tab, launched, opened
from tests.browser.rig.server import VoiceServer
from tests.browser.rig.site import Site
from tests.browser.rig.talk import talking
from tests.browser.rig.wire import Wire
from tests.needs import needs_chromium

pytestmark = needs_chromium

TIMES = 200

INTERRUPT_OFTEN = """async (times) => {
  const until = (good, what) => new Promise((done, late) => {
    const over = setTimeout(() => late(new Error(`never ${what}: ${agent.state}`)), 20_000);
    const look = () => {
      if (!good()) return setTimeout(look, 4);
      clearTimeout(over);
      done(null);
    };
    look();
  });
  const moments = [
    () => true,
    (id) => agent.messages.some((each) => each.requestId === id && each.role === "agent" && each.text),
    (id) => agent.sound.player.playedMs(id) > 0,
    (id) => agent.sound.player.playedMs(id) > 60,
  ];
  for (let n = 0; n < times; n += 1) {
    const { requestId } = agent.ask(`question ${n}`);
    await until(() => moments[n % moments.length](requestId), `moment ${n % moments.length} of ${n}`);
    await agent.interrupt("button");
  }
  return { ...agent.counts };
}"""


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Return a browser whose collector a test may call."""
    with launched(playwright) as found:
        yield found


@pytest.fixture
def tab(browser: Browser, site: Site) -> Iterator[Tab]:
    """Return the bare page."""
    with opened(browser) as found:
        yield found
        assert found.wrong == []


def test_no_chunk_is_stale_in_two_hundred_interruptions(tab: Tab, site: Site, scripted: VoiceServer) -> None:
    """At whatever moment an answer is stopped, nothing of it comes behind the acknowledgement.

    By the client's count, and by the frames that the browser saw.
    """
    wire = Wire(tab.page)
    tab.go_bare(site.origin)
    talk = talking(tab, scripted.url)
    counts = tab.run(INTERRUPT_OFTEN, TIMES)
    assert (counts["interruptions"], counts["stale"]) == (TIMES, 0)
    request_id = talk.ask("and one that is heard")
    talk.until_heard(request_id, 300)
    assert wire.stale == []
    assert len(wire.stopped) >= TIMES * 0.9
    assert tab.told("agent", "error") == []
