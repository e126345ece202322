"""What the page does when it is used: by mouse, keyboard and touch, over its fake agent."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.fake_page import WEB
from tests.browser.rig.browser import ELSEWHERE, opened
from tests.browser.scenes import SCENES, show
from tests.needs import ABSENT, needs_chromium

pytestmark = needs_chromium

SCENE = {scene.name: scene for scene in SCENES}


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of its own for each test; whatever it writes to the console as an error fails the test."""
    with opened(browser, viewport={"width": 390, "height": 844}, reduced_motion="reduce") as tab:
        yield tab.page
        assert tab.wrong == []


def calls(page: Page) -> list[Any]:
    """Return what the page has asked of its agent, behind the constructor and the opening."""
    made: list[Any] = page.evaluate("agent.calls.filter(([name]) => !['new', 'connect', 'openAudio'].includes(name))")
    return made


def test_start_talking_opens_sound_connection_and_microphone(page: Page, base: str) -> None:
    """All of them in the one click, which is what a browser asks of a page that makes a sound."""
    show(page, base, SCENE["listening"])
    names = page.evaluate("agent.calls.map(([name]) => name)")
    assert names == ["new", "openAudio", "connect", "openMicrophone"]
    options = page.evaluate("agent.calls[0][1]")
    assert options["url"] == base.replace("http", "ws") + "/ws/agent/stream"


def test_typing_needs_no_microphone(page: Page, base: str) -> None:
    """The first words connect; Enter sends, Shift and Enter begins a line, and nobody asks for the microphone."""
    show(page, base, SCENE["welcome"])
    page.locator("#words").fill("Hello")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("there")
    page.keyboard.press("Enter")
    expect(page.locator(".bubble.person .text")).to_contain_text("Hello")
    assert calls(page) == [["ask", "Hello\nthere"]]


def test_escape_and_the_button_stop_an_answer(page: Page, base: str) -> None:
    """Each says by what; a key that closes a dialog stops nothing, and the focus stays where there is something."""
    show(page, base, SCENE["speaking"])
    page.locator("#open-help").click()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    assert calls(page)[1:] == [["interrupt", "key"]]
    page.evaluate("agent.become('speaking')")
    page.locator("#stop").click()
    assert calls(page)[-1] == ["interrupt", "button"]
    expect(page.locator("#orb")).to_be_focused()


def test_hold_to_talk_by_pointer_and_by_space(page: Page, base: str) -> None:
    """For as long as it is pressed; a key that repeats begins once; to lose the focus ends it."""
    show(page, base, SCENE["ready"])
    page.locator("#mode label").nth(1).click()
    page.locator("#orb").hover()
    page.mouse.down()
    page.mouse.up()
    page.locator("#orb").focus()
    page.keyboard.down("Space")
    page.keyboard.down("Space")
    page.keyboard.up("Space")
    page.keyboard.down("Space")
    page.locator("#words").focus()
    page.keyboard.up("Space")
    talked = [name for name, *_ in calls(page) if name in ("beginTalk", "endTalk")]
    assert talked == ["beginTalk", "endTalk"] * 3


def test_what_was_let_go_before_there_was_a_connection_is_not_begun(page: Page, base: str) -> None:
    """Nobody would end it; what was typed meanwhile is asked, all of it."""
    show(page, base, SCENE["connecting"])
    page.locator("#mode label").nth(1).click()
    page.locator("#orb").hover()
    page.mouse.down()
    page.mouse.up()
    for text in ("One", "Two"):
        page.locator("#words").fill(text)
        page.keyboard.press("Enter")
    page.evaluate("agent.become('ready')")
    page.evaluate("agent.emit('session', {sessionId: 's-1', resumed: false, fresh: false})")
    expect(page.locator(".bubble.person")).to_have_count(2)
    told = [call for call in calls(page) if call[0] in ("ask", "beginTalk")]
    assert told == [["ask", "One"], ["ask", "Two"]]


def test_choices_are_kept_and_told(page: Page, base: str) -> None:
    """In this browser, for the next visit; the agent hears of each as it is made."""
    show(page, base, SCENE["settings"])
    page.locator("#set-voice").select_option("bm_george")
    page.locator("#set-language").select_option("zh")
    page.locator("#set-prompt").fill("Be brief.")
    page.locator("#set-keep").check()
    told = calls(page)[1:]
    assert told == [["setVoice", "bm_george"], ["setLanguage", "zh"], ["setPrompt", "Be brief."], ["setKeep", True]]
    show(page, base, SCENE["listening"])
    options = page.evaluate("agent.calls[0][1]")
    kept = {name: options[name] for name in ("voice", "language", "systemPrompt", "onDisconnect")}
    assert kept == {"voice": "bm_george", "language": "zh", "systemPrompt": "Be brief.", "onDisconnect": "keep"}


def test_a_key_is_asked_for_and_kept_in_the_tab_alone(page: Page, base: str) -> None:
    """What was wished for goes on when it is given; no key gets into what a browser keeps."""
    show(page, base, SCENE["key"])
    page.locator("#key-secret").fill("vox_secret")
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("data-stage", "talk")
    assert calls(page) == [["openMicrophone"]]
    assert "vox_secret" not in page.evaluate("JSON.stringify(localStorage)")
    assert "vox_secret" in page.evaluate("JSON.stringify(sessionStorage)")


