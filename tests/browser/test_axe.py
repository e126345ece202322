"""The page in all its states, looked at by axe, a checker of accessibility."""

from __future__ import annotations

from itertools import product

import pytest
from playwright.sync_api import Browser

from tests.browser.rig.browser import opened
from tests.browser.scenes import ERRORS, SCENES, Scene, show
from tests.browser.screenshots import SIZES, THEMES
from tests.needs import ABSENT, needs_chromium

pytest.importorskip("axe_playwright_python", reason=f"the package axe-playwright-python: {ABSENT}")

from axe_playwright_python.sync_playwright import Axe

pytestmark = needs_chromium

AXE = Axe()

LOOKS = tuple(product(SIZES, THEMES))
OPPOSITE = LOOKS[0], LOOKS[-1]
"""Of a state that differs from others in its words alone: both sizes and both themes, in half of the time."""


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_axe_finds_nothing(browser: Browser, base: str, scene: Scene) -> None:
    """In no state of the page, on phone and desktop, light and dark; and the page writes no error to the console."""
    found: list[tuple[str, str, str, str]] = []
    with opened(browser) as tab:
        page = tab.page
        for size, theme in OPPOSITE if scene.name in ERRORS else LOOKS:
            width, height = SIZES[size]
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            if not page.url.startswith(base):
                show(page, base, scene)  # on the phone, where a part of it has to be opened first
            violations = AXE.run(page).response["violations"]
            found += [(size, theme, one["id"], one["nodes"][0]["html"]) for one in violations]
        assert found == []
        assert tab.wrong == []
