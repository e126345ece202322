"""The element on somebody's page, as a visitor uses it."""

from __future__ import annotations

from playwright.sync_api import Locator

from tests.browser.rig.browser import Tab

__all__ = ["asked", "until_microphone"]


def asked(tab: Tab) -> Locator:
    """Ask the element for a story, in writing; return it."""
    element = tab.page.locator("voxint-agent")
    element.get_by_role("textbox").fill("tell me a story")
    element.get_by_role("textbox").press("Enter")
    return element


def until_microphone(tab: Tab, element: Locator, state: str) -> None:
    """Wait until the element's microphone is in a state, also where a policy of the page allows no evaluation."""
    tab.until_quiet(
        lambda: element.evaluate("(element) => element.agent?.microphone"), lambda said: said == state, state
    )
