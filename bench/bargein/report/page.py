"""The page of a run, and its pictures as files of their own."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path

from bench.bargein.figures import Kept, curves, figures_of
from bench.bargein.report.det import det
from bench.bargein.report.table import AFTER, tables_of
from bench.bargein.report.to_scale import to_scale
from bench.report.html import document
from bench.report.markup import table
from bench.report.names import SUBJECT, machine_line, target_name
from bench.report.standalone import alone

__all__ = ["page", "write_bargein"]

TITLE = "Barge-in by voice"

METHOD = """<ul>
<li>A caller's microphone runs from the call's first moment to its last, in pieces of 20 ms in real time, over a room's
noise. What comes into an answer begins at its place behind the first sound of that answer that was played, and its
first audible sample is known.</li>
<li>Every system gives the same answer by the same model and the same voice, which was made before. Each sample of it
tells its own place, so what was played is judged by content: whether the answer went on, and with which sample.</li>
<li>The player waits 40 ms with the first sound, pauses and drops as the system says, and sounds the rest as it comes.
Silence is the last sample of the answer that it plays.</li>
<li>A false stop is an answer that was ended for good by a cough, a clap, a noise, a backchannel or its own echo. What
is said to others, or by others, is told by its kind and counts as neither.</li>
<li>Calls come one after the other: caller, upstream and system share the machine, and nothing else runs.</li>
</ul>"""


def write_bargein(kept: Kept, folder: Path) -> list[Path]:
    """Write the page and the pictures; the same run gives the same bytes.

    Args:
        kept: A run.
        folder: Where to; made if it is not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = {"report.html": page(kept), **{f"{name}.svg": alone(svg) for name, svg in _pictures(kept)}}
    for name, text in written.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in written]


def _pictures(kept: Kept) -> Iterator[tuple[str, str]]:
    """Yield pictures with their names: the curve, and the calls of voxint's."""
    figures = {name: figures_of(ratings) for name, ratings in kept.ratings.items() if ratings}
    told = curves(kept.ratings.get(AFTER, ()))
    if drawn := det(told, figures):
        yield "det", drawn
    for number, timeline in enumerate(kept.timelines.get(SUBJECT, ())):
        yield f"timeline-{number}", to_scale(f"timeline-{number}", SUBJECT, timeline)


def page(kept: Kept) -> str:
    """Return the page of a run."""
    made = f"seed {kept.seed}, {kept.samples} samples of a language"
    run = f"run of {kept.began}, commit {kept.commit or 'unknown'}, {made}"
    drawn = dict(_pictures(kept))
    calls = [
        f"<h3>{escape(timeline.title)}</h3>{drawn[f'timeline-{number}']}"
        for number, timeline in enumerate(kept.timelines.get(SUBJECT, ()))
    ]
    return document(
        TITLE,
        "<p>What callers say, cough and echo into an answer, and what becomes of it.</p>",
        [
            *(
                _section(each.title, table(list(map(escape, each.head)), _escaped(each.rows)))
                for each in tables_of(kept)
            ),
            _section(
                "Missed against false",
                f'<p class="lead">{LEAD}</p><div class="grid"><div class="card">{drawn["det"]}</div></div>'
                if "det" in drawn
                else "",
            ),
            _section("One call, to scale", "".join(f'<div class="card">{call}</div>' for call in calls)),
            _section("The method, in short", METHOD),
            _section("The systems", _systems(kept)),
        ],
        [machine_line(kept.machine), run],
    )


LEAD = (
    "Where each system stands. The lines move a threshold over voxint's calls, 32 to 1500 ms of speech: dashed, by the "
    "detector alone; drawn, by what was understood, too. The red corner is the aim."
)


def _section(title: str, inner: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{inner}</section>" if inner else ""


def _escaped(rows: list[tuple[str, ...]]) -> list[list[str]]:
    return [[escape(cell) for cell in row] for row in rows]


def _systems(kept: Kept) -> str:
    rows = [
        [
            escape(target_name(name)),
            escape(info.missing or info.notes),
            escape(", ".join(f"{package} {version}" for package, version in info.versions.items())),
        ]
        for name, info in kept.systems.items()
    ]
    return table(["", "how it is used", "versions"], rows, css="words")
