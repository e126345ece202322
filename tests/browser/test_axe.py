"""The page in all its states, looked at by axe, a checker of accessibility."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from tests.needs import ABSENT, missing, needs

pytest.importorskip("playwright", reason=f"the package playwright: {ABSENT}")
pytest.importorskip("axe_playwright_python", reason=f"the package axe-playwright-python: {ABSENT}")

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, sync_playwright

from tests.browser.fake_page import serve_fake_page
from tests.browser.scenes import SCENES, Scene, show
from tests.browser.screenshots import CHROMIUM, SIZES

pytestmark = needs(missing(files=[Path(CHROMIUM)], debian="chromium"))

AXE = Axe()

LOOKS: tuple[tuple[str, Literal["light", "dark"]], ...] = (("phone", "light"), ("desktop", "dark"))
"""Both sizes and both themes, in half of the time that every pair of them would take."""


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    """The page over its fake agent."""
    with serve_fake_page() as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_axe_finds_nothing(browser: Browser, base: str, scene: Scene) -> None:
    """In no state of the page, on phone and desktop, light and dark; and the page writes no error to the console."""
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    wrong: list[str] = []
    for size, theme in LOOKS:
        width, height = SIZES[size]
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=theme, reduced_motion="reduce"
        )
        page = context.new_page()
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        show(page, base, scene)
        violations = AXE.run(page).response["violations"]
        found[size, theme] = [(one["id"], one["nodes"][0]["html"]) for one in violations]
        context.close()
    assert [problem for problems in found.values() for problem in problems] == []
    assert wrong == []
