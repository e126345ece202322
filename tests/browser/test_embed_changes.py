"""The element on a page that changes it while it is used: its attributes, and where it stands."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.rig.browser import opened
from tests.browser.rig.element import asked, until_microphone
from tests.browser.rig.server import VoiceServer
from tests.browser.rig.site import Site
from tests.browser.rig.waiting import LIMIT_MS
from tests.needs import needs_chromium

pytestmark = needs_chromium

PAGE = """<!doctype html>
<html lang="en">
  <title>Somebody's own site</title>
  <link rel="icon" href="data:,">
  <script type="module" src="{server}/web/embed/voxint-agent.js"></script>
  <voxint-agent src="{src}"{more}></voxint-agent>
</html>"""


@pytest.fixture(scope="module")
def server(site: Site) -> Iterator[VoiceServer]:
    """Return a server that the site may use, with no key."""
    with VoiceServer(server={"allowed_origins": [site.origin]}) as found:
        yield found


def test_a_microphone_does_not_stay_open_behind_another_button(
    browser: Browser, site: Site, server: VoiceServer
) -> None:
    """Who takes `hands-free` away closes the microphone that it had opened: the button closes another one then."""
    with opened(browser, locale="en-US") as tab:
        site.written["/"] = PAGE.format(server=server.origin, src=server.origin, more=" hands-free")
        tab.page.goto(f"{site.origin}/")
        element = tab.page.locator("voxint-agent")
        element.get_by_role("button", name="Start talking").click()
        until_microphone(tab, element, "on")
        element.evaluate("(element) => element.removeAttribute('hands-free')")
        until_microphone(tab, element, "off")
        expect(element.get_by_role("button", name="Talk", exact=True)).to_be_visible(timeout=LIMIT_MS)


def test_an_address_is_read_as_that_of_any_other_element(browser: Browser, site: Site, server: VoiceServer) -> None:
    """`src` may go without the scheme; one that is no address at all is told in words, not kept from whoever asks."""
    with opened(browser, locale="en-US") as tab:
        address = server.origin.removeprefix("http:")
        site.written["/"] = PAGE.format(server=server.origin, src=address, more="")
        tab.page.goto(f"{site.origin}/")
        element = asked(tab)
        expect(element.get_by_role("log")).to_contain_text("Once there was", timeout=LIMIT_MS)
        element.evaluate("(element) => element.setAttribute('src', 'http://[')")
        asked(tab)
        expect(element.get_by_role("alert")).to_contain_text("That did not work", timeout=LIMIT_MS)
