"""The page at / as a person uses it, and what is seen of it."""

from __future__ import annotations

from attrs import define
from playwright.sync_api import Locator, expect

from tests.browser.rig.browser import Tab
from tests.browser.rig.waiting import LIMIT_MS

__all__ = ["VoicePage"]


@define(eq=False)
class VoicePage:
    """A tab that shows it."""

    tab: Tab

    def go(self, url: str) -> None:
        """Open it; return when it knows its server."""
        self.tab.page.goto(url)
        expect(self.tab.page.locator("#about")).not_to_be_empty(timeout=LIMIT_MS)

    def start(self) -> None:
        """Press its first button, which opens sound and microphone."""
        self.tab.page.locator("#start").click()

    def type(self, words: str) -> None:
        """Type something and send it."""
        field = self.tab.page.get_by_role("textbox", name="Type a message")
        field.fill(words)
        field.press("Enter")

    def until_state(self, words: str) -> None:
        """Wait until it says that it is in this state."""
        expect(self.tab.page.locator("#state")).to_have_text(words, timeout=LIMIT_MS)

    def until_connected(self) -> None:
        """Wait until it says that it is connected."""
        expect(self.tab.page.locator("#link")).to_have_attribute("data-state", "open", timeout=LIMIT_MS)

    def until_told(self, title: str) -> Locator:
        """Wait for a notice by its title; return it."""
        notice = self.tab.page.locator("#notices").get_by_text(title)
        expect(notice).to_be_visible(timeout=LIMIT_MS)
        return notice

    def bubbles(self, role: str, status: str = "") -> Locator:
        """Return the bubbles of a person or an agent, all or those of a status."""
        return self.tab.page.locator(f".bubble.{role}" + (f"[data-status={status}]" if status else ""))

    def until_bubble(self, role: str, status: str, words: str = "", count: int = 1) -> None:
        """Wait for so many bubbles of a status; the last of them has these words in it."""
        found = self.bubbles(role, status)
        expect(found).to_have_count(count, timeout=LIMIT_MS)
        if words:
            expect(found.last).to_contain_text(words, timeout=LIMIT_MS)
