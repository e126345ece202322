"""What drives the browser, for the tests of one file: Playwright's loop is in no test of another folder's way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Playwright, sync_playwright

from tests.browser.rig.server import VoiceServer
from tests.browser.rig.site import Site


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Return what starts browsers."""
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """Return a site with the bare page."""
    with Site() as served:
        yield served


@pytest.fixture(scope="module")
def scripted() -> Iterator[VoiceServer]:
    """Return a server whose stages take no time to think, and whose voice is a sweep."""
    with VoiceServer() as server:
        yield server
