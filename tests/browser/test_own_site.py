"""An agent on somebody's own site: the how-to's page and both of its servers, in a real browser."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.rig.browser import Tab, opened
from tests.browser.rig.element import asked, until_microphone
from tests.browser.rig.server import VoiceServer
from tests.browser.rig.site import Site
from tests.browser.rig.waiting import LIMIT_MS, LIMIT_S
from tests.docs.browser_page import EMBED, files
from tests.docs.pages import blocks
from tests.needs import ABSENT, needs, needs_chromium

pytestmark = [needs_chromium, needs("" if shutil.which("node") else f"the program node (Debian: nodejs): {ABSENT}")]

VOICE = "https://voice.example"
KEY = "a key that stands in no page"

PROGRAMS = {"own_site.py": sys.executable, "own_site.mjs": "node"}


@pytest.fixture
def tab(browser: Browser) -> Iterator[Tab]:
    """Return an empty page."""
    with opened(browser, locale="en-US") as found:
        yield found


def block(marker: str) -> str:
    """Return the one block of the how-to with a mark."""
    [found] = [each.code for each in blocks(EMBED) if each.marker == marker]
    return found.strip()


def of(text: str, server: VoiceServer) -> str:
    """Return something of the how-to with this server's address."""
    return text.replace(VOICE.replace("https", "wss"), server.origin.replace("http", "ws")).replace(
        VOICE, server.origin
    )


def free_port() -> int:
    """Return a port that nobody listens on just now: a site has to be named before its server starts."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


@contextmanager
def own_site(program: str, folder: Path) -> Iterator[tuple[str, VoiceServer]]:
    """Run one of the how-to's servers over its page, for the block; give its origin, and the voice server."""
    site_port = free_port()
    origin = f"http://127.0.0.1:{site_port}"
    with VoiceServer(server={"api_keys": [KEY], "allowed_origins": [origin]}) as server:
        (folder / "public").mkdir()
        (folder / "public" / "index.html").write_text(of(files(EMBED)["index.html"], server))
        (folder / program).write_text(files(EMBED)[program])
        environment = {**os.environ, "VOXINT": server.origin, "VOXINT_KEY": KEY, "PORT": str(site_port)}
        process = subprocess.Popen([PROGRAMS[program], program], cwd=folder, env=environment)
        try:
            yield origin, server
        finally:
            process.kill()
            process.wait(LIMIT_S)


def open_site(tab: Tab, origin: str) -> None:
    """Open the page as soon as its server listens."""

    def there() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", int(origin.rpartition(":")[2]))) == 0

    tab.until_quiet(there, bool, "the site listens")
    tab.page.goto(f"{origin}/")


def talk(tab: Tab) -> None:
    """Ask by the element, hear it, and stop it."""
    element = asked(tab)
    expect(element.get_by_role("log")).to_contain_text("Once there was a keeper", timeout=LIMIT_MS)
    tab.until("() => document.querySelector('voxint-agent').agent.messages.at(-1).spokenChars > 5")
    element.get_by_role("button", name="Stop").click()
    tab.until("() => document.querySelector('voxint-agent').agent.messages.at(-1).status === 'interrupted'")


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_ten_lines_talk_by_a_token_of_their_own_site(tab: Tab, program: str, tmp_path: Path) -> None:
    """The page has ten lines and no key; its server gets a token for it; the answer is heard, and stops."""
    assert files(EMBED)["index.html"].count("\n") == 10
    with own_site(program, tmp_path) as (origin, _):
        open_site(tab, origin)
        assert not [url for url in tab.asked if "/voice-token" in url], "asked before anybody clicked"
        talk(tab)
        assert tab.wrong == []
        assert all(KEY not in str(each.body()) for each in tab.loaded)


def test_a_policy_of_the_site_lets_it_work(tab: Tab, tmp_path: Path) -> None:
    """With a Content-Security-Policy of the two lines and no more, nothing of it is refused."""
    with own_site("own_site.py", tmp_path) as (origin, server):
        policy = f"default-src 'none'; img-src data:; {of(block('policy'), server)}"
        page = tmp_path / "public" / "index.html"
        meta = f'<meta charset="utf-8"><meta http-equiv="content-security-policy" content="{policy}">'
        page.write_text(page.read_text().replace('<meta charset="utf-8">', meta))
        open_site(tab, origin)
        talk(tab)
        assert tab.wrong == []
        said = tab.run("async () => (await fetch('https://elsewhere.example/').catch((error) => error)).name")
        assert said == "TypeError", "there is no policy"
        assert any("Content Security Policy" in each for each in tab.wrong)


def test_in_a_frame_it_has_the_microphone_that_the_frame_passes_on(tab: Tab, tmp_path: Path) -> None:
    """With the attribute it is opened, without it is denied, and the element says so."""
    frame = block("frame")
    with own_site("own_site.py", tmp_path) as (origin, _), Site() as around:
        with_frame = frame.replace("https://my-own-site.example", origin)
        around.written["/passes"] = with_frame
        around.written["/keeps"] = with_frame.replace(' allow="microphone; autoplay"', "")
        open_site(tab, origin)
        for path, microphone in (("/passes", "on"), ("/keeps", "denied")):
            tab.page.goto(around.origin.replace("127.0.0.1", "localhost") + path)
            element = tab.page.frame_locator("iframe").locator("voxint-agent")
            element.get_by_role("button", name="Talk").click()
            until_microphone(tab, element, microphone)
        expect(element.get_by_role("alert")).to_contain_text("not allowed", timeout=LIMIT_MS)
