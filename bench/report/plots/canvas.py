"""What the pictures share: a figure of so many pixels, and an SVG that fits into the page and is the same each time."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from bench.report.names import GRID, INK, PALETTE, SOFT, SUBJECT, target_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "ACROSS",
    "LEFT",
    "RIGHT",
    "SIZE",
    "SMALL",
    "WIDTH",
    "axes_at",
    "name_lane",
    "picture",
    "quiet",
    "spread",
    "write",
]

SIZE = 13.5
SMALL = 12.0
"""Font sizes in pixels of the drawing; a phone shows a drawing of 430 at some 350, where the small one is still 10."""

WIDTH, LEFT, RIGHT = 430, 118, 88
ACROSS = WIDTH - LEFT - RIGHT
"""Pixels of a picture with lanes: its whole width, the room for names, the room for numbers, what is between."""

STYLE: dict[str, Any] = {
    "svg.fonttype": "none",  # text stays text: sharp, small, and in the page's font
    "font.family": "DejaVu Sans",  # comes with matplotlib; wider than the page's fonts, so that all fits there too
    "font.size": SIZE,
    "text.color": INK.light,
    "axes.edgecolor": GRID.light,
    "axes.labelcolor": SOFT.light,
    "xtick.color": SOFT.light,
    "ytick.color": SOFT.light,
    "text.parse_math": False,
    "hatch.linewidth": 1.1,
}


def picture(name: str, title: str, width: float, height: float, paint: Callable[[Figure], None]) -> str:
    """Return a picture as an inline SVG.

    Args:
        name: No other picture of the page has it: the identifiers inside start with it.
        title: What it shows, for those who can't see it.
        width: In pixels; the page scales it.
        height: In pixels.
        paint: Draws into the empty figure.
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    style: Any = {**STYLE, "svg.hashsalt": name}  # matplotlib wants a literal of its 300 names
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(width / 72, height / 72), dpi=72)
        FigureCanvasSVG(figure)
        paint(figure)
        written = io.StringIO()
        figure.savefig(
            written, format="svg", transparent=True, metadata=dict.fromkeys(("Creator", "Date", "Format", "Type"))
        )
    return _inlined(written.getvalue(), name, title, width, height)


def _inlined(svg: str, name: str, title: str, width: float, height: float) -> str:
    """Return an SVG without what only a file of its own needs, its colours the page's, its identifiers its own."""
    body = svg[svg.index(">", svg.index("<svg")) + 1 :]
    body = re.sub(
        r"<metadata>.*?</metadata>|<defs>\s*<style.*?</style>\s*</defs>|<!--.*?-->", "", body, flags=re.DOTALL
    )
    body = body.replace('xlink:href="', 'href="').replace(' transform="rotate(-0 ', ' _="(')
    body = re.sub(r' _="\([^"]*"', "", body)
    used = set(re.findall(r'(?:url\(#|href="#)([^)"]+)', body))
    body = re.sub(r' id="([^"]*)"', lambda found: f' id="{name}-{found[1]}"' if found[1] in used else "", body)
    body = body.replace("url(#", f"url(#{name}-").replace('href="#', f'href="#{name}-')
    body = re.sub(r"font-family: [^;\"]*;? ?|font: [^;\"]*?(?=[\d.]+px)", "", body)
    for colour in PALETTE:
        body = re.sub(re.escape(colour.light), f"var(--x{colour.light[1:]})", body, flags=re.IGNORECASE)
    # a tenth of a pixel is exact enough; what is written between tags is not for us to round
    body = re.sub(r"<[^>]*>", lambda tag: re.sub(r"(\d\.\d)\d+", r"\1", tag[0]), body)
    while (smaller := re.sub(r"<g>\s*</g>|<g/>|<defs>\s*</defs>", "", body)) != body:
        body = smaller
    body = re.sub(r"\s*\n\s*", "\n", body)
    about = f'role="img" aria-label="{escape(title)}" style="max-width:{width * 1.25:g}px"'
    return f'<svg viewBox="0 0 {width:g} {height:g}" {about}>{body}'


def axes_at(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Return axes at a place in pixels, counted from the upper left."""
    whole_width, whole_height = figure.get_size_inches() * 72
    place = (left / whole_width, 1 - (top + height) / whole_height, width / whole_width, height / whole_height)
    return figure.add_axes(place)


def quiet(axes: Axes, *, keep: Sequence[str] = ()) -> None:
    """Take frame and ticks from axes, but for the sides to keep."""
    for side, spine in axes.spines.items():
        spine.set_visible(side in keep)
    axes.tick_params(length=0, labelsize=SMALL)
    axes.patch.set_visible(False)


def write(
    axes: Axes, x: float, y: float, text: str, *, ends: bool = False, strong: bool = False, soft: bool = False
) -> None:
    """Write beside or into axes, level with `y`.

    Args:
        axes: Which.
        x: In pixels from their left side.
        y: As their data.
        text: What.
        ends: It ends there; else it begins there.
        strong: In bold.
        soft: In the colour of what is beside the point.
    """
    axes.text(
        x / axes.bbox.width,
        y,
        text,
        transform=axes.get_yaxis_transform(),
        ha="right" if ends else "left",
        va="center",
        fontsize=SMALL,
        weight="bold" if strong else "normal",
        color=SOFT.light if soft else INK.light,
    )


def name_lane(axes: Axes, lane: float, target: str, counts: bool, numbers: str) -> None:
    """Write a target's name left of its lane, with an asterisk if it does not count, and its numbers at the right."""
    strong = target == SUBJECT
    write(axes, -10, lane, target_name(target) + ("" if counts else " *"), ends=True, strong=strong)
    write(axes, ACROSS + RIGHT - 2, lane, numbers, ends=True, strong=strong)


def spread(wanted: Sequence[float], apart: float, low: float, high: float) -> list[float]:
    """Return places near the wanted ones that are `apart` from each other, within the limits if they fit there.

    Args:
        wanted: In any order; the answer has the same order.
        apart: At least this far, in the same unit.
        low: None is below, as long as there is room.
        high: None is above.
    """
    order = sorted(range(len(wanted)), key=lambda at: wanted[at])
    places = list(wanted)
    for before, at in zip([None, *order], order, strict=False):
        places[at] = max(places[at], low if before is None else places[before] + apart)
    ceiling = high
    for at in reversed(order):
        places[at] = min(places[at], ceiling)
        ceiling = places[at] - apart
    return places
