"""What was heard across holds, against a player that is followed eighth by eighth."""

from __future__ import annotations

from math import inf

from hypothesis import given
from hypothesis import strategies as st

from voxint.core.audio import AudioFormat
from voxint.core.playout import PlayoutLedger

RATE = 8_000
EIGHTH = RATE // 8

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.integers(1, 4)),
        st.tuples(st.just("wait"), st.integers(1, 6)),
        st.tuples(st.sampled_from(["pause", "go on", "report"]), st.just(0)),
    ),
    max_size=40,
)


def a_ledger() -> PlayoutLedger:
    """Return the ledger of a spoken reply that has said nothing yet."""
    return PlayoutLedger(AudioFormat(RATE), spoken=True)


@given(STEPS)
def test_heard_is_exact_across_pauses(steps: list[tuple[str, int]]) -> None:
    """A pause stops the player where it is and `go_on` lets it play the very next sample; reports meanwhile agree."""
    ledger = a_ledger()
    now = sent = played = 0
    paused = False
    for what, count in steps:
        if what == "send":
            sent += count
            ledger.sent_until(sent * EIGHTH, now / 8)
        elif what == "wait":
            for _ in range(count):
                now += 1
                played += not paused and played < sent
        elif what == "pause":
            ledger.pause(now / 8)
            paused = True
        elif what == "go on":
            ledger.go_on(now / 8)
            paused = False
        else:
            ledger.reported(played * 125, now / 8)
        assert ledger.heard_samples(now / 8) == played * EIGHTH
        if sent:
            until = ledger.playing_until
            assert until is not None
            assert (until > now / 8) == (played < sent)
            assert (until == inf) == (paused and played < sent)
    before = ledger.heard_samples(now / 8)
    ledger.freeze(now / 8)
    ledger.go_on(now / 8 + 1)
    assert ledger.heard_samples(now / 8 + 10) == before


@given(st.integers(0, 8), st.integers(0, 8), st.booleans())
def test_what_is_sent_again_into_a_pause_is_played_behind_it(has: int, later: int, reports: bool) -> None:
    """A player that comes back has played at most what it had; what it lacks begins to sound at the release."""
    ledger = a_ledger()
    ledger.sent_until(8 * EIGHTH, 0.0)
    if reports:
        ledger.reported(0, 0.0)
    ledger.pause(0.5)
    ledger.resent(has * EIGHTH, 0.5 + later / 8)
    heard = min(has, 4)
    assert ledger.heard_samples(20.0) == heard * EIGHTH
    assert ledger.go_on(20.0) == 19.5
    assert ledger.heard_samples(20.25) == (heard + 2) * EIGHTH
    assert ledger.playing_until == 20 + (8 - heard) / 8


def test_to_pause_twice_is_to_pause_once() -> None:
    """The first stands; to go on without a pause is nothing."""
    ledger = a_ledger()
    ledger.sent_until(8 * EIGHTH, 0.0)
    assert ledger.go_on(0.125) == 0.0
    ledger.pause(0.25)
    ledger.pause(0.5)
    assert ledger.go_on(1.25) == 1.0
    assert ledger.heard_samples(1.25) == 2 * EIGHTH
