"""Every state of the page, and how a person gets there."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from attrs import field, frozen
from playwright.sync_api import Page, Route

from tests.browser.fake_page import FACTS, KEYED

__all__ = ["ERRORS", "SCENES", "Scene", "show"]

ERRORS = (
    "unreachable", "busy", "draining", "key_refused", "origin_refused", "no_such_path", "no_websocket",
    "session_gone", "closed",
    "microphone_denied", "microphone_missing", "microphone_busy", "insecure_origin", "audio_blocked", "audio_failed",
    "timeout", "internal", "too_large", "malformed",
)  # fmt: skip
"""What can go wrong, each of which is a state too."""


@frozen
class Scene:
    """One state.

    Args:
        name: For people, and for the picture's file.
        agent: What the scenes' agent is to play; empty: the page's first sight.
        facts: What the server says of itself.
        act: What is done then.
        hash: Of the address.
    """

    name: str
    agent: str = ""
    facts: Mapping[str, Any] = field(factory=lambda: FACTS)
    act: Callable[[Page], None] | None = None
    hash: str = ""


SETTLED = """() => Promise.all(document.getAnimations()
  .filter((one) => one.effect.getTiming().iterations !== Infinity).map((one) => one.finished))"""
"""Waits for what moves once; what moves for ever is left alone."""


def press(selector: str) -> Callable[[Page], None]:
    """Return what presses a button; on a small screen the strip that opens the panel is one."""
    return lambda page: page.locator(selector).click()


def raw(page: Page) -> None:
    """Open the raw record, on whichever screen."""
    if page.locator("#strip").is_visible():
        page.locator("#strip").click()
    page.locator(".raw summary").click()


def panel(page: Page) -> None:
    """Open the panel where it isn't open."""
    if page.locator("#strip").is_visible():
        page.locator("#strip").click()


def typed(page: Page) -> None:
    """Write something long."""
    page.locator("#words").fill(
        "One line.\nA second line.\nAnd a third one, which is so long that it has to be broken somewhere."
    )


def hold(page: Page) -> None:
    """Choose to hold, and press the round button."""
    page.locator("#mode label").nth(1).click()
    page.locator("#orb").hover()
    page.mouse.down()


SCENES = (
    Scene("welcome"),
    Scene("welcome-join", hash="#join=abc.def"),
    Scene("welcome-deaf", facts={**FACTS, "hears": False, "speaks": False, "listens": False}),
    Scene("welcome-draining", facts={**FACTS, "state": "draining"}),
    *(
        Scene(name, name)
        for name in (
            "connecting", "ready", "listening", "hearing", "thinking", "speaking", "held", "murmur",
            "interrupted", "conversation",
            "button", "unheard", "long", "reconnecting", "upstream",
        )
    ),
    Scene("panel", "interrupted", act=panel),
    Scene("panel-button", "button", act=panel),
    Scene("raw", "interrupted", act=raw),
    Scene("typing", "conversation", act=typed),
    Scene("holding", "ready", act=hold),
    Scene("settings", "listening", act=press("#open-settings")),
    Scene("share", "listening", act=press("#open-share")),
    Scene("help", "listening", act=press("#open-help")),
    Scene("key", "listening", KEYED),
    *(Scene(name, name) for name in ERRORS),
)  # fmt: skip


def show(page: Page, base: str, scene: Scene) -> None:
    """Bring a page into a state.

    Args:
        page: Of a context that is used for this scene alone.
        base: The address that is served.
        scene: The state.
    """

    def facts(route: Route) -> None:
        route.fulfill(status=200, content_type="application/json", body=json.dumps(dict(scene.facts)))

    page.route("**/v1/agent", facts)
    page.goto(f"{base}/?scene={scene.agent or 'listening'}{scene.hash}")
    page.locator("#help-about dd", has_text="voxint").first.wait_for(state="attached")
    if scene.agent:
        page.locator("#start").click()
        page.locator("html[data-stage=talk], dialog[open]").first.wait_for()
    if scene.act is not None:
        scene.act(page)
    page.evaluate(SETTLED)
