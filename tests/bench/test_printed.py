"""What a target or a results file says is neither markup nor a command of the terminal that shows it."""

from __future__ import annotations

import io
import re

import pytest
from attrs import evolve
from rich.console import Console

from bench.compare import Change, Comparison, print_comparison
from bench.live import LiveProgress
from bench.report.table import print_tables
from bench.schema import TargetInfo
from tests.bench.make_results import make_results, make_slot
from tests.test_printable import CLIPBOARD, forbidden
from voxint.measure.verdict import Verdict

HOSTILE = f"[red]x[/red] [link=http://x]y[/link] [/] {CLIPBOARD}\u202e\u2028\x9b"
SHOWN = "[red]x[/red]"
OWN = re.compile(r"\x1b\[[\d;?]*[a-zA-Z]|\r")
"""What rich writes by itself: colours, the cursor, and whether it is seen."""


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_shows_words_as_they_are(terminal: bool) -> None:
    """The problems of a slot, and what is being measured."""
    out = io.StringIO()
    slot = evolve(make_slot("streaming-1", "voxint"), target=HOSTILE, problems=(HOSTILE,))
    with LiveProgress(Console(file=out, width=400, force_terminal=terminal, color_system=None), 2) as live:
        live.begin(HOSTILE)
        live.done(slot)
    shown = out.getvalue()
    assert SHOWN in shown
    assert forbidden(OWN.sub("", shown), but="\n") == set()
    assert "]52;c;" in shown


def test_tables_show_words_as_they_are() -> None:
    """Of targets, problems, versions, reasons and the machine."""
    made = make_results(("streaming-1",), rounds=1)
    slot = evolve(
        make_slot("streaming-1", "voxint"), target=HOSTILE, case=f"streaming-1 {HOSTILE}", problems=(HOSTILE,)
    )
    results = evolve(
        made,
        commit=HOSTILE,
        machine=evolve(made.machine, cpu=HOSTILE),
        targets={**made.targets, HOSTILE: TargetInfo({HOSTILE: HOSTILE}), "gone": TargetInfo(absent=HOSTILE)},
        slots=(*made.slots, slot),
        capacity={HOSTILE: {"voxint": 1.0, HOSTILE: 2.0}},
    )
    out = io.StringIO()
    print_tables(results, Console(file=out, width=400))
    assert out.getvalue().count(SHOWN) >= 5
    assert forbidden(out.getvalue(), but="\n") == set()


def test_a_comparison_shows_words_as_they_are() -> None:
    """In its lines and in its table."""
    verdict = Verdict(1.5, 1.4, 1.6, "slower", 0.0)
    changes = (Change(HOSTILE, HOSTILE, HOSTILE, "p50", 1.0, 1.5, verdict),)
    out = io.StringIO()
    comparison = Comparison((HOSTILE,), changes=changes, warnings=(HOSTILE,), faults=(HOSTILE,), apart=(HOSTILE,))
    print_comparison(comparison, Console(file=out, width=400))
    assert out.getvalue().count(SHOWN) >= 5
    assert forbidden(out.getvalue(), but="\n") == set()
