"""The screen of a conversation: what was said stays above, what goes on is drawn below; or plain lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal, Protocol

import trio
from rich.console import Console
from rich.live import Live
from rich.text import Text

from voxint.cli.talking.view import STATES, Picture, layout, named
from voxint.cli.terminal import echo, note
from voxint.printable import printable

__all__ = ["PlainScreen", "Screen", "Who", "draw", "open_screen"]

FRAME_S = 0.08
"""Seconds between two pictures; ours: a meter moves smoothly from about ten a second."""

Who = Literal["you", "voxint", "note"]


class Screen(Protocol):
    """Where a conversation is shown."""

    def say(self, who: Who, words: str) -> None:
        """Write what was said, or a note, for good."""

    def show(self, view: Picture) -> None:
        """Show what goes on."""


class PlainScreen:
    """Lines: what was said on standard output, a new state and notes on standard error."""

    def __init__(self) -> None:
        self._state = ""

    def say(self, who: Who, words: str) -> None:
        """Write a line."""
        if who == "note":
            note(words)
        else:
            echo(f"{who}: {words}")

    def show(self, view: Picture) -> None:
        """Write the state where it is another than before."""
        if (state := STATES[view.state][0]) != self._state:
            self._state = state
            note(f"[{state}]")


class _LiveScreen:
    def __init__(self, live: Live) -> None:
        self._live = live

    def say(self, who: Who, words: str) -> None:
        console = self._live.console
        if who == "note":
            console.print(Text(printable(words), style="dim"))
        else:
            console.print(named(who, words))

    def show(self, view: Picture) -> None:
        console = self._live.console
        picture = layout(view, console.width, plain=console.options.ascii_only)
        self._live.update(picture, refresh=True)


@contextmanager
def open_screen() -> Iterator[Screen]:
    """Open the screen that standard output can carry; its terminal is as before when the block ends."""
    console = Console(highlight=False)
    if not console.is_terminal or console.is_dumb_terminal:
        yield PlainScreen()
        return
    with Live(
        console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
    ) as live:
        yield _LiveScreen(live)


async def draw(screen: Screen, view: Callable[[], Picture]) -> None:
    """Show what goes on, again and again; cancelled in the end."""
    while True:
        screen.show(view())
        await trio.sleep(FRAME_S)
