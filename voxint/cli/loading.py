"""What loads, while it loads: a display that moves on a terminal, a line for each change elsewhere."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from attrs import define, field

from voxint.cli.terminal import echo
from voxint.printable import printable

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["Loading", "show_loading"]

FRAMES_S = 10.0
"""Frames of the display in a second; ours: it moves, and costs nothing beside a model that loads."""


@define
class _Row:
    what: str
    began: float
    took_s: float | None = None


@define
class Loading:
    """What loads now, by its part, such as ears or voice.

    Args:
        lines: Whether each change is a line of its own.
        order: The parts, in the order in which they are shown, whichever begins first.
    """

    _lines: bool
    _order: tuple[str, ...] = ()
    _rows: dict[str, _Row] = field(factory=dict)

    def begin(self, part: str, what: str) -> None:
        """Tell that something begins to load; in the place of what was to be this part before."""
        self._rows[part] = _Row(what, time.monotonic())
        if self._lines:
            echo(printable(f"loading {part}: {what}"))

    def done(self, part: str) -> float:
        """Tell that it is there; return the seconds that it took."""
        row = self._rows[part]
        row.took_s = time.monotonic() - row.began
        if self._lines:
            echo(printable(f"{part} ready after {row.took_s:.1f} s"))
        return row.took_s

    def give_up(self, part: str) -> None:
        """Tell that it can't be loaded; whoever tries it says why."""
        del self._rows[part]

    def rows(self) -> Iterator[tuple[str, str, float, bool]]:
        """Yield each part, what it is, for how long it has been loading or did, and whether it still does."""
        now = time.monotonic()
        rows = tuple(self._rows.items())  # a thread draws, and the loop goes on
        for part, row in sorted(rows, key=lambda each: self._order.index(each[0])):
            yield part, printable(row.what), now - row.began if row.took_s is None else row.took_s, row.took_s is None


@contextmanager
def show_loading(title: str, *parts: str) -> Iterator[Loading]:
    """Show what loads, on standard output, until the block ends; then the display goes and lines stay.

    A process that is ended in the middle, as by Ctrl-C, leaves the terminal as it was: its cursor is never hidden.

    Args:
        title: What they belong to.
        *parts: What will load, in the order in which it is shown.
    """
    terminal = sys.stdout is not None and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    if not terminal:
        yield Loading(lines=True, order=parts)
        return
    from rich.console import Console  # where it is not shown, its import is not paid for
    from rich.live import Live

    console = Console(file=sys.stdout)
    loading = Loading(lines=False, order=parts)
    with Live(
        _Picture(title, loading),
        console=console,
        refresh_per_second=FRAMES_S,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    ):
        console.show_cursor(True)
        yield loading


class _Picture:
    """One frame of the display, made whenever it is drawn."""

    def __init__(self, title: str, loading: Loading) -> None:
        from rich.spinner import Spinner

        self._title = title
        self._loading = loading
        self._turning = Spinner("dots")  # one for all frames: it turns by its own age

    def __rich__(self) -> RenderableType:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        rows = Table.grid(padding=(0, 1))
        for part, what, seconds, goes_on in self._loading.rows():
            mark = self._turning if goes_on else Text("✓", "green")
            shown = Text(what, overflow="ellipsis", no_wrap=True)
            rows.add_row("", mark, Text(part), shown, Text(f"{seconds:.1f} s", "dim"))
        return Group(Text(self._title, "bold"), rows)
