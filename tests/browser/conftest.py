"""What the tests of this folder share, and no test of another one: Playwright's loop would be in the way there."""

from __future__ import annotations

import gc
from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.browser.fake_page import serve_fake_page
from tests.browser.rig.browser import launched
from tests.browser.rig.server import VoiceServer
from tests.browser.rig.shared import Shared
from tests.browser.rig.site import Site

HERE = Path(__file__).parent

shared = Shared()


def any_browser() -> Browser:
    """Start a browser with a microphone that it may use, at which it beeps."""
    return launched(shared.of(sync_playwright))


# For a file and no longer: the next one asks again, as all that is shared may have been closed in between.


@pytest.fixture(scope="module")
def playwright() -> Playwright:
    """Return what starts browsers."""
    return shared.of(sync_playwright)


@pytest.fixture(scope="module")
def browser() -> Browser:
    """Return a browser with a microphone that it may use; each test has a context of its own in it."""
    return shared.of(any_browser)


@pytest.fixture(scope="module")
def site() -> Site:
    """Return a site with the bare page."""
    return shared.of(Site)


@pytest.fixture(scope="module")
def scripted() -> VoiceServer:
    """Return a server whose stages take no time to think, and whose voice is a sweep."""
    return shared.of(VoiceServer)


@pytest.fixture(scope="module")
def base() -> str:
    """Return where the page is, over its fake agent."""
    return shared.of(serve_fake_page)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> Generator[None, None, None]:
    """Close what is shared behind the last test of this folder."""
    try:
        yield
    finally:
        if nextitem is None or HERE not in nextitem.path.parents:
            shared.close()


def pytest_sessionfinish() -> None:
    """Close what is shared where the tests end early."""
    shared.close()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Collect no garbage while a report is made.

    Playwright's greenlets, when they are collected in the middle of the parsing of a traceback's source, upset Python
    3.11's count of recursion (`SystemError: AST constructor recursion depth mismatch`), and pytest with it.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
