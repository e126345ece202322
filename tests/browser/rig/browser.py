"""Debian's Chromium with a tape for its microphone, and pages that tell everything that is wrong with them."""

from __future__ import annotations

import base64
import time
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from attrs import define, field, frozen
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, Request, Response

from tests.browser.rig.site import PAGES
from tests.browser.rig.waiting import LIMIT_MS, LIMIT_S

__all__ = ["CHROMIUM", "ELSEWHERE", "QUANTUM", "Quantum", "Tab", "launched", "opened", "tab_of"]

T = TypeVar("T")

CHROMIUM = Path("/usr/bin/chromium")

ELSEWHERE = "voice.example"
"""A name of this machine that a browser takes for another's: what is not loopback is no secure origin."""

QUANTUM = 128
"""Frames that an AudioContext makes at once."""


def launched(
    playwright: Playwright, tape: Path | None = None, *, asks: bool = False, microphone: bool = True
) -> Browser:
    """Start a browser.

    Args:
        playwright: What drives it.
        tape: What its microphone hears, from the instant on in which it is opened, each time anew; None: a beep.
        asks: Whether a person is asked for the microphone, who is not there; else it is granted.
        microphone: Whether there is one.
    """
    arguments = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
    if microphone:
        arguments.append("--use-fake-device-for-media-stream")
    if not asks:
        arguments.append("--use-fake-ui-for-media-stream")
    if tape is not None:
        arguments.append(f"--use-file-for-fake-audio-capture={tape}%noloop")
    arguments.append(f"--host-resolver-rules=MAP {ELSEWHERE} 127.0.0.1")
    return playwright.chromium.launch(executable_path=str(CHROMIUM), args=arguments, timeout=LIMIT_MS)


@frozen
class Quantum:
    """What the tap saw in one quantum.

    Args:
        frame: Its first.
        out: The loudest sample that went to the loudspeaker.
        heard: The loudest that came from the microphone.
    """

    frame: int
    out: float
    heard: float


@define(eq=False, slots=False)  # Playwright notes something on whose method it is given
class Tab:
    """A page, and what went wrong in it.

    Attributes:
        page: It.
        wrong: Errors that nobody caught, of the console or of its network, in order.
        asked: The URL of each request.
        loaded: What came, in order.
    """

    page: Page
    wrong: list[str] = field(factory=list)
    asked: list[str] = field(factory=list)
    loaded: list[Response] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.page.set_default_timeout(LIMIT_MS)
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.wrong.append(f"uncaught: {error}"))
        self.page.on("request", self._request)
        self.page.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.wrong.append(f"{message.type}: {message.text}")

    def _request(self, request: Request) -> None:
        self.asked.append(request.url)

    def _response(self, response: Response) -> None:
        self.loaded.append(response)
        if response.status >= 400:
            self.wrong.append(f"{response.status}: {response.url}")

    def sizes(self) -> dict[str, int]:
        """Return the bytes of everything that was loaded, by URL, as they came over the network."""
        return {each.url: each.request.sizes()["responseBodySize"] for each in self.loaded}

    def go_bare(self, origin: str) -> None:
        """Open the bare page of a site."""
        self.page.goto(f"{origin}/bare.html")
        self.page.wait_for_selector("html[data-ready]")

    def run(self, script: str, argument: object = None) -> Any:
        """Run a function of JavaScript in the page; return what it returns."""
        return self.page.evaluate(script, argument)

    def until(self, script: str, argument: object = None) -> Any:
        """Wait until a function of JavaScript returns something true; return that.

        It is asked by a timer: a page that is not drawn would never be asked by its frames.
        """
        try:
            handle = self.page.wait_for_function(script, arg=argument, polling=20)
        except Exception as error:
            told = self.page.evaluate("() => Array.isArray(window.told) ? told.slice(-40) : document.body.innerText")
            raise AssertionError(f"never: {script}\nwrong: {self.wrong}\ntold: {told}") from error
        return handle.json_value()

    def told(self, of: str, *names: str) -> list[dict[str, Any]]:
        """Return what the bare page has noted of something, all or by the events' names."""
        found: list[dict[str, Any]] = self.run("of => told.filter((each) => each.of === of)", of)
        return [each for each in found if not names or each["name"] in names]

    def until_told(self, of: str, name: str, count: int = 1, where: str = "true") -> list[dict[str, Any]]:
        """Wait until the bare page has noted so many events of that name; `where` judges each `detail`."""
        found: list[dict[str, Any]] = self.until(
            f"""([of, name, count]) => {{
              const named = told.filter((each) => each.of === of && each.name === name);
              const found = named.filter(({{ detail }}) => {where});
              return found.length >= count && found;
            }}""",
            [of, name, count],
        )
        return found

    def until_quiet(self, check: Callable[[], T], good: Callable[[T], bool], what: str) -> T:
        """Ask the page again and again until what it says is good; return that."""
        until = time.monotonic() + LIMIT_S
        while not good(said := check()):
            assert time.monotonic() < until, f"never {what}: {said!r}"
            self.page.wait_for_timeout(50)
        return said

    def quanta(self) -> list[Quantum]:
        """Return what the tap has seen."""
        frames, out, heard = self.run("() => [tap.frames, tap.out, tap.heard]")
        return [Quantum(*each) for each in zip(frames, out, heard, strict=True)]

    def kept(self) -> tuple[int, array[float]]:
        """Return the samples that the tap has kept, and the frame of the first."""
        first, data = self.run("() => [tap.frames[0], tap.kept()]")
        return first, array("f", base64.b64decode(data))


@contextmanager
def opened(browser: Browser, *, tapped: bool = False, **options: Any) -> Iterator[Tab]:
    """Open a page in a context of its own, for the block.

    Args:
        browser: Whose.
        tapped: Whether the tap stands in the way of its sound.
        options: Of Playwright's `Browser.new_context`.
    """
    context = browser.new_context(**options)
    try:
        yield tab_of(context, tapped=tapped)
    finally:
        context.close()


def tab_of(context: BrowserContext, *, tapped: bool = False) -> Tab:
    """Open one more page of a context."""
    page = context.new_page()
    if tapped:
        page.add_init_script(path=PAGES / "tap.js")
        page.route("**/tap-worklet.js", lambda route: route.fulfill(path=PAGES / "tap-worklet.js"))
    return Tab(page)
