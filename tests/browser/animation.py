"""The README's moving picture of the page, and the stills of the documents, from real conversations.

`python -m tests.browser.animation OUT` needs what `voxint demo` needs to listen and to speak. All that is seen has
happened so, and every figure is measured on the machine that takes them: a quiet one. Only the film's pace is not
real: waiting is shortened, and the rest plays as much quicker as it takes to end within eight seconds.
"""

from __future__ import annotations

import io
import itertools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Literal

from attrs import frozen
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.real_run import Sounds, demo_server, give_voice, say, spoken_by_a_person
from tests.browser.screenshots import CHROMIUM

SAID = {"question": "Tell me a story.", "interruption": "Wait, how do you stop so fast?"}

WIDTH = 960
VIEW = (1200, 675)
LARGE = (1200, 760)
PHONE = (390, 844)
STILL_WIDTH = 1200

FRAME_MS = 125
"""Between two pictures. Ours: a voice's place moves by a word, and the file stays small."""

LONGEST_MS = 500

THINKING_MS = 60
"""Likewise while an answer is waited for; ours."""

MOST_MS = 6000
"""Of all pictures but the last: what took longer is shown quicker. Ours."""

LAST_MS = 2000
MOST_BYTES = 300_000

WAIT_S = 60


def spoken(chars: int) -> str:
    """Return the condition that so much of the first answer has been heard."""
    return f"() => document.querySelector('.agent .spoken')?.textContent.length > {chars}"


def state(name: str) -> str:
    """Return the condition that the agent is in a state."""
    return f"() => document.querySelector('.dock').dataset.state === '{name}'"


TOLD = "() => document.querySelector('#panel .figures') !== null"
ANSWERED_AGAIN = "() => document.querySelectorAll('.agent .rest')[1]?.textContent.length > 40"


@frozen
class Shot:
    """One picture of the film.

    Args:
        at_ms: When it was taken.
        image: What was seen.
        waits: Whether nothing but time went by.
    """

    at_ms: float
    image: Image.Image
    waits: bool


class Film:
    """Takes pictures of a page while it waits with it."""

    def __init__(self, page: Page) -> None:
        self.shots: list[Shot] = []
        self._page = page

    def wait(self, condition: str) -> None:
        """Take pictures until a condition of the page holds, 60 s at most."""
        began = monotonic()
        while not self._page.evaluate(f"({condition})()"):
            assert monotonic() - began < WAIT_S, f"never came true: {condition}"
            self.take()
            self._page.wait_for_timeout(FRAME_MS)  # a picture costs the time of a processor that the voice needs

    def take(self) -> None:
        """Take one picture."""
        at_ms = monotonic() * 1000
        waits = self._page.evaluate(state("thinking").replace("() =>", ""))
        self.shots.append(Shot(at_ms, Image.open(io.BytesIO(self._page.screenshot())).convert("RGB"), waits))

    def save(self, path: Path) -> None:
        """Write it as an animated WebP that repeats for ever."""
        shots = self.shots[:1]
        for shot in self.shots[1:]:
            if shot.at_ms - shots[-1].at_ms >= FRAME_MS and shot.image.tobytes() != shots[-1].image.tobytes():
                shots.append(shot)
        lasts = [
            min(THINKING_MS if shot.waits else LONGEST_MS, after.at_ms - shot.at_ms)
            for shot, after in itertools.pairwise(shots)
        ]
        pace = min(1.0, MOST_MS / sum(lasts))
        size = (WIDTH, round(WIDTH * VIEW[1] / VIEW[0]))
        first, *rest = [shot.image.resize(size, Image.Resampling.LANCZOS) for shot in shots]
        duration = [*(round(last * pace) for last in lasts), LAST_MS]
        first.save(
            path, save_all=True, append_images=rest, duration=duration, loop=0,
            quality=75, method=4, minimize_size=True,
        )  # fmt: skip


def still(page: Page, path: Path) -> None:
    """Save what is seen now, not wider than a document shows it."""
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    if image.width > STILL_WIDTH:
        size = (STILL_WIDTH, round(image.height * STILL_WIDTH / image.width))
        image = image.resize(size, Image.Resampling.LANCZOS)
    image.save(path, quality=80, method=6)


@contextmanager
def opened(
    browser: Browser, url: str, size: tuple[int, int], theme: Literal["light", "dark"] = "light", language: str = "en"
) -> Iterator[Page]:
    """Open the page, in a browser of its own memory."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme=theme,
        locale=language,
        device_scale_factor=2 if size[0] < 500 else 1,
    )
    page = context.new_page()
    give_voice(page)
    page.set_default_timeout(1000 * WAIT_S)
    page.goto(url, wait_until="networkidle")
    yield page
    context.close()


def by_voice(page: Page, sounds: Sounds, wait: Callable[[str], object]) -> None:
    """Ask for a story, and talk over it.

    Args:
        page: As it was opened.
        sounds: What is said.
        wait: Waits for a condition.
    """
    page.locator("#start").click()
    wait(state("listening"))
    say(page, sounds["question"])
    wait(spoken(40))
    say(page, sounds["interruption"])
    wait(TOLD)
    wait(ANSWERED_AGAIN)


def by_key(page: Page, question: str) -> None:
    """Ask in writing, and press Esc."""
    page.locator("#words").fill(question)
    page.keyboard.press("Enter")
    page.wait_for_function(spoken(25), timeout=1000 * WAIT_S)
    page.keyboard.press("Escape")
    page.wait_for_function(TOLD)
    page.wait_for_timeout(1000)


def main(out: Path) -> None:
    """Take them all."""
    out.mkdir(parents=True, exist_ok=True)
    sounds = spoken_by_a_person(SAID)
    arguments = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
    with demo_server() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        with opened(browser, url, VIEW) as page:
            film = Film(page)
            by_voice(page, sounds, film.wait)
            film.take()
            film.save(out / "page.webp")
        with opened(browser, url, LARGE) as page:
            by_voice(page, sounds, page.wait_for_function)
            still(page, out / "page-interrupted.webp")
        with opened(browser, url, LARGE, language="zh-CN") as page:
            by_key(page, "给我讲个故事")
            still(page, out / "page-interrupted.zh-CN.webp")
        with opened(browser, url, PHONE, "dark") as page:
            by_voice(page, sounds, page.wait_for_function)
            still(page, out / "page-phone.webp")
        browser.close()
    for path in sorted(out.glob("page*.webp")):
        sys.stdout.write(f"{path.name} {path.stat().st_size} bytes\n")
    assert (out / "page.webp").stat().st_size < MOST_BYTES


if __name__ == "__main__":
    main(Path(sys.argv[1]))
