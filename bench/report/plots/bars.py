"""One number for each target as a bar, and where there is one a second behind it as a thin line: mean and p99."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attrs import frozen

from bench.report.names import GRID, INK, SOFT, SUBJECT, colour_of, number, target_name
from bench.report.plots.canvas import SMALL, axes_at, picture, quiet

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Bar", "bars"]

WIDTH, LEFT, RIGHT = 430, 116, 88
LANE, ABOVE = 28, 22


@frozen
class Bar:
    """A target's number. `counts` is false where it is shown but does not count; `beyond` is its p99, if it has one."""

    target: str
    value: float
    beyond: float | None = None
    counts: bool = True


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
        width = WIDTH - LEFT - RIGHT
        axes = axes_at(figure, LEFT, ABOVE, width, LANE * len(values))
        quiet(axes, keep=("left",))
        axes.set_xlim(0, longest)
        axes.set_ylim(len(values) - 0.5, -0.5)
        axes.set_xticks([])
        axes.set_yticks([])
        beside, at_right = axes.get_yaxis_transform(), 1 + (RIGHT - 2) / width
        for lane, bar in enumerate(values):
            colour, weight = colour_of(bar.target).light, "bold" if bar.target == SUBJECT else "normal"
            if bar.beyond:
                axes.plot(
                    [bar.value, bar.beyond],
                    [lane, lane],
                    color=colour,
                    linewidth=2,
                    solid_capstyle="butt",
                    clip_on=False,
                )
                axes.plot(
                    [bar.beyond], [lane], marker="|", markersize=10, markeredgewidth=2.4, color=colour, clip_on=False
                )
            face = colour if bar.counts else "none"
            if bar.value:
                axes.barh(
                    [lane], [bar.value], height=0.62, facecolor=face, edgecolor=colour, linewidth=1.4, clip_on=False
                )
            label = target_name(bar.target) + ("" if bar.counts else " *")
            axes.text(
                -10 / width,
                lane,
                label,
                transform=beside,
                ha="right",
                va="center",
                fontsize=SMALL + 0.5,
                weight=weight,
                color=INK.light,
            )
            text = number(bar.value) + ("" if bar.beyond is None else f" / {number(bar.beyond)}")
            axes.text(
                at_right,
                lane,
                text,
                transform=beside,
                ha="right",
                va="center",
                fontsize=SMALL,
                weight=weight,
                color=INK.light,
            )
        axes.spines["left"].set_color(GRID.light)
        figure.text(
            (WIDTH - 2) / WIDTH,
            1 - 11 / (ABOVE + LANE * len(values) + 6),
            heading,
            ha="right",
            va="center",
            fontsize=SMALL,
            color=SOFT.light,
        )

    return picture(name, title, WIDTH, ABOVE + LANE * len(values) + 6, paint)
