"""One number for each target as a bar, and where there is one a second behind it as a thin line: mean and p99."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attrs import frozen

from bench.report.names import GRID, colour_of, number
from bench.report.plots.canvas import ACROSS, LEFT, RIGHT, WIDTH, axes_at, name_lane, picture, quiet, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Bar", "bars"]

LANE, ABOVE = 28, 22


@frozen
class Bar:
    """A target's number.

    Args:
        target: Which.
        value: The number.
        beyond: Its p99, if it has one.
        counts: False where it is shown but does not count.
        text: Written for it; the numbers, where it is empty.
    """

    target: str
    value: float
    beyond: float | None = None
    counts: bool = True
    text: str = ""


def bars(name: str, title: str, heading: str, values: Sequence[Bar]) -> str:
    """Return a bar for each target, or nothing if there are none.

    Args:
        name: Of the picture, as `picture` wants it.
        title: For those who can't see it.
        heading: What the numbers at the right are.
        values: In the order of the bars.
    """
    if not values:
        return ""
    longest = max(max(bar.value, bar.beyond or 0) for bar in values) or 1

    def paint(figure: Figure) -> None:
        axes = axes_at(figure, LEFT, ABOVE, ACROSS, LANE * len(values))
        quiet(axes, keep=("left",))
        axes.spines["left"].set_color(GRID.light)
        axes.set_xlim(0, longest)
        axes.set_ylim(len(values) - 0.5, -0.5)
        axes.set_xticks([])
        axes.set_yticks([])
        for lane, bar in enumerate(values):
            _bar(axes, lane, bar)
            numbers = number(bar.value) + ("" if bar.beyond is None else f" / {number(bar.beyond)}")
            name_lane(axes, lane, bar.target, bar.counts, bar.text or numbers)
        write(axes, ACROSS + RIGHT - 2, -0.5 - 11 / LANE, heading, ends=True, soft=True)

    return picture(name, title, WIDTH, ABOVE + LANE * len(values) + 6, paint)


def _bar(axes: Axes, lane: int, bar: Bar) -> None:
    colour = colour_of(bar.target).light
    if bar.beyond:
        ends, last = [bar.value, bar.beyond], [bar.beyond]
        axes.plot(ends, [lane, lane], color=colour, linewidth=2, solid_capstyle="butt", clip_on=False)
        axes.plot(last, [lane], "|", markersize=10, markeredgewidth=2.4, color=colour, clip_on=False)
    if bar.value:
        face = colour if bar.counts else "none"
        axes.barh([lane], [bar.value], 0.62, facecolor=face, edgecolor=colour, linewidth=1.4, clip_on=False)
