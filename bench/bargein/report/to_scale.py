"""One call to scale: who sounds when, where the answer is held, and what is said and closed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.bargein.figures import Timeline
from bench.bargein.timeline import AFTER_MS, BEFORE_MS
from bench.report.names import GRID, INK, LATE, SHADE, SOFT, colour_of
from bench.report.plots.canvas import SMALL, axes_at, picture, quiet, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["to_scale"]

WIDTH, LEFT, RIGHT, ABOVE, BELOW = 860, 110, 24, 8, 40
LANE, MARK = 34, 17
LANES = ("caller", "answer", "next answer")


def to_scale(name: str, system: str, timeline: Timeline) -> str:
    """Return a call's picture.

    Args:
        name: Of the picture, as `picture` wants it.
        system: Whose call, for the colour.
        timeline: The call.
    """
    marks = len(timeline.marks)
    height = ABOVE + LANE * len(LANES) + MARK * marks + 14 + BELOW

    def paint(figure: Figure) -> None:
        body = LANE * len(LANES) + MARK * marks + 14
        axes = axes_at(figure, LEFT, ABOVE, WIDTH - LEFT - RIGHT, body)
        quiet(axes)
        axes.set_xlim(-BEFORE_MS, AFTER_MS)
        axes.set_ylim(body, 0)
        axes.set_yticks([])
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,g} ms")
        axes.grid(axis="x", color=GRID.light, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.set_xlabel("after the first audible sample", fontsize=SMALL, labelpad=4)
        axes.axvline(0, color=INK.light, linewidth=1)
        colour = colour_of(system).light
        _lane(axes, 0, timeline.speech, INK.light)
        for first, last in timeline.held:
            axes.axvspan(first, last, 0, 1, color=SHADE.light, zorder=0)
            write(axes, _pixels(axes, first) + 3, LANE * 2 - 5, "held", soft=True)
        _lane(axes, 1, timeline.sound, colour)
        _lane(axes, 2, timeline.again, colour)
        for lane, label in enumerate(LANES):
            write(axes, -10, LANE * (lane + 0.5), label, ends=True)
        _marks(axes, timeline)

    return picture(name, timeline.title, WIDTH, height, paint)


def _lane(axes: Axes, lane: int, spans: Sequence[tuple[float, float]], colour: str) -> None:
    for first, last in spans:
        axes.barh(LANE * (lane + 0.5), last - first, height=LANE * 0.5, left=first, color=colour)


def _marks(axes: Axes, timeline: Timeline) -> None:
    """Draw a line down from the answer to each mark, and its words beside it: one row each, so that none hides one."""
    top = LANE * len(LANES)
    for row, mark in enumerate(timeline.marks):
        level = top + MARK * (row + 0.5) + 6
        colour = LATE.light if "closed" in mark.label else SOFT.light
        axes.plot([mark.at_ms, mark.at_ms], [LANE, level], color=colour, linewidth=1)
        axes.plot([mark.at_ms], [level], marker=".", markersize=6, color=colour)
        write(axes, _pixels(axes, mark.at_ms) + 7, level, f"{mark.label}, {mark.at_ms:.0f} ms")


def _pixels(axes: Axes, at_ms: float) -> float:
    return axes.bbox.width * (at_ms + BEFORE_MS) / (BEFORE_MS + AFTER_MS)
