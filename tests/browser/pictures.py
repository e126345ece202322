"""The pictures of the documentation, of the page in its main states: `python -m tests.browser.pictures`.

They show scenes, not a run: `tests.browser.scenes` says what the server of each has said.
"""

from __future__ import annotations

import base64
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.browser.fake_page import serve_fake_page
from tests.browser.scenes import SCENES, Scene, show
from tests.browser.screenshots import CHROMIUM, SIZES, looked_at

__all__ = ["FOLDER", "PICTURES"]

FOLDER = Path(__file__).parents[2] / "docs" / "images"

SCALE = 1.5
"""Of the picture; ours: sharp on a screen with small pixels, and half as large as at 2."""

QUALITY = 88
"""Of WebP, in percent; ours: letters have no fringes at twice the size."""

PICTURES = ("held", "welcome")
"""The scenes, each of which gives its picture its name."""


def taken(browser: Browser, base: str, scene: Scene) -> bytes:
    """Return a picture as WebP: on a phone, by day, in English."""
    context = looked_at(browser, "phone", "light", "en")
    page = context.new_page()
    show(page, base, scene)
    # Playwright's own screenshots are PNG or JPEG.
    width, height = SIZES["phone"]
    clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": SCALE}
    asked = {"format": "webp", "quality": QUALITY, "clip": clip}
    shot = context.new_cdp_session(page).send("Page.captureScreenshot", asked)
    context.close()
    return base64.b64decode(shot["data"])


def main() -> None:
    """Take all of them anew."""
    scenes = {scene.name: scene for scene in SCENES}
    FOLDER.mkdir(exist_ok=True)
    with serve_fake_page() as base, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for name in PICTURES:
            (FOLDER / f"{name}.webp").write_bytes(taken(browser, base, scenes[name]))
        browser.close()


if __name__ == "__main__":
    main()
