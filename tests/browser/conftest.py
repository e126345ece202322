"""What drives the browser, for the tests of one file: Playwright's loop is in no test of another folder's way."""

from __future__ import annotations

import gc
from collections.abc import Generator, Iterator

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
