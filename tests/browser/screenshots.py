"""Pictures of the page in every state, size, theme and language.

`python -m tests.browser.screenshots OUT [PART-OF-A-NAME]`
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tests.browser.fake_page import serve_fake_page
from tests.browser.scenes import SCENES, Scene, show

CHROMIUM = "/usr/bin/chromium"

SIZES = {"phone": (390, 844), "desktop": (1440, 900)}
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
LANGUAGES = ("en", "zh-CN")


def tell(name: str, wrong: object) -> None:
    """Say what went wrong in which picture."""
    sys.stderr.write(f"{name}: {wrong}\n")


def looked_at(browser: Browser, size: str, theme: Literal["light", "dark"], language: str) -> BrowserContext:
    """Return a context in which the page is looked at so."""
    width, height = SIZES[size]
    return browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=theme,
        locale=language,
        device_scale_factor=2 if size == "phone" else 1,
        has_touch=size == "phone",
        reduced_motion="reduce",  # nothing to wait for
    )


def take(
    browser: Browser, base: str, scene: Scene, size: str, theme: Literal["light", "dark"], language: str, out: Path
) -> None:
    """Take one picture; what the page writes to the console as an error is told."""
    context = looked_at(browser, size, theme, language)
    page = context.new_page()
    name = f"{scene.name}-{size}-{theme}-{language[:2]}"
    page.on("console", lambda message: tell(name, message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: tell(name, error))
    show(page, base, scene)
    page.screenshot(path=out / f"{name}.png")
    context.close()


def main(out: Path, part: str) -> None:
    """Take the pictures of all scenes that have a part in their name."""
    out.mkdir(parents=True, exist_ok=True)
    with serve_fake_page() as base, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        chosen = [scene for scene in SCENES if part in scene.name]
        for scene, size, theme, language in itertools.product(chosen, SIZES, THEMES, LANGUAGES):
            take(browser, base, scene, size, theme, language, out)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "")
