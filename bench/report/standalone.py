"""Pictures of a run as files of their own, for documents that show them without the page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from pathlib import Path

from bench.report.names import INK, PALETTE, PAPER
from bench.report.pictures import waterfall_picture
from bench.report.plots.ecdf import ecdf
from bench.report.summary import summarize
from bench.schema import Results

__all__ = ["WATERFALL", "alone", "write_pictures"]

WATERFALL = "waterfall"
"""The name of the picture of one interrupt; every other picture is named by its case."""

MARGIN = 14
FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif'
VIEW = re.compile(r'<svg viewBox="0 0 ([\d.]+) ([\d.]+)" role="img" aria-label="([^"]*)" style="[^"]*">')


def write_pictures(results: Results, names: Sequence[str], directory: Path) -> list[Path]:
    """Write pictures of a run as SVG files; the same results give the same bytes.

    Args:
        results: A run.
        names: ``waterfall`` for one interrupt to scale; a case, such as ``streaming-50``, for how soon its interrupts
            were acknowledged.
        directory: Where to; made if it is not there.

    Returns:
        A file for each name.

    Raises:
        ValueError: The run has nothing for a name; the text says what it has.
    """
    cases = {case.name: case for case in summarize(results).cases}
    pictures: dict[str, str] = {}
    for name in names:
        svg = waterfall_picture(results) if name == WATERFALL else ecdf(cases[name]) if name in cases else ""
        if not svg:
            raise ValueError(f"no picture {name} in this run; it has {', '.join((WATERFALL, *cases))}")
        pictures[name] = svg
    directory.mkdir(parents=True, exist_ok=True)
    paths = [directory / f"{name}.svg" for name in pictures]
    for path, svg in zip(paths, pictures.values(), strict=True):
        path.write_text(alone(svg), encoding="utf-8")
    return paths


def alone(svg: str) -> str:
    """Return a picture of the page as a file: with its own paper, font and colours, those of a light page."""
    head = VIEW.match(svg)
    assert head is not None, "pictures come from plots/canvas.py, which writes this head"
    width, height, about = float(head[1]) + 2 * MARGIN, float(head[2]) + 2 * MARGIN, head[3]
    body = svg[head.end() :].strip().replace("\n", " ")  # a picture is no source: nobody reads its lines
    for colour in PALETTE:
        body = body.replace(f"var(--x{colour.light[1:]})", colour.light)
    view = f'viewBox="{-MARGIN} {-MARGIN} {width:g} {height:g}" width="{width:g}" height="{height:g}"'
    paper = f'<rect x="{-MARGIN}" y="{-MARGIN}" width="{width:g}" height="{height:g}" rx="8" fill="{PAPER.light}"/>'
    style = f"<style>text {{ font-family: {FONT}; fill: {INK.light} }} * {{ stroke-linejoin: round }}</style>"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {view} role="img" aria-label="{about}">\n'
        f"<title>{escape(about, quote=False)}</title>\n{style}\n{paper}\n{body}\n"
    )
