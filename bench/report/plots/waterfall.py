"""One interrupt to scale: what ran on after INTERRUPT was written, and when the target said that it had stopped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bench.report.names import GRID, INK, LATE, PAPER, SHADE, SOFT, SUBJECT, colour_of, number, target_name
from bench.report.plots.canvas import SMALL, axes_at, picture, quiet
from bench.results import Waterfall

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["waterfall"]

LEFT, RIGHT, ABOVE, BELOW = 88, 64, 8, 40
STEP, HEAD, GAP = 17, 22, 10
"""Pixels of a bar's row, of the target's name above it, and between targets."""

BARS = (("model", "llm_closed"), ("speech", "tts_closed"), ("old audio", "last_stale"))
LANE = HEAD + STEP * (len(BARS) + 1) + GAP


def waterfall(name: str, title: str, lanes: Mapping[str, Waterfall], *, width: int) -> str:
    """Return a lane for each target on one axis, or nothing if there are none.

    Args:
        name: Of the picture, as `picture` wants it.
        title: For those who can't see it.
        lanes: One interrupt of each target.
        width: In pixels.
    """
    instants = [
        at for one in lanes.values() for at in (one.llm_closed, one.tts_closed, one.last_stale, one.acknowledged)
    ]
    seen = [at for at in instants if at is not None]
    if not seen:
        return ""
    height = ABOVE + LANE * len(lanes) + BELOW

    def paint(figure: Figure) -> None:
        axes = axes_at(figure, LEFT, ABOVE, width - LEFT - RIGHT, LANE * len(lanes))
        quiet(axes)
        axes.set_xlim(0, 1.02 * max(seen) or 1)
        axes.set_ylim(LANE * len(lanes), 0)
        axes.set_yticks([])
        axes.locator_params(axis="x", nbins=6 if width > 600 else 4)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,g} ms")
        axes.grid(axis="x", color=GRID.light, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.set_xlabel("after INTERRUPT was written", fontsize=SMALL, labelpad=4)
        for at, (target, one) in enumerate(lanes.items()):
            _lane(axes, at * LANE, target, one, width - LEFT - RIGHT)

    return picture(name, title, width, height, paint)


def _lane(axes: Axes, top: float, target: str, one: Waterfall, width: float) -> None:
    beside, colour = axes.get_yaxis_transform(), colour_of(target).light
    names: dict[str, Any] = {"transform": beside, "va": "center", "clip_on": False}
    weight = "bold" if target == SUBJECT else "normal"
    axes.text(
        -LEFT / width,
        top + HEAD / 2,
        target_name(target),
        ha="left",
        fontsize=SMALL + 1.5,
        weight=weight,
        color=INK.light,
        **names,
    )
    if top:
        axes.plot(
            [-LEFT / width, 1 + RIGHT / width],
            [top - GAP / 2 + 1] * 2,
            transform=beside,
            color=GRID.light,
            linewidth=1,
            clip_on=False,
        )
    pixel = axes.get_xlim()[1] / width
    for row, (label, field) in enumerate(BARS):
        y, end = top + HEAD + STEP * (row + 0.5), getattr(one, field)
        axes.text(-8 / width, y, label, ha="right", fontsize=SMALL, color=SOFT.light, **names)
        _bar(axes, y, end, one.acknowledged, colour)
        text = number(end) if end is not None else "none" if field == "last_stale" else "not seen"
        place = _beside(end or 0, one.acknowledged, pixel)
        axes.text(
            place, y, text, va="center", ha="left", fontsize=SMALL, color=INK.light if end is not None else SOFT.light
        )
    y = top + HEAD + STEP * (len(BARS) + 0.5)
    axes.text(-8 / width, y, "ack", ha="right", fontsize=SMALL, color=SOFT.light, **names)
    if one.acknowledged is None:
        axes.text(5 * pixel, y, "not seen", va="center", ha="left", fontsize=SMALL, color=SOFT.light)
        return
    axes.plot([0, one.acknowledged], [y, y], color=SHADE.light, linewidth=2, zorder=1, solid_capstyle="butt")
    axes.plot(
        [one.acknowledged] * 2, [top + HEAD + 1, y], color=INK.light, linewidth=1.1, linestyle=(0, (2, 2)), zorder=6
    )
    axes.plot([one.acknowledged], [y], marker="D", markersize=7, color=INK.light, zorder=7, clip_on=False)
    axes.text(
        one.acknowledged + 9 * pixel,
        y,
        number(one.acknowledged),
        va="center",
        ha="left",
        fontsize=SMALL,
        weight="bold",
        color=INK.light,
    )
    if one.cancelled is not None:
        axes.plot(
            [one.cancelled],
            [y],
            marker="o",
            markersize=6.5,
            color=colour,
            markerfacecolor=PAPER.light,
            markeredgewidth=1.8,
            zorder=8,
            clip_on=False,
        )


def _beside(end: float, acknowledged: float | None, pixel: float) -> float:
    """Return where a bar's number stands: right of its end, and of the acknowledgement's line where that is near."""
    if acknowledged is not None and end <= acknowledged < end + 44 * pixel:
        end = acknowledged
    return end + 5 * pixel


def _bar(axes: Axes, y: float, end: float | None, acknowledged: float | None, colour: str) -> None:
    """Draw what ran until `end`; what ran after the acknowledgement is hatched, in the colour of what is late."""
    if end is None:
        return
    said = end if acknowledged is None else min(end, acknowledged)
    axes.barh([y], [said], height=STEP * 0.62, color=colour, linewidth=0, zorder=3)
    if said < end:
        axes.barh(
            [y],
            [end - said],
            left=[said],
            height=STEP * 0.62,
            facecolor="none",
            edgecolor=LATE.light,
            hatch="////",
            linewidth=1,
            zorder=3,
        )
