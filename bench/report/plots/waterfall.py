"""One interrupt to scale: what ran on after INTERRUPT was written, and when the target said that it had stopped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bench.report.names import GRID, INK, LATE, PAPER, SHADE, SUBJECT, colour_of, number, target_name
from bench.report.plots.canvas import SMALL, axes_at, picture, quiet, write
from bench.schema import Waterfall

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
            if at:
                across = [-LEFT / axes.bbox.width, 1 + RIGHT / axes.bbox.width]
                level = [at * LANE - GAP / 2 + 1] * 2
                axes.plot(across, level, transform=axes.get_yaxis_transform(), color=GRID.light, lw=1, clip_on=False)
            _lane(axes, at * LANE, target, one)

    return picture(name, title, width, height, paint)


def _lane(axes: Axes, top: float, target: str, one: Waterfall) -> None:
    """Draw what ran on in a target, each with its end written behind it."""
    write(axes, -LEFT, top + HEAD / 2, target_name(target), strong=target == SUBJECT)
    pixels = axes.bbox.width / axes.get_xlim()[1]
    for row, (label, field) in enumerate(BARS):
        y, end = top + HEAD + STEP * (row + 0.5), getattr(one, field)
        write(axes, -8, y, label, ends=True, soft=True)
        _bar(axes, y, end, one.acknowledged, colour_of(target).light)
        text = number(end) if end is not None else "none" if field == "last_stale" else "not seen"
        write(axes, _beside(end or 0, one.acknowledged, pixels), y, text, soft=end is None)
    y = top + HEAD + STEP * (len(BARS) + 0.5)
    write(axes, -8, y, "ack", ends=True, soft=True)
    if one.acknowledged is None:
        write(axes, 5, y, "not seen", soft=True)
    else:
        _acknowledgement(axes, top + HEAD + 1, y, one.acknowledged)
        write(axes, one.acknowledged * pixels + 9, y, number(one.acknowledged), strong=True)
    if one.cancelled is not None:
        (ring,) = axes.plot([one.cancelled], [y], "o", markersize=6.5, color=colour_of(target).light, clip_on=False)
        ring.set(markerfacecolor=PAPER.light, markeredgewidth=1.8, zorder=8)


def _acknowledgement(axes: Axes, top: float, y: float, at: float) -> None:
    """Draw the acknowledgement as a diamond, with a dotted line up through what it speaks of."""
    axes.plot([0, at], [y, y], color=SHADE.light, linewidth=2, zorder=1, solid_capstyle="butt")
    axes.plot([at, at], [top, y], color=INK.light, linewidth=1.1, linestyle=(0, (2, 2)), zorder=6)
    axes.plot([at], [y], "D", markersize=7, color=INK.light, zorder=7, clip_on=False)


def _beside(end: float, acknowledged: float | None, pixels: float) -> float:
    """Return where a bar's number stands: right of its end, and of the acknowledgement's line where that is near."""
    if acknowledged is not None and end <= acknowledged < end + 44 / pixels:
        end = acknowledged
    return end * pixels + 5


def _bar(axes: Axes, y: float, end: float | None, acknowledged: float | None, colour: str) -> None:
    """Draw what ran until `end`; what ran after the acknowledgement is hatched, in the colour of what is late."""
    if end is None:
        return
    said = end if acknowledged is None else min(end, acknowledged)
    thick = STEP * 0.62
    axes.barh([y], [said], thick, color=colour, linewidth=0, zorder=3)
    if said < end:
        (late,) = axes.barh([y], [end - said], thick, [said], facecolor="none", edgecolor=LATE.light, linewidth=1)
        late.set(hatch="////", zorder=3)
