"""Figures of many calls, their curve, and the tables and pictures that show them."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from bench.bargein.figures import Kept, Mark, SystemInfo, Timeline, curves, figures_of
from bench.bargein.rating import Rating
from bench.bargein.report.page import write_bargein
from bench.bargein.report.table import print_bargein, tables_of
from bench.machine import machine


def _rating(kind: str, *, stopped: bool, speech_ms: float = 0.0, words: str = "", **more: object) -> Rating:
    rating = Rating(f"en-{kind}", kind, "en", "a voice", -6.0, stopped=stopped, speech_ms=speech_ms, words=words)
    for name, value in more.items():
        setattr(rating, name, value)
    return rating


CALLS = [
    _rating("interruption", stopped=True, speech_ms=900, words="wait a moment", onset_to_silence_ms=150.0),
    _rating("interruption", stopped=True, speech_ms=250, words="stop", onset_to_silence_ms=250.0),
    _rating("interruption", stopped=False, speech_ms=120, words=""),
    _rating("backchannel", stopped=False, speech_ms=400, words="mm-hm", held_ms=[600.0], resume_gap_ms=[2.0]),
    _rating("cough", stopped=True, speech_ms=64, lost=3, held_tokens=4),
    _rating("side", stopped=True, speech_ms=1500, words="please close the window"),
    _rating("clap", stopped=True, failure="no answer came"),
]


def _kept() -> Kept:
    kept = Kept("2026-11-30T12:00:00+00:00", "abc", machine(), 12, 7, ["en"])
    notes = SystemInfo("as it comes", {"voxint": "1"})
    kept.systems = {
        "voxint": notes,
        "voxint_at_onset": notes,
        "livekit": SystemInfo("", {}, "livekit is not installed"),
    }
    kept.ratings = {"voxint": CALLS, "voxint_at_onset": CALLS}
    marks = [Mark(120.0, "committed"), Mark(125.0, "model closed")]
    kept.timelines = {
        "voxint": [
            Timeline("An interruption", [(0.0, 900.0)], [(-600.0, 120.0)], [(1500.0, 3600.0)], [(64.0, 120.0)], marks)
        ]
    }
    return kept


def test_rates_have_their_counts() -> None:
    """What must not end an answer and did, of all such; what must and did not; what is told to others is neither."""
    figures = figures_of(CALLS)
    assert (figures.calls.count, figures.calls.of) == (6, 7)
    assert (figures.false_stop.count, figures.false_stop.of) == (1, 2)
    assert (figures.missed.count, figures.missed.of) == (1, 3)
    assert figures.stopped["side"].share == 1
    assert figures.times["onset_to_silence_ms"].count == 2
    assert (figures.lost, figures.held_tokens) == (3, 4)
    assert figures.times["false_hold_ms"].p50 == pytest.approx(600, rel=0.02)


def test_no_calls_no_rates() -> None:
    """Of nothing there is no share."""
    figures = figures_of([])
    assert figures.false_stop.share is None
    assert figures.times == {}


def test_curve_falls_one_way_and_rises_the_other() -> None:
    """A longer threshold stops fewer answers falsely and misses more; words tell a backchannel at any threshold."""
    alone, words = curves(CALLS)
    falses, misses = ([point[place] for point in alone.points] for place in (1, 2))
    assert falses == sorted(falses, reverse=True)
    assert misses == sorted(misses)
    assert falses[0] == 1
    assert misses[-1] == 1
    at_200 = {curve.name: next(point for point in curve.points if point[0] == 200) for curve in (alone, words)}
    assert at_200["speech alone"][1:] == pytest.approx([0.5, 1 / 3])
    assert at_200["speech and words"][1:] == pytest.approx([0.0, 1 / 3])


def test_run_is_kept_and_read_again() -> None:
    """What is written is what is read, and what is not there takes no room."""
    kept = _kept()
    written = msgspec.json.encode(kept)
    assert msgspec.json.decode(written, type=Kept) == kept
    assert b"cut_off" not in written


def test_tables_show_before_and_after() -> None:
    """Every table's rows are as wide as its head, and there is one of hold and release against none."""
    tables = tables_of(_kept())
    assert "Before and after hold and release" in [table.title for table in tables]
    assert all(len(row) == len(table.head) for table in tables for row in table.rows)
    rows = {row[0]: row[1:] for row in tables[0].rows}
    assert rows["false stops"][0] == "50.0% of 2"


def test_terminal_tells_who_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    """A system that was not measured is told with its reason, and calls that failed with theirs."""
    print_bargein(_kept(), Console(width=120))
    printed = capsys.readouterr().out
    assert "not measured: livekit: livekit is not installed" in printed
    assert "voxint: 1 calls failed: no answer came" in printed


def test_page_and_pictures(tmp_path: Path) -> None:
    """The same run gives the same bytes: a page, the curve, and a call to scale as files of their own."""
    kept = _kept()
    paths = write_bargein(kept, tmp_path)
    assert [path.name for path in paths] == ["report.html", "det.svg", "timeline-0.svg"]
    first = [path.read_bytes() for path in paths]
    assert first == [path.read_bytes() for path in write_bargein(kept, tmp_path)]
    page = first[0].decode()
    assert "An interruption" in page
    assert "http" not in page.replace("http://www.w3.org", "")
    assert b"var(--" not in first[1]


def test_run_without_calls_has_a_page(tmp_path: Path) -> None:
    """Where nothing could be measured, the page says so and has no picture."""
    kept = _kept()
    kept.ratings, kept.timelines = {}, {}
    assert [path.name for path in write_bargein(kept, tmp_path)] == ["report.html"]
