"""One number against the sessions, a line for each target with its name at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bench.report.names import GRID, SUBJECT, colour_of, number, target_name
from bench.report.plots.canvas import SMALL, axes_at, picture, quiet, spread, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["lines"]

WIDTH, HEIGHT, LEFT, RIGHT, ABOVE, BELOW = 430, 310, 46, 118, 30, 40


def lines(name: str, title: str, heading: str, series: Mapping[str, Sequence[tuple[int, float]]]) -> str:
    """Return a line for each target, or nothing if there are none.

    Args:
        name: Of the picture, as `picture` wants it.
        title: For those who can't see it.
        heading: What is drawn upwards.
        series: For each target the sessions, ascending, each with its number.
    """
    drawn = {target: points for target, points in series.items() if points}
    if not drawn:
        return ""
    across = sorted({sessions for points in drawn.values() for sessions, _ in points})
    highest = 1.08 * max(value for points in drawn.values() for _, value in points) or 1

    def paint(figure: Figure) -> None:
        height = HEIGHT - ABOVE - BELOW
        axes = axes_at(figure, LEFT, ABOVE, WIDTH - LEFT - RIGHT, height)
        quiet(axes, keep=("bottom",))
        axes.set_xscale("log")
        axes.set_xlim(across[0] / 1.08, across[-1] * 1.08)
        axes.set_ylim(0, highest)
        axes.set_xticks(across, [f"{sessions:,}" for sessions in across])
        axes.minorticks_off()
        axes.locator_params(axis="y", nbins=5)
        axes.yaxis.set_major_formatter(lambda value, _: number(value))
        axes.grid(axis="y", color=GRID.light, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.set_xlabel("sessions", fontsize=SMALL, labelpad=6)
        write(axes, 0, highest * (1 + 14 / height), heading, soft=True)
        lasts = [points[-1][1] for points in drawn.values()]
        places = spread(lasts, highest * 17 / height, 0, highest)
        for (target, points), place in zip(drawn.items(), places, strict=True):
            _line(axes, target, points, place)

    return picture(name, title, WIDTH, HEIGHT, paint)


def _line(axes: Axes, target: str, points: Sequence[tuple[int, float]], place: float) -> None:
    """Draw a target's line, and from its end a thread to its name."""
    colour, strong = colour_of(target).light, target == SUBJECT
    xs, ys = [sessions for sessions, _ in points], [value for _, value in points]
    (line,) = axes.plot(xs, ys, color=colour, linewidth=2.8 if strong else 1.8, marker="o", clip_on=False)
    line.set(markersize=6 if strong else 5, zorder=5 if strong else 3)
    width = axes.bbox.width
    thread = [1, 1 + 10 / width]
    axes.plot(thread, [ys[-1], place], transform=axes.get_yaxis_transform(), color=colour, linewidth=1, clip_on=False)
    write(axes, width + 14, place, target_name(target), strong=strong)
