"""Missed interruptions against false stops as a threshold moves, and where each system stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bench.bargein.figures import Curve, Figures
from bench.report.names import GRID, INK, LATE, SOFT, SUBJECT, colour_of, target_name
from bench.report.plots.canvas import SMALL, axes_at, picture, quiet

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["det"]

WIDTH, HEIGHT, LEFT, RIGHT, ABOVE, BELOW = 430, 380, 58, 20, 14, 44

LEAST = 0.005
"""What is drawn for none at all: the axes are logarithmic."""

TICKS = (LEAST, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
AIM = 0.02
"""measuring.md's, of both."""

APART = 1.3
"""Points whose shares differ by less than that have their names above one another."""

TOLD = (200.0, 500.0, 1000.0)
"""Thresholds that are written beside a curve."""


def det(curves: Sequence[Curve], systems: Mapping[str, Figures]) -> str:
    """Return the picture, or nothing if there is no curve and no system.

    Args:
        curves: Rules whose threshold moves.
        systems: Where each system stands.
    """
    stands = {
        name: (each.false_stop.share, each.missed.share)
        for name, each in systems.items()
        if each.false_stop.share is not None and each.missed.share is not None
    }
    if not curves and not stands:
        return ""

    def paint(figure: Figure) -> None:
        axes = axes_at(figure, LEFT, ABOVE, WIDTH - LEFT - RIGHT, HEIGHT - ABOVE - BELOW)
        _grid(axes)
        for curve, line in zip(curves, ("--", "-"), strict=False):
            _curve(axes, curve, line)
        written: list[tuple[float, float]] = []
        for name, (false, missed) in stands.items():
            at = (max(false or 0.0, LEAST), max(missed or 0.0, LEAST))
            _system(axes, name, at, row=sum(_near(at, other) for other in written))
            written.append(at)

    title = f"missed interruptions against false stops, {', '.join(stands)}"
    return picture("det", title, WIDTH, HEIGHT, paint)


def _near(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Return whether the names of two points would lie over each other."""
    return all(1 / APART < first / second < APART for first, second in zip(one, other, strict=True))


def _system(axes: Axes, name: str, at: tuple[float, float], row: int) -> None:
    """Draw where a system stands, its name beside it, above those of others that stand there too."""
    left = at[0] > 0.3
    axes.plot(*([part] for part in at), marker="o", markersize=9, color=colour_of(name).light, clip_on=False, zorder=5)
    axes.annotate(
        target_name(name),
        at,
        xytext=(-8 if left else 8, 6 + 15 * row),
        textcoords="offset points",
        ha="right" if left else "left",
        fontsize=SMALL,
        weight="bold" if name == SUBJECT else "normal",
        color=INK.light,
    )


def _grid(axes: Axes) -> None:
    quiet(axes)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(LEAST, 1.0)
    axes.set_ylim(LEAST, 1.0)
    names = ["0", *(f"{tick:.0%}" for tick in TICKS[1:])]
    axes.set_xticks(TICKS, names)
    axes.set_yticks(TICKS, names)
    axes.minorticks_off()
    axes.grid(color=GRID.light, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.plot([LEAST, AIM, AIM], [AIM, AIM, LEAST], color=LATE.light, linewidth=1.2)
    axes.set_xlabel("false stops", fontsize=SMALL, labelpad=4)
    axes.set_ylabel("missed interruptions", fontsize=SMALL, labelpad=4)


def _curve(axes: Axes, curve: Curve, line: str) -> None:
    falses = [max(false, LEAST) for _, false, _ in curve.points]
    misses = [max(missed, LEAST) for _, _, missed in curve.points]
    axes.plot(falses, misses, linestyle=line, color=SOFT.light, linewidth=1.6, clip_on=False)
    for threshold, false, missed in curve.points:
        if threshold in TOLD:
            at = (max(false, LEAST), max(missed, LEAST))
            axes.plot([at[0]], [at[1]], marker=".", markersize=6, color=SOFT.light, clip_on=False)
            axes.annotate(
                f"{threshold:.0f} ms",
                at,
                xytext=(4, 5),
                textcoords="offset points",
                rotation=55,  # so that those of points side by side don't lie over each other
                fontsize=SMALL,
                color=SOFT.light,
            )
