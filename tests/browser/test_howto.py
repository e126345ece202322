"""The page and the pieces of code of the how-to for web pages, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Playwright, expect

from tests.browser.rig.browser import Tab, launched, opened, tab_of
from tests.browser.rig.server import VoiceServer
from tests.browser.rig.site import Site
from tests.browser.rig.tape import Tape
from tests.browser.rig.waiting import LIMIT_MS
from tests.docs.browser_page import LOCAL, PAGE, files, pieces
from tests.needs import needs_chromium

pytestmark = needs_chromium


AROUND = """
    globalThis.agent = agent;
    const line = document.body.appendChild(document.createElement("p"));
    const button = document.body.appendChild(document.createElement("button"));
    button.textContent = "Hold";
"""
"""What a reader has around the pieces of code, beside the page."""


@pytest.fixture(scope="module")
def browser(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Return a browser with a microphone that it may use, before which nobody speaks."""
    with launched(playwright, Tape(1).write(tmp_path_factory.mktemp("tape") / "silence.wav")) as found:
        yield found


@pytest.fixture
def tab(browser: Browser) -> Iterator[Tab]:
    """Return an empty page, with which nothing is wrong in the end."""
    with opened(browser, tapped=True, locale="en-US") as found:
        yield found
        assert found.wrong == []


@pytest.fixture
def howto(scripted: VoiceServer) -> Iterator[Site]:
    """Return a site with the how-to's page, and the pieces of code behind the page's own."""
    code = AROUND + "".join(pieces(PAGE, "agent")[name] for name in ("hold", "heard", "record"))
    join = f"<script type=module>{pieces(PAGE, 'agent')['join']}; globalThis.agent = guest;</script>"
    written = {"/": files(PAGE)["index.html"].replace("  </script>", f"{code}</script>"), "/join": PLAIN + join}
    with Site({path: of(page, scripted) for path, page in written.items()}) as site:
        yield site


PLAIN = '<!doctype html><title>Joins</title><link rel="icon" href="data:,">'


def of(page: str, server: VoiceServer) -> str:
    """Return a reader's page with this server's address."""
    return page.replace(LOCAL, server.origin).replace(
        LOCAL.replace("http", "ws"), server.url.removesuffix("/ws/agent/stream")
    )


def test_the_page_talks_writes_and_stops(tab: Tab, howto: Site) -> None:
    """It listens after a click, and answers aloud; a stop splits the answer, and is told instant by instant."""
    told: list[str] = []
    tab.page.on("console", lambda message: told.append(message.text))
    tab.page.goto(howto.origin)
    tab.page.get_by_role("button", name="Start").click()
    tab.until("() => agent.microphone === 'on' && agent.state === 'listening'")
    tab.page.get_by_label("Your words").fill("tell me a story")
    tab.page.get_by_label("Your words").press("Enter")
    tab.until("() => agent.messages.at(-1)?.spokenChars > 5")
    tab.page.get_by_role("button", name="Stop").click()
    tab.until("() => agent.interruptions.length === 1 && agent.messages.at(-1).heard !== null")
    expect(tab.page.locator("#log li")).to_contain_text(
        ["tell me a story", "Once there was a keeper"], timeout=LIMIT_MS
    )
    heard, text = tab.run(
        "() => { const { text, spokenChars } = agent.messages.at(-1); return [text.slice(0, spokenChars), text]; }"
    )
    struck = tab.page.locator("p s").text_content()
    assert heard
    assert struck
    assert tab.page.locator("p").text_content() == text == heard + struck
    tab.until_quiet(lambda: told, lambda lines: any("median stop" in line for line in lines), "the record is told")
    instants = [line.partition(": ")[2] for line in told if " ms: " in line]
    assert {"sent", "silent", "synthesisClosed", "acknowledged"} <= {*instants}


def test_what_is_said_while_the_button_is_held_is_asked(tab: Tab, howto: Site) -> None:
    """From the press to the release."""
    tab.page.goto(howto.origin)
    tab.run("async () => { await agent.openAudio(); await agent.connect(); }")
    tab.page.get_by_role("button", name="Hold").hover()
    tab.page.mouse.down()
    tab.until("() => agent.state === 'hearing' && agent.microphone === 'on'")
    tab.page.wait_for_timeout(600)  # what is held for less is no question
    tab.page.mouse.up()
    tab.until("() => agent.messages.some(({ role, text }) => role === 'person' && text === 'tell me a story')")
    tab.until("() => agent.state === 'speaking'")


def test_another_device_joins_by_the_link(tab: Tab, howto: Site) -> None:
    """It is in the same session, and the token is out of its address."""
    tab.page.goto(howto.origin)
    tab.run("() => agent.connect()")
    link = tab.run(f"async () => {{ {pieces(PAGE, 'agent')['link']} return String(link); }}")
    other = tab_of(tab.page.context)
    other.page.goto(link.replace("/#", "/join#"))
    opened = other.until("() => globalThis.agent?.connect()")
    assert opened["sessionId"] == tab.run("() => agent.client.sessionId")
    assert "join=" not in other.page.url
    assert other.wrong == []
