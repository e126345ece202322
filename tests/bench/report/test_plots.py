from __future__ import annotations

import re
import sys
from itertools import pairwise
from subprocess import run

import pytest

from bench.report.plots.bars import Bar, bars
from bench.report.plots.canvas import spread
from bench.report.plots.ecdf import ecdf
from bench.report.plots.lines import lines
from bench.report.plots.waterfall import waterfall
from bench.report.summary import summarize
from bench.schema import Waterfall
from tests.bench.make_results import make_results


def texts_of(svg: str) -> list[str]:
    """Return the texts of a picture, in their order."""
    assert svg.startswith("<svg ")
    assert svg.rstrip().endswith("</svg>")
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


def test_an_ecdf_names_its_targets_with_their_percentiles() -> None:
    """From fast to slow; who does not count has an asterisk, a dashed curve and a hollow dot."""
    case = summarize(make_results(("streaming-1",), rounds=1)).cases[0]
    svg = ecdf(case)
    texts = texts_of(svg)
    names = [text for text in texts if text.split()[0] in ("echo", "flag", "asyncio", "voxint", "pipecat", "livekit")]
    assert sorted(names) == sorted(
        [
            "echo (asyncio)",
            "echo (floor)",
            "flag *",
            "asyncio httpx *",
            "asyncio aiohttp",
            "voxint",
            "pipecat",
            "livekit",
        ]
    )
    assert names.index("flag *") < names.index("voxint") < names.index("livekit")
    assert svg.count("stroke-dasharray") == 2
    row = case.row("voxint")
    assert row is not None
    assert row.latency is not None
    assert f"{row.latency.p50:.2f} / {row.latency.p99:.2f}" in texts


def test_a_waterfall_hatches_what_runs_on_behind_the_acknowledgement() -> None:
    """Only that; an instant that was not seen is said to be unseen, and no stale frame is none."""
    honest = Waterfall(cancelled=0.3, llm_closed=1.0, tts_closed=1.5, acknowledged=2.0)
    early = Waterfall(cancelled=0.3, llm_closed=11.0, tts_closed=None, last_stale=12.25, acknowledged=1.0)
    assert "<pattern" not in waterfall("w", "", {"voxint": honest}, width=400)
    svg = waterfall("w", "", {"voxint": honest, "flag": early}, width=400)
    assert "<pattern" in svg
    texts = texts_of(svg)
    assert {"voxint", "flag", "12.2", "none", "not seen", "after INTERRUPT was written"} <= set(texts)


def test_bars_show_both_numbers() -> None:
    """The mean and the percentile beyond it."""
    svg = bars("b", "", "mean / p99", [Bar("voxint", 0.25, 1.0), Bar("flag", 0.0, 0.0, counts=False)])
    assert {"voxint", "0.25 / 1", "flag *", "0 / 0", "mean / p99"} <= set(texts_of(svg))


def test_lines_are_named_at_their_ends() -> None:
    """With the sessions below; a target without points is left out."""
    svg = lines("l", "", "cores", {"voxint": [(1, 0.1), (200, 0.8)], "livekit": [(1, 0.2), (200, 0.9)], "flag": []})
    texts = texts_of(svg)
    assert {"voxint", "livekit", "1", "200", "sessions", "cores"} <= set(texts)
    assert "flag" not in texts


def test_no_data_is_no_picture() -> None:
    """Rather than empty axes."""
    case = summarize(make_results(("streaming-1",), rounds=1, count=0)).cases[0]
    assert ecdf(case) == ""
    assert bars("b", "", "", []) == ""
    assert lines("l", "", "", {"voxint": []}) == ""
    assert waterfall("w", "", {"voxint": Waterfall()}, width=400) == ""


def test_numbers_in_texts_are_not_rounded_with_the_coordinates() -> None:
    """Coordinates are cut to a tenth, what is written is not."""
    svg = bars("b", "", "", [Bar("voxint", 3.14159)])
    assert "3.14" in texts_of(svg)
    assert re.search(r'[ "]\d+\.\d\d', re.sub(r">[^<]*<", "><", svg)) is None


@pytest.mark.parametrize("wanted", [[5.0, 5.0, 5.0], [0.0, 0.1, 9.9, 10.0], [10.0, 0.0], [3.0]])
def test_labels_are_spread_within_their_room(wanted: list[float]) -> None:
    """At least as far apart as asked for, in the order of their values."""
    places = spread(wanted, 2.0, 0.0, 10.0)
    ordered = sorted(places)
    assert all(after - before >= 2.0 - 1e-9 for before, after in pairwise(ordered))
    assert ordered[0] >= 0
    assert ordered[-1] <= 10
    assert sorted(range(len(wanted)), key=wanted.__getitem__) == sorted(range(len(wanted)), key=places.__getitem__)


def test_matplotlib_is_loaded_only_to_draw() -> None:
    """Importing the report, and so `python -m bench`, does not wait for it."""
    code = "import sys, bench.report; sys.exit('matplotlib' in sys.modules)"
    assert run([sys.executable, "-c", code], check=False).returncode == 0
