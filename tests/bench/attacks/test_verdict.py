from __future__ import annotations

from attrs import evolve

from bench.attacks.results import Calm, Seen
from bench.attacks.verdict import broken_bounds, calm_of, doubt, nearest_rank
from voxint.measure import MeasuredTurn, Recording

FINE = Seen(
    8.0,
    quiet=Calm(turns=20, interrupts=20, ack_p99=3.0),
    under=Calm(turns=50, interrupts=50, ack_p99=49.0, frames=700),
    exit_s=1.0,
    exit_bound_s=3.75,
)


def test_a_percentile_is_the_nearest_rank() -> None:
    """With less than a hundred values the 99th is the greatest, of nothing it is 0."""
    assert nearest_rank([3.0, 1.0, 2.0], 99) == 3.0
    assert nearest_rank([3.0, 1.0, 2.0], 50) == 2.0
    assert nearest_rank(list(map(float, range(1, 201))), 99) == 198.0
    assert nearest_rank([], 99) == 0.0


def test_a_span_is_told_by_its_worst() -> None:
    """An interrupt that was never acknowledged counts as long as it was awaited; a frame in time is not late."""
    heard = MeasuredTurn(1, 0, 10.0, first_audio=10.2, interrupted=10.5, acknowledged=10.502, late_ms=[0.0, 0.4, 250.0])
    deaf = MeasuredTurn(2, 0, 11.0, interrupted=11.5)
    before = MeasuredTurn(3, 0, 9.0, interrupted=9.5, late_ms=[900.0])
    recording = Recording(10.0, 18.0, 20.0, [heard, deaf, before], lag_ms=[0.5, 2.0], lost=["gone", "gone"])
    calm = calm_of(recording)
    assert (calm.turns, calm.interrupts, calm.unanswered, calm.unheard) == (2, 2, 1, 1)
    assert round(calm.ack_max) == 8500
    assert (calm.frames, calm.late, calm.late_max) == (3, 1, 250.0)
    assert (calm.floor_max, calm.lost) == (2.0, ("gone",))


def test_what_holds_breaks_nothing() -> None:
    """A server whose bystanders notice nothing, and that ends in time, has no verdict."""
    assert broken_bounds(FINE) == []
    assert doubt(FINE) == ""


def test_each_bound_is_told_by_itself() -> None:
    """A slow acknowledgement, a late frame, a lost bystander, a slow end and a log that tells too much."""
    under = FINE.under
    cases = {
        "ack_ms p99": evolve(FINE, under=evolve(under, ack_p99=51.0)),
        "late frames": evolve(FINE, under=evolve(under, late=1, late_max=20.0)),
        "unanswered": evolve(FINE, under=evolve(under, unanswered=1)),
        "answers failed": evolve(FINE, under=evolve(under, failed=1)),
        "not heard at all": evolve(FINE, under=evolve(under, unheard=26)),
        "bystanders lost": evolve(FINE, under=evolve(under, lost=("closed",))),
        "nobody is served": evolve(FINE, serves=False),
        "after 4.0 s": evolve(FINE, exit_s=4.0),
        "obeyed never": evolve(FINE, exit_s=None, exit_code=None),
        "no JSON": evolve(FINE, unreadable=1),
        "the log holds": evolve(FINE, secrets=("the key",)),
    }
    for words, seen in cases.items():
        (broken,) = broken_bounds(seen)
        assert words in broken


def test_a_server_that_is_gone_is_told_once() -> None:
    """That it serves nobody and obeys no signal goes without saying."""
    assert broken_bounds(evolve(FINE, ended_early=True, serves=False, exit_code=-1)) == [
        "the process ended (exit code -1)"
    ]


def test_a_busy_machine_is_no_fault_of_the_server() -> None:
    """Bystanders that were held up, a core that was elsewhere, a span that was not quiet before."""
    assert "bystanders" in doubt(evolve(FINE, under=evolve(FINE.under, floor_p99=30.0)))
    assert "25%" in doubt(evolve(FINE, waited_share=0.25))
    assert "not quiet" in doubt(evolve(FINE, quiet=evolve(FINE.quiet, late=1)))
