"""The WebSocket client in a real browser: asking, coming back behind a cut, a server that died, a bad network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.rig.browser import Tab, opened
from tests.browser.rig.network import Network
from tests.browser.rig.server import VoiceServer
from tests.browser.rig.site import Site
from tests.browser.rig.stages import STORY
from tests.needs import needs_chromium

pytestmark = needs_chromium

SHORT = "It is noon. "
RATE = 16_000

CONNECT = """async ([url, more]) => {
  const options = { url, reconnect: true, ...more };
  window.socket = note("socket", new client.WebSocketClient(options), [
    "state", "open", "text", "audio", "end", "failed", "ack", "error", "rtt",
  ]);
  window.sound = {};
  socket.addEventListener("audio", ({ detail }) => {
    (sound[detail.requestId] ??= []).push(...detail.pcm);
  });
  const opened = await socket.connect();
  return { ...opened, features: [...opened.features] };
}"""

WHY = """async (options) => {
  try {
    await new client.WebSocketClient(options).connect();
  } catch (error) {
    return error.code;
  }
}"""


@pytest.fixture
def tab(browser: Browser, site: Site) -> Iterator[Tab]:
    """Return the bare page."""
    with opened(browser) as found:
        found.go_bare(site.origin)
        yield found


def connect(tab: Tab, url: str, **more: object) -> dict[str, Any]:
    """Connect, as `socket` in the page; return what it was granted."""
    found: dict[str, Any] = tab.run(CONNECT, [url, more])
    return found


def ask(tab: Tab, text: str) -> str:
    """Ask; return the request's id. The answer comes to `answers` in the page."""
    request_id: str = tab.run(
        """(text) => {
          window.answers ??= {};
          const { requestId, promise } = socket.sendTextRequest(text);
          promise.then((answer) => { answers[requestId] = answer; }, (error) => { answers[requestId] = error.code; });
          return requestId;
        }""",
        text,
    )
    return request_id


def answer(tab: Tab, request_id: str) -> dict[str, Any]:
    """Wait for an answer; return it."""
    found: dict[str, Any] = tab.until("(id) => answers[id]", request_id)
    return found


def heard_s(tab: Tab, request_id: str) -> float:
    """Return the seconds of an answer's sound that came."""
    samples: float = tab.run("(id) => (sound[id] ?? []).length", request_id)
    return samples / RATE


def test_a_question_has_an_id_at_once_and_an_answer_later(tab: Tab, scripted: VoiceServer) -> None:
    """The id is there in the same step, also before the connection; the answer is whole, text and sound."""
    before: str = tab.run(
        """([url]) => {
          window.socket = note("socket", new client.WebSocketClient({ url, requireTts: false }), ["open", "error"]);
          const { requestId, promise } = socket.sendTextRequest("early");
          window.early = promise;
          socket.connect();
          return requestId;
        }""",
        [scripted.url],
    )
    found = tab.run("() => early")
    assert (found["requestId"], found["interrupted"]) == (before, False)
    assert found["text"].split() == STORY.split()
    assert tab.wrong == []


def test_an_interruption_is_acknowledged_with_its_receipt(tab: Tab, scripted: VoiceServer) -> None:
    """What was asked stops, the promise says so, and no sound of it comes behind the acknowledgement."""
    connect(tab, scripted.url)
    request_id = ask(tab, "tell me a story")
    tab.until("(id) => (sound[id] ?? []).length > 4000", request_id)
    ack = tab.run("(id) => socket.interrupt(id, { reason: 'USER_STOP', playedMs: 200, mode: 'commit' })", request_id)
    assert ack["outcomes"] == {request_id: "stopped"}
    receipt = ack["receipts"][request_id]
    assert receipt["audio"]["heard_ms"] <= receipt["audio"]["sent_ms"]
    assert answer(tab, request_id)["interrupted"]
    after = heard_s(tab, request_id)
    last = ask(tab, "and now?")
    tab.until("(id) => (sound[id] ?? []).length > 4000", last)
    assert heard_s(tab, request_id) == after


def test_a_cut_connection_loses_nothing_and_repeats_nothing(tab: Tab, scripted: VoiceServer) -> None:
    """The client comes back by itself and gets the rest of the answer, to the sample, as the session was to keep it."""
    with Network(scripted.port) as network:
        granted = connect(tab, network.url, onDisconnect="keep")
        request_id = ask(tab, "tell me a story")
        for so_far in (1, 2):
            tab.until("([id, n]) => (sound[id] ?? []).length > n", [request_id, so_far * RATE])
            network.cut()
            opened = tab.until_told("socket", "open", count=so_far + 1)
            assert opened[-1]["detail"]["sessionId"] == granted["sessionId"]
            assert opened[-1]["detail"]["resumed"]
            assert opened[-1]["detail"]["lost"] == []
        tab.until("([id, n]) => (sound[id] ?? []).length > n", [request_id, 3 * RATE])
        tab.run("(id) => socket.interrupt(id, { reason: 'USER_STOP', mode: 'commit' })", request_id)
    chunks = [each["detail"]["seq"] for each in tab.told("socket", "audio") if each["detail"]["seq"] >= 0]
    assert chunks == list(range(len(chunks)))
    assert network.carried >= 3


def test_a_server_that_died_is_found_again(tab: Tab) -> None:
    """The client says that it waits, and for what; when the server is back on its port there is a new session."""
    with VoiceServer(answers=[SHORT]) as server:
        first = connect(tab, server.url)
        request_id = ask(tab, "what time is it")
        tab.until("(id) => answers[id]", request_id)
        server.kill()
        tab.until_told("socket", "state", where="detail.state === 'waiting'")
        server.start()
        [_, back] = tab.until_told("socket", "open", count=2)
        assert back["detail"]["fresh"]
        assert back["detail"]["sessionId"] != first["sessionId"]
        again = ask(tab, "and now")
        assert answer(tab, again)["text"].split() == SHORT.split()


def test_who_can_not_come_in_is_told_why(tab: Tab, scripted: VoiceServer) -> None:
    """Nobody there, another path, a key that is not known: each has its own code, and no promise is left open."""
    with VoiceServer(server={"api_keys": ["a key of the tests"]}) as closed:
        assert tab.run(WHY, {"url": closed.url}) == "key_needed"
        wrong = {"url": closed.url, "auth": {"type": "API_KEY", "api_key": "another"}}
        assert tab.run(WHY, wrong) == "key_refused"
        right = {"url": closed.url, "auth": {"type": "API_KEY", "api_key": "a key of the tests"}}
        assert tab.run(WHY, right) is None
        nobody = closed.url
    assert tab.run(WHY, {"url": nobody, "reconnect": False}) == "unreachable"


def test_another_page_is_refused_in_words(tab: Tab) -> None:
    """A page whose origin may not connect learns that, and that it is no use to try again."""
    with VoiceServer(server={"allowed_origins": ["https://example.org"]}) as elsewhere:
        assert tab.run(WHY, {"url": elsewhere.url}) == "origin_refused"
