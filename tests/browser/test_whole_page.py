"""The page at / in a real browser: what it loads, what it says when something is missing, and how it comes back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Playwright, expect

from tests.browser.rig.browser import ELSEWHERE, Tab, launched, opened, tab_of
from tests.browser.rig.server import VoiceServer
from tests.browser.rig.voice_page import VoicePage
from tests.browser.rig.waiting import LIMIT_MS
from tests.needs import needs_chromium

pytestmark = needs_chromium

MOST_BYTES = 150_000
"""What the whole page may load."""

ENGLISH: dict[str, Any] = {"locale": "en-US"}


@pytest.fixture
def tab(browser: Browser) -> Iterator[Tab]:
    """Return an empty page."""
    with opened(browser, **ENGLISH) as found:
        yield found


def test_it_is_small_and_keeps_to_itself(tab: Tab, scripted: VoiceServer) -> None:
    """Nothing but its own server is asked, less than 150 kB are loaded, and the browser has nothing to complain of."""
    page = VoicePage(tab)
    page.go(f"{scripted.origin}/")
    page.type("tell me a story")
    page.until_state("Speaking")
    assert {urlsplit(url).netloc for url in tab.asked} == {urlsplit(scripted.origin).netloc}
    loaded = tab.sizes()
    assert sum(loaded.values()) < MOST_BYTES, sorted(loaded.items(), key=lambda each: -each[1])
    assert tab.wrong == []


def test_typed_heard_stopped(tab: Tab, scripted: VoiceServer) -> None:
    """What is typed is answered aloud; Esc stops it, and what was not heard is marked; then it goes on."""
    page = VoicePage(tab)
    page.go(f"{scripted.origin}/")
    page.type("tell me a story")
    page.until_state("Speaking")
    expect(page.bubbles("agent").locator(".spoken")).to_contain_text("Once there", timeout=LIMIT_MS)
    tab.page.keyboard.press("Escape")
    page.until_bubble("agent", "interrupted", "Once there")
    expect(page.bubbles("agent").get_by_role("deletion")).to_contain_text("…", timeout=LIMIT_MS)
    page.type("and now")
    page.until_bubble("agent", "speaking", "Once there")
    [_, [*_, (role, heard), (_, asked)]] = scripted.questions(2)[-2:]
    assert role == "assistant"
    assert heard.endswith("[interrupted by the user]")
    assert asked == "and now"
    assert tab.wrong == []


def test_a_server_that_was_killed_is_found_again(tab: Tab) -> None:
    """The page says that the connection is lost, and that it is back; then it answers as before."""
    with VoiceServer(answers=["It is noon."]) as server:
        page = VoicePage(tab)
        page.go(f"{server.origin}/")
        page.type("what time is it")
        page.until_bubble("agent", "complete", "It is noon.")
        server.kill()
        page.until_state("Connection lost")
        server.start()
        page.until_connected()
        expect(tab.page.locator("#told")).to_contain_text("Connected again", timeout=LIMIT_MS)
        page.type("and now")
        page.until_bubble("agent", "complete", "It is noon.", count=2)


def test_two_tabs_hold_one_conversation(tab: Tab, scripted: VoiceServer) -> None:
    """The link lets a second tab in: it hears the answer too, and stops it for both."""
    first = VoicePage(tab)
    first.go(f"{scripted.origin}/")
    first.type("hello")
    first.until_state("Speaking")
    tab.page.keyboard.press("Escape")
    first.until_bubble("agent", "interrupted")
    tab.page.get_by_role("button", name="Share").click()
    link = tab.until("() => document.getElementById('share-link').value")
    tab.page.keyboard.press("Escape")
    second = VoicePage(tab_of(tab.page.context))
    second.go(link)
    assert "#join=" not in second.tab.page.url, "it is good once, and should not be shared again"
    second.start()
    second.until_connected()
    first.type("tell me a story")
    first.until_state("Speaking")
    second.until_bubble("agent", "speaking", "Once there")
    second.tab.page.bring_to_front()
    second.tab.page.keyboard.press("Escape")
    second.until_bubble("agent", "interrupted", "Once there")
    first.until_bubble("agent", "interrupted", "Once there", count=2)
    assert first.tab.wrong == []
    assert second.tab.wrong == []


def test_a_tab_that_slept_goes_on(tab: Tab, scripted: VoiceServer) -> None:
    """Frozen and awake again, the page is connected, and answers."""
    page = VoicePage(tab)
    page.go(f"{scripted.origin}/")
    page.type("tell me a story")
    page.until_state("Speaking")
    system = tab.page.context.new_cdp_session(tab.page)
    system.send("Page.setWebLifecycleState", {"state": "frozen"})
    # It is the server's clock that goes on: the next answer of another tab is what tells that time has passed.
    other = VoicePage(tab_of(tab.page.context))
    other.go(f"{scripted.origin}/")
    other.type("meanwhile")
    other.until_state("Speaking")
    system.send("Page.setWebLifecycleState", {"state": "active"})
    tab.page.bring_to_front()
    page.until_connected()
    page.type("are you there")
    page.until_bubble("agent", "speaking", "Once there")
    assert tab.wrong == []


@pytest.mark.parametrize(
    ("asks", "microphone", "told"),
    [(True, True, "The microphone is blocked"), (False, False, "There is no microphone")],
    ids=["refused", "missing"],
)
def test_without_a_microphone_one_types(
    playwright: Playwright, scripted: VoiceServer, asks: bool, microphone: bool, told: str
) -> None:
    """Who refuses it, or has none, reads that and what to do, and goes on by typing."""
    with launched(playwright, asks=asks, microphone=microphone) as browser, opened(browser, **ENGLISH) as tab:
        page = VoicePage(tab)
        page.go(f"{scripted.origin}/")
        page.start()
        page.until_told(told)
        page.type("hello")
        page.until_bubble("agent", "speaking", "Once there")
        assert tab.wrong == []


def test_without_https_one_types(tab: Tab) -> None:
    """A page of another machine that is not encrypted gets no microphone from the browser, and says why."""
    with VoiceServer(server={"api_keys": ["a key of the tests"]}) as server:
        page = VoicePage(tab)
        page.go(f"http://{ELSEWHERE}:{server.port}/")
        page.start()
        tab.page.locator("#key-secret").fill("a key of the tests")
        tab.page.locator("#key-form").get_by_role("button", name="Continue").click()
        page.until_told("Voice needs a secure page")
        page.type("hello")
        expect(page.bubbles("agent")).to_contain_text("Once there", timeout=LIMIT_MS)
        # A server behind a proxy does not know whether a browser takes this header from it.
        assert [each for each in tab.wrong if "Cross-Origin-Opener-Policy" not in each] == []


def test_a_wrong_key_is_asked_for_again(tab: Tab) -> None:
    """A server that asks for a key gets it from the person, who is told of a wrong one."""
    with VoiceServer(server={"api_keys": ["a key of the tests"]}) as server:
        page = VoicePage(tab)
        page.go(f"{server.origin}/")
        page.type("hello")
        for key, then in (("a wrong one", None), ("a key of the tests", "Once there")):
            tab.page.locator("#key-secret").fill(key)
            tab.page.locator("#key-form").get_by_role("button", name="Continue").click()
            if then is None:
                expect(tab.page.locator("#key-lead")).to_contain_text("did not accept", timeout=LIMIT_MS)
            else:
                page.until_bubble("agent", "speaking", then)
