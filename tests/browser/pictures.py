"""The pictures of the documentation, of the page in its main states: `python -m tests.browser.pictures`.

They show scenes, not a run: `tests.browser.scenes` says what the server of each has said.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, sync_playwright

from tests.browser.fake_page import serve_fake_page
from tests.browser.scenes import SCENES, Scene, show
from tests.browser.screenshots import CHROMIUM

__all__ = ["FOLDER", "PICTURES"]

FOLDER = Path(__file__).parents[2] / "docs" / "images"

SIZES = {"phone": (390, 780), "desktop": (1180, 820)}
"""As narrow as the page still has its panel beside the conversation, so that a reader sees its letters."""

SCALE = 1.5
"""Of the picture; ours: sharp on a screen with small pixels, and half as large as at 2."""

QUALITY = 88
"""Of WebP, in percent; ours: letters have no fringes at twice the size."""

PICTURES: Mapping[str, tuple[str, Literal["phone", "desktop"], Literal["light", "dark"], str]] = {
    "held": ("held", "phone", "light", "en"),
    "welcome": ("welcome", "phone", "light", "en"),
}
"""By the picture's name: the scene, and how it is looked at."""


def taken(
    browser: Browser, base: str, scene: Scene, size: str, theme: Literal["light", "dark"], language: str
) -> bytes:
    """Return a picture as WebP."""
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=theme,
        locale=language,
        has_touch=size == "phone",
        reduced_motion="reduce",  # nothing to wait for
    )
    page = context.new_page()
    show(page, base, scene)
    # Playwright's own screenshots are PNG or JPEG.
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
        for name, (scene, size, theme, language) in PICTURES.items():
            (FOLDER / f"{name}.webp").write_bytes(taken(browser, base, scenes[scene], size, theme, language))
        browser.close()


if __name__ == "__main__":
    main()
