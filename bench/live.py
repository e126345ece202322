"""What a person sees while a run goes on: which target is under load, how far the run is, and its first figures."""

from __future__ import annotations

from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from bench.schema import Slot
from voxint.measure.distribution import Distribution
from voxint.printable import printable

__all__ = ["LiveProgress"]

SHOWN = 12
"""How many finished slots stay on the screen."""

REFRESH_HZ = 2
"""Pictures a second. Drawing takes time of the core that measures; two a second are 1 % of it."""


class LiveProgress:
    """A progress bar over the latest slots; a context manager. On no terminal, a line for each slot.

    Args:
        console: Where.
        slots: How many there will be.
    """

    def __init__(self, console: Console, slots: int) -> None:
        self._console = console
        self._recent: list[tuple[str, ...]] = []
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
        )
        self._task = self._progress.add_task("starting", total=slots)
        self._live = Live(console=console, get_renderable=self._picture, refresh_per_second=REFRESH_HZ, transient=True)

    def __enter__(self) -> LiveProgress:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *args: object) -> None:
        self._live.stop()

    def begin(self, what: str) -> None:
        """Show which slot is being measured."""
        self._progress.update(self._task, description=printable(what))

    def more(self, slots: int) -> None:
        """Say that there will be more slots than was thought, or fewer."""
        total = self._progress.tasks[self._task].total or 0
        self._progress.update(self._task, total=total + slots)

    def done(self, slot: Slot) -> None:
        """Show a slot's first figures."""
        cells = (slot.case, str(slot.round + 1), slot.target, _first_figure(slot), "; ".join(slot.problems))
        row = tuple(map(printable, cells))
        self._recent = [*self._recent, row][-SHOWN:]
        self._progress.advance(self._task)
        if not self._console.is_terminal:
            self._console.print(" ".join(row), soft_wrap=True, highlight=False, markup=False)

    def _picture(self) -> RenderableType:
        table = Table.grid(padding=(0, 2))
        for row in self._recent:
            table.add_row(*map(Text, row))  # as it is: a target's words are no markup
        whole = Table.grid()
        whole.add_row(table)
        whole.add_row(self._progress)
        return whole


def _first_figure(slot: Slot) -> str:
    for name in ("ack_ms", "echo_ms"):
        if name in slot.figures:
            figure = Distribution.decode(slot.figures[name])
            return f"{name} {figure.percentile(50):.2f} / {figure.percentile(99):.2f}"
    return f"{slot.totals.get('cpu_share', 0.0):.0%} of a core"
