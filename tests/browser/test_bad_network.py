"""A page behind a bad network: the sound goes on as well as it can, and a stop is heard at once all the same."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from playwright.sync_api import Browser

from tests.browser.rig.browser import Tab, opened
from tests.browser.rig.network import Network
from tests.browser.rig.played import stretches
from tests.browser.rig.server import VoiceServer
from tests.browser.rig.site import Site
from tests.browser.rig.talk import talking
from tests.needs import needs_chromium

pytestmark = needs_chromium

STOP_S = 0.060
"""From a local stop to silence."""


@pytest.fixture
def tab(browser: Browser, site: Site) -> Iterator[Tab]:
    """Return the bare page, with the tap on its sound."""
    with opened(browser, tapped=True) as found:
        found.go_bare(site.origin)
        yield found


def test_an_uneven_network_is_learned(tab: Tab, scripted: VoiceServer) -> None:
    """Late, narrow and uneven: every sample comes in order, and once the buffer has grown there are no more gaps."""
    with Network(scripted.port) as network:
        network.delay_s, network.jitter_s, network.bytes_per_s = 0.05, 0.12, 90_000
        talk = talking(tab, network.url)
        before = talk.stats()["targetMs"]
        tab.until("() => tap.frames.length > 0")
        tab.run("() => { tap.keep = true; tap.clear(); }")
        request_id = talk.ask("tell me a story")
        talk.until_heard(request_id, 10_000)
        stats = talk.stats()
        _, samples = tab.kept()
        heard = stretches(samples, tab.run("() => tap.rate"))
        silences = [(after.begin, after.begin - this.end) for this, after in pairwise(heard)]
        began = heard[0].begin
    for this, after in pairwise(heard):
        assert -0.015 <= after.from_s - this.to_s <= 0.001, "lost, or told again"
    late = [length for at, length in silences if at > began + 5]
    assert len(late) <= 1, f"it never learned: {silences}"
    assert stats["targetMs"] >= before
    assert network.carried == 1


def test_a_narrow_network_of_the_browsers_own(tab: Tab, scripted: VoiceServer) -> None:
    """With little more room than the sound takes, by the browser itself, every sample comes, and a stop is at once."""
    talk = talking(tab, scripted.url)
    tab.until("() => tap.frames.length > 0")
    system = tab.page.context.new_cdp_session(tab.page)
    system.send("Network.enable")
    narrow = {"offline": False, "latency": 150, "downloadThroughput": 64_000, "uploadThroughput": 64_000}
    system.send("Network.emulateNetworkConditions", narrow)
    tab.run("() => { tap.keep = true; tap.clear(); }")
    request_id = talk.ask("tell me a story")
    talk.until_heard(request_id, 5_000)
    rate = tab.run("() => tap.rate")
    stopped = tab.run("""async () => {
      const at = Math.round(tap.context.currentTime * tap.rate);
      await agent.interrupt("button");
      return at;
    }""")
    tab.until("frame => tap.frames.at(-1) > frame", stopped + rate // 2)
    loud = max(each.frame for each in tab.quanta() if each.out > 0.003)
    _, samples = tab.kept()
    for this, after in pairwise(stretches(samples, rate)):
        assert -0.015 <= after.from_s - this.to_s <= 0.001, "lost, or told again"
    assert loud - stopped <= STOP_S * rate
    assert talk.counts()["stale"] == 0


def test_a_stop_is_heard_at_once_in_a_tunnel(tab: Tab, scripted: VoiceServer) -> None:
    """Nothing gets through, and still the sound stops where the person is; the acknowledgement comes when it can."""
    with Network(scripted.port) as network:
        talk = talking(tab, network.url)
        request_id = talk.ask("tell me a story")
        talk.until_heard(request_id, 500)
        network.stall()
        rate = tab.run("() => tap.rate")
        stopped = tab.run("""() => {
          const at = Math.round(tap.context.currentTime * tap.rate);
          window.stopping = agent.interrupt("button");
          return at;
        }""")
        tab.until("frame => tap.frames.at(-1) > frame", stopped + rate)
        loud = max((each.frame for each in tab.quanta() if each.out > 0.003), default=0)
        assert loud - stopped <= STOP_S * rate
        network.flow()
        tab.run("() => stopping")
        [record] = tab.until_told("agent", "interruption")
    assert record["detail"]["record"]["outcome"] == "stopped"
    assert record["detail"]["record"]["stale"] == 0
    assert talk.counts()["stale"] == 0
