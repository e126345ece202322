"""What holds once holds two hundred times: interruptions without a stale chunk, conversations that leave nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, CDPSession

from tests.browser.rig.browser import Tab, opened
from tests.browser.rig.server import VoiceServer
from tests.browser.rig.site import Site
from tests.browser.rig.talk import talking
from tests.browser.rig.wire import Wire
from tests.needs import needs_chromium

pytestmark = needs_chromium

TIMES = 200

MINUTES = 10
TURNS = 100
"""Of a talk of ten minutes, a turn each six seconds; the time between two is skipped."""

WARM = 30
"""Turns until everything is loaded, compiled and filled that is kept."""

GROWTH_BYTES = 600_000
"""Of the page's memory, over the turns that follow; ours: the words of the last 500 bubbles are kept, 5 kB a turn with
all that is drawn of them, and half as much again. The sound of those turns would be 8 MB."""

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

ONE_TURN = """async (turn) => {
  const { requestId } = agent.ask(`question ${turn}`);
  await new Promise((heard) => {
    const look = ({ detail }) => {
      if (detail.requestId !== requestId || detail.playedMs < 40) return;
      agent.sound.removeEventListener("played", look);
      heard(null);
    };
    agent.sound.addEventListener("played", look);
  });
  await agent.interrupt("button");
}"""


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


def memory(system: CDPSession) -> dict[str, float]:
    """Return what the page holds, once its garbage is collected."""
    system.send("HeapProfiler.collectGarbage")
    system.send("HeapProfiler.collectGarbage")  # what the first one's finalizers let go of
    return {each["name"]: each["value"] for each in system.send("Performance.getMetrics")["metrics"]}


def test_memory_is_flat_over_ten_minutes(tab: Tab, site: Site, scripted: VoiceServer) -> None:
    """A hundred turns over ten minutes, heard and interrupted, leave neither sound nor listeners behind."""
    tab.page.clock.install()
    tab.go_bare(site.origin)
    talking(tab, scripted.url, noted=False)
    system = tab.page.context.new_cdp_session(tab.page)
    system.send("Performance.enable")
    before: dict[str, float] = {}
    for turn in range(TURNS):
        tab.run(ONE_TURN, turn)
        tab.page.clock.fast_forward(60_000 * MINUTES // TURNS)
        if turn == WARM:
            before = memory(system)
    after = memory(system)
    assert tab.run("() => agent.client.state") == "open"
    assert after["JSHeapUsedSize"] - before["JSHeapUsedSize"] < GROWTH_BYTES
    assert after["JSEventListeners"] <= before["JSEventListeners"]
    assert after["Nodes"] <= before["Nodes"]
    assert tab.run("() => agent.counts.stale") == 0
