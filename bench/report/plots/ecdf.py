"""How many answers came within so many milliseconds: a curve for each target, and below it p50 and p99 by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.report.names import FLOORS, GRID, SHADE, SUBJECT, colour_of, number
from bench.report.plots.canvas import ACROSS, LEFT, RIGHT, WIDTH, axes_at, name_lane, picture, quiet, write
from bench.report.summary import Figure, MeasuredCase, Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

__all__ = ["ecdf"]

CURVES, LANE, BELOW = 168, 22, 34
POINTS = 100
"""Points of a curve: more can't be seen at this size."""


def ecdf(case: MeasuredCase) -> str:
    """Return the distributions of a case's acknowledgements, or nothing if there are none."""
    measured = [(row, row.latency) for row in case.rows]
    rows = [(row, figure) for row, figure in measured if figure is not None]
    if not rows:
        return ""
    rows.sort(key=lambda pair: pair[1].p50)
    height = 10 + CURVES + LANE * (len(rows) + 1) + BELOW
    title = f"{case.name}: share of interrupts acknowledged within a time, {', '.join(row.target for row, _ in rows)}"

    def paint(canvas: Canvas) -> None:
        low = 0.7 * min(figure.distribution.percentile(1) for _, figure in rows)
        high = 1.6 * max(figure.p99 for _, figure in rows)
        upper = axes_at(canvas, LEFT, 10, ACROSS, CURVES)
        lower = axes_at(canvas, LEFT, 10 + CURVES, ACROSS, LANE * (len(rows) + 1))
        for axes in (upper, lower):
            axes.set_xscale("log")
            axes.set_xlim(max(low, high / 1e6), high)
            axes.grid(axis="x", color=GRID.light, linewidth=0.8)
            axes.set_axisbelow(True)
        _curves(upper, rows)
        _lanes(lower, rows)

    return picture(f"ecdf-{case.name}", title, WIDTH, height, paint)


def _curves(axes: Axes, rows: Sequence[tuple[Row, Figure]]) -> None:
    quiet(axes)
    axes.set_ylim(0, 1.02)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "25 %", "50 %", "75 %", "100 %"])
    axes.grid(axis="y", color=GRID.light, linewidth=0.8)
    axes.tick_params(labelbottom=False, which="both")
    axes.minorticks_off()
    _floor(axes, rows)
    for row, figure in rows:
        values, shares = _thinned(figure)
        strong, floor = row.target == SUBJECT, row.target in FLOORS
        (curve,) = axes.plot(values, shares, drawstyle="steps-post", color=colour_of(row.target).light)
        curve.set(linewidth=2.8 if strong else 1.8, zorder=5 if strong else 2 if floor else 3)
        if not row.counts:
            curve.set_linestyle((0, (4, 2)))


def _thinned(figure: Figure) -> tuple[list[float], list[float]]:
    """Return a curve's points, starting on the ground: evenly by share, the tail kept."""
    points = figure.distribution.ecdf()
    step = max(1.0, len(points) / POINTS)
    kept = [points[int(at * step)] for at in range(int(len(points) / step))]
    kept = [(max(points[0][0], 1e-3), 0.0), *kept, points[-1]]
    return [max(value, 1e-3) for value, _ in kept], [share for _, share in kept]


def _floor(axes: Axes, rows: Sequence[tuple[Row, Figure]]) -> None:
    floor = next((figure for row, figure in rows if figure is row.floor), None)
    if floor is not None:
        axes.axvspan(floor.p50, max(floor.p99, floor.p50 * 1.01), color=SHADE.light, linewidth=0, zorder=0)


def _lanes(axes: Axes, rows: Sequence[tuple[Row, Figure]]) -> None:
    """Draw a lane for each target: a dot at p50, a bar to p99, its name before and its numbers behind."""
    from matplotlib.ticker import FuncFormatter, LogLocator

    quiet(axes)
    axes.set_ylim(len(rows) - 0.4, -1.4)
    axes.set_yticks([])
    _floor(axes, rows)
    for lane, (row, figure) in enumerate(rows):
        _span(axes, lane, row, figure)
        name_lane(axes, lane, row.target, row.counts, f"{number(figure.p50)} / {figure.tail}")
    write(axes, ACROSS + RIGHT - 2, -0.95, "p50 / p99 ms", ends=True, soft=True)
    write(axes, ACROSS + 20, len(rows) - 0.4 + 10.5 / LANE, "ms", soft=True)
    low, high = axes.get_xlim()
    within_a_decade_or_so = high / low < 30
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if within_a_decade_or_so else (1,), numticks=7))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.minorticks_off()


def _span(axes: Axes, lane: int, row: Row, figure: Figure) -> None:
    colour, strong = colour_of(row.target).light, row.target == SUBJECT
    face = colour if row.counts else "none"
    ends, middle, last = [figure.p50, figure.p99], [figure.p50], [figure.p99]
    axes.plot(ends, [lane, lane], color=colour, linewidth=3 if strong else 2, solid_capstyle="butt")
    axes.plot(middle, [lane], "o", markersize=8 if strong else 7, color=colour, mfc=face, markeredgewidth=1.8)
    axes.plot(last, [lane], "|", markersize=10, color=colour, markeredgewidth=2.4)
