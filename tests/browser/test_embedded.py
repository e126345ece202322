"""An agent on somebody else's page: the element, the server's list of origins, a token of one session."""

from __future__ import annotations

import json
from urllib.request import Request, urlopen

from playwright.sync_api import Browser, expect

from tests.browser.rig.browser import opened
from tests.browser.rig.element import asked
from tests.browser.rig.server import VoiceServer
from tests.browser.rig.site import Site
from tests.browser.rig.waiting import LIMIT_MS, LIMIT_S
from tests.needs import needs_chromium

pytestmark = needs_chromium

KEY = "a key that stands in no page"

PAGE = """<!doctype html>
<html lang="en">
  <title>Somebody's own site</title>
  <link rel="icon" href="data:,">
  <script type="module" src="{server}/web/embed/voxint-agent.js"></script>
  <voxint-agent src="{server}" token-url="/voice-token"></voxint-agent>
</html>"""


def token(server: VoiceServer) -> dict[str, str]:
    """Do what the site's own server does for its visitor: have a token made, with the key that it keeps."""
    asked = Request(
        f"{server.origin}/v1/tokens",
        data=json.dumps({"expires_in": 120, "one_session": True}).encode(),
        headers={"authorization": f"Bearer {KEY}", "content-type": "application/json"},
    )
    with urlopen(asked, timeout=LIMIT_S) as answer:
        return {"token": json.load(answer)["token"]}


def test_an_agent_on_another_site(browser: Browser) -> None:
    """Ten lines put it there: it fetches a token, is let in, answers aloud, is interrupted; the key is nowhere."""
    with (
        Site() as site,
        VoiceServer(server={"api_keys": [KEY], "allowed_origins": [site.origin]}) as server,
        opened(browser, tapped=True, locale="en-US") as tab,
    ):
        site.written["/"] = PAGE.format(server=server.origin)
        site.answers["/voice-token"] = lambda: token(server)
        tab.page.goto(f"{site.origin}/")
        element = asked(tab)
        expect(element.get_by_role("log")).to_contain_text("Once there was a keeper", timeout=LIMIT_MS)
        tab.until("() => tap.out.some((each) => each > 0.05)")
        element.get_by_role("textbox").press("Escape")
        tab.until("() => document.querySelector('voxint-agent').agent.messages.at(-1).status === 'interrupted'")
        assert {url.split("/")[2] for url in tab.asked if not url.startswith("data:")} == {
            site.origin.removeprefix("http://"),
            server.origin.removeprefix("http://"),
        }
        assert tab.wrong == []


def test_a_page_that_is_not_on_the_list_reads_why(browser: Browser) -> None:
    """A site that the operator has not named is refused, and the element says so."""
    with (
        Site() as site,
        VoiceServer(server={"api_keys": [KEY], "allowed_origins": ["https://example.org"]}) as server,
        opened(browser, locale="en-US") as tab,
    ):
        site.written["/"] = PAGE.format(server=server.origin)
        site.answers["/voice-token"] = lambda: token(server)
        tab.page.goto(f"{site.origin}/")
        element = asked(tab)
        expect(element.get_by_role("alert")).to_contain_text("does not allow this website", timeout=LIMIT_MS)


def test_a_token_is_good_for_one_session(browser: Browser, site: Site) -> None:
    """Who copies the token out of a page can't open a second session with it; its own connection comes back by it."""
    with (
        VoiceServer(server={"api_keys": [KEY], "allowed_origins": [site.origin]}) as server,
        opened(browser) as tab,
    ):
        tab.go_bare(site.origin)
        codes = tab.run(
            """async ({ url, token }) => {
              const auth = { type: "API_KEY", api_key: token };
              const first = new client.WebSocketClient({ url, auth });
              await first.connect();
              const second = new client.WebSocketClient({ url, auth, reconnect: false });
              const refused = await second.connect().then(() => null, (error) => error.code);
              return { open: first.state, refused };
            }""",
            {"url": server.url, **token(server)},
        )
    assert codes == {"open": "open", "refused": "key_refused"}