def test_a_refused_key_is_asked_for_again(page: Page, base: str) -> None:
    """With words that say so, and without the key that was refused."""
    show(page, base, SCENE["key_refused"])
    expect(page.locator("#key")).to_be_visible()
    expect(page.locator("#key-lead")).to_contain_text("did not accept")


def test_the_language_is_switched_and_kept(page: Page, base: str) -> None:
    """Everything is said again in it, and the document says which one it is."""
    show(page, base, SCENE["conversation"])
    page.locator("#language").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    expect(page.locator("#state")).to_have_text("在听")
    expect(page.locator(".note:visible")).to_have_text("在这里停下")
    page.reload()
    expect(page.locator("#start-words")).to_have_text("开始说话")


def test_help_opens_by_its_key_but_not_while_typing(page: Page, base: str) -> None:
    """A question mark in a sentence is a question mark."""
    show(page, base, SCENE["listening"])
    page.locator("#words").press("?")
    expect(page.locator("#help")).to_be_hidden()
    page.locator("#orb").focus()
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()


def test_a_cut_answer_shows_what_was_heard(page: Page, base: str) -> None:
    """The heard part stands, the rest is marked as deleted; a screen reader is told where it ended, once."""
    show(page, base, SCENE["interrupted"])
    expect(page.locator(".agent .spoken")).to_contain_text("in the world")
    rest = page.locator(".agent .rest")
    expect(rest).to_have_attribute("role", "deletion")
    expect(rest).to_contain_text("free to visit")
    expect(page.locator("#told")).to_contain_text("stopped after:")


def test_the_code_of_the_link_is_the_link(browser: Browser, base: str) -> None:
    """A camera reads what the field shows; on this computer's own address there is none, and words say why."""
    np = pytest.importorskip("numpy", reason=f"the package numpy: {ABSENT}")
    zxingcpp = pytest.importorskip("zxingcpp", reason=f"the package zxing-cpp: {ABSENT}")
    image = pytest.importorskip("PIL.Image", reason=f"the package pillow: {ABSENT}")
    with opened(browser, reduced_motion="reduce") as tab:
        page = tab.page
        show(page, base.replace("localhost", ELSEWHERE), SCENE["share"])
        expect(page.locator("#share-warning")).to_contain_text("https")
        link = page.locator("#share-link").input_value()
        shot = image.open(io.BytesIO(page.locator("#share-code svg").screenshot()))
        (read,) = zxingcpp.read_barcodes(np.array(shot.convert("L")))
        assert read.text == link
        show(page, base, SCENE["share"])
        expect(page.locator("#share-warning")).to_contain_text("this computer only")
        expect(page.locator("#share-code svg")).to_have_count(0)


@pytest.mark.parametrize(
    "name", ["welcome", "interrupted", "conversation", "panel", "settings", "key", "share", "microphone_denied"]
)
def test_a_finger_finds_every_button(page: Page, base: str, name: str) -> None:
    """44 pixels each way at least, and nothing runs out of a screen of 320."""
    page.set_viewport_size({"width": 320, "height": 640})
    show(page, base, SCENE[name])
    small = page.evaluate(
        """() => [...document.querySelectorAll(
          ":is(button, select, input, textarea, summary):not([type=radio], [type=checkbox])")]
          .map((one) => [one.id || one.className || one.tagName, one.getBoundingClientRect()])
          .filter(([, box]) => box.width > 0 && (box.width < 43.5 || box.height < 43.5)).map(([name]) => name)"""
    )
    assert small == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert page.evaluate("document.body.scrollWidth") <= 320


def test_the_real_agent_fits_the_page(browser: Browser, base: str) -> None:
    """Where nobody speaks WebSocket, it says so in words, and the way back is a button."""
    real = (WEB / "client" / "voice-agent.js").read_text(encoding="utf-8")
    with opened(browser, reduced_motion="reduce") as tab:
        page = tab.page
        page.route("**/voice-agent.js", lambda route: route.fulfill(content_type="text/javascript", body=real))
        show(page, base, SCENE["welcome"])
        page.locator("#words").fill("Hello")
        page.keyboard.press("Enter")
        expect(page.locator(".notice strong")).to_have_text("The server does not answer")
        assert [each for each in tab.wrong if each.startswith("uncaught")] == []


def test_nothing_is_fetched_from_elsewhere(page: Page, base: str) -> None:
    """The page, its parts and the server's own word: all from the one origin."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    show(page, base, SCENE["conversation"])
    assert [url for url in asked if not url.startswith((base, "data:"))] == []


def test_a_text_in_many_pieces_is_drawn_once_a_frame(page: Page, base: str) -> None:
    """A thousand pieces that come at once lay out the page once, and the bubble has all of them."""
    page.goto(base)
    drawn, shown = page.evaluate(
        """async () => {
          const { ConversationView } = await import("/web/page/conversation-view.js");
          const log = document.getElementById("log");
          const view = new ConversationView(log);
          const fixed = { messageId: "m", requestId: "r", role: "agent", status: "writing", heard: null, at: 0 };
          let drawn = 0;
          const changes = new MutationObserver((records) => (drawn += records.length > 0 ? 1 : 0));
          changes.observe(log, { childList: true, characterData: true, subtree: true });
          for (let n = 1; n <= 1000; n += 1) {
            view.show({ ...fixed, text: "x".repeat(n), spokenChars: n });
            if (n % 100 === 0) await null;
          }
          await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
          return [drawn, log.querySelector(".bubble .spoken").textContent.length];
        }"""
    )
    assert (drawn, shown) == (1, 1000)
