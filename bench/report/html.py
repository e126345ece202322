"""The page: one file that needs no network and no script, to look at rather than to read."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path

from bench.report.headline import Headline, headline_of
from bench.report.markup import case_tables, missing_list, step_table, target_table
from bench.report.names import CAPACITY_KEY, PALETTE, machine_line
from bench.report.pictures import capacity_cards, cost_cards, ecdf_cards, waste_cards, waterfall_cards
from bench.report.summary import EARLY_MS, summarize
from bench.schema import Results

__all__ = ["document", "page", "write_report"]


def _key(shape: str, meaning: str) -> str:
    return f'<span><svg viewBox="0 0 26 12" aria-hidden="true">{shape}</svg>{meaning}</span>'


HATCHED = '<path d="M1 1H25V11H1zM3 11 13 1M11 11 21 1M19 11 25 5" fill="none" stroke="var(--xc8102e)"/>'
RING = '<circle cx="13" cy="6" r="4" fill="none" stroke="var(--x0072b2)" stroke-width="2"/>'
SHAPES = {
    '<rect y="1" width="26" height="10" fill="var(--x0072b2)"/>': "still running",
    HATCHED: "still running after it was said to have stopped",
    RING: "told to stop",
    '<path d="M13 0 19 6 13 12 7 6z" fill="var(--x1c2128)"/>': "acknowledgement read",
}
KEY = f'<p class="key">{"".join(_key(shape, meaning) for shape, meaning in SHAPES.items())}</p>'

METHOD = f"""<ul>
<li>Every system is a process of its own on one core; the callers and the simulated model, synthesis and recognition
run on the other. All times are of one monotonic clock, taken by the callers, the simulated upstreams and the
kernel, never inside the system that is measured.</li>
<li>Callers do not wait for answers before they go on (open loop), so a slow system can't hide its queue.
Rounds alternate: in each, every system has its turn.</li>
<li>Every word and every sample carries the number of its turn: what is stale is judged by content.</li>
<li>An acknowledgement counts only if no frame of the old turn comes after it, and no connection to an upstream ends
more than {EARLY_MS:.0f} ms behind it: else the system is marked, drawn dashed or hollow with a *, and left out of the
comparison on top. The kernel stamps those ends where it may be asked. Where it may not, the upstream does, which on a
full core looks late: there most ends must come behind the acknowledgement, and single ones are marked as late
stamps.</li>
<li>The small numbers in the tables are 95 % bootstrap intervals, resampled by rounds; ~ marks a percentile with too
few values behind it; N % speaking says that only so many interrupts met an
answer that had begun: the target was slower than the plan. Times differ from machine to machine: compare ratios.</li>
</ul>"""

LEADS = {
    "One interrupt, to scale": "What went on after INTERRUPT was written, as the upstreams and the caller saw it. "
    "An acknowledgement is worth something if nothing goes on behind it.",
    "How soon an interrupt is acknowledged": "The share of interrupts acknowledged within a time; the axis is "
    "logarithmic. The shaded band is the floor, a bare echo, from its p50 to its p99. "
    "* says that it has stopped before it has.",
    "What is generated for nobody": "Tokens that the model went on to write after the interrupt: "
    "the bar is the mean, the line goes on to p99.",
    "What speech costs": "Sessions that speak all the time, on one core.",
    "How much fits on one core": f"The most sessions with everything still in time ({CAPACITY_KEY}).",
}


def write_report(results: Results, directory: Path) -> Path:
    """Write the page of a run, ``report.html``; the same results give the same bytes.

    Args:
        results: A run, or any part of one.
        directory: Where to; made if it is not there.
    """
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "report.html"
    path.write_text(page(results), encoding="utf-8")
    return path


def page(results: Results) -> str:
    """Return the page of a run."""
    summary = summarize(results)
    head = headline_of(summary, results)
    cards = [
        waterfall_cards(results),
        ecdf_cards(summary),
        waste_cards(summary),
        cost_cards(summary, results),
        capacity_cards(summary, results),
    ]
    keys = [KEY, "", "", "", ""]
    body = [_section(title, key, shown) for title, key, shown in zip(LEADS, keys, cards, strict=True)]
    return _document(head, results, body, case_tables(summary) + step_table(summary), missing_list(summary))


def _section(title: str, key: str, cards: Iterable[str]) -> str:
    """Return a part of the page, or nothing if there is nothing to show in it."""
    shown = "\n".join(filter(None, cards))
    if not shown:
        return ""
    lead = f'<h2>{escape(title)}</h2><p class="lead">{escape(LEADS[title])}</p>'
    return f'<section>{lead}{key}<div class="grid">{shown}</div></section>'


def _document(head: Headline, results: Results, body: Iterable[str], tables: str, missing: str) -> str:
    tiles = "".join(
        f"<li><b>{escape(t.value)} <i>{escape(t.unit)}</i></b><span>{escape(t.label)}</span></li>" for t in head.tiles
    )
    sentences = "".join(f"<p>{escape(sentence)}</p>" for sentence in head.sentences)
    run = f"{results.mode} run of {results.began}, commit {results.commit or 'unknown'}"
    return document(
        head.title,
        sentences + (f'<ul class="tiles">{tiles}</ul>' if tiles else ""),
        [
            *filter(None, body),
            f"<section><h2>All figures</h2>{tables}</section>" if tables else "",
            f"<section><h2>What was not measured</h2>{missing}</section>" if missing else "",
            f"<section><h2>The method, in short</h2>{METHOD}</section>",
            f"<section><h2>The systems</h2>{target_table(results)}</section>",
        ],
        [machine_line(results.machine), run],
    )


def document(title: str, head: str, body: Iterable[str], foot: Iterable[str]) -> str:
    """Return a page of ours: one file that needs no network and no script.

    Args:
        title: In words.
        head: What is under it, as markup.
        body: Its parts, as markup.
        foot: Lines at its end, in words.
    """
    light = "".join(f"--x{colour.light[1:]}:{colour.light};" for colour in PALETTE)
    dark = "".join(f"--x{colour.light[1:]}:{colour.dark};" for colour in PALETTE)
    style = Path(__file__).with_name("style.css").read_text(encoding="utf-8")
    lines = "\n".join(f"<p>{escape(line)}</p>" for line in foot)
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title>",
            f"<style>:root{{{light}}}\n@media (prefers-color-scheme: dark){{:root{{{dark}}}}}",
            f"{style}</style>\n</head>\n<body>",
            f"<header><h1>{escape(title)}</h1>{head}</header>",
            "<main>",
            *body,
            f"</main>\n<footer>{lines}</footer>\n</body>\n</html>\n",
        ]
    )
