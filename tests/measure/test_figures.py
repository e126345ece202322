"""Named figures of what callers saw."""

from __future__ import annotations

import pytest

from voxint.measure import MeasuredTurn, Recording, figures_of, saturation, totals_of


def recording(*turns: MeasuredTurn) -> Recording:
    """Return what was seen in a load that counted from 10 to 20 and was waited for until 25."""
    return Recording(10.0, 20.0, 25.0, list(turns))


def turn(asked: float = 12.0, **seen: object) -> MeasuredTurn:
    """Return a turn with what was seen of it."""
    made = MeasuredTurn(1, 0, asked)
    for name, value in seen.items():
        setattr(made, name, value)
    return made


def test_an_acknowledgement_is_timed_from_the_interrupt() -> None:
    """In milliseconds."""
    assert figures_of(recording(turn(interrupted=12.5, acknowledged=12.502)))["ack_ms"] == [pytest.approx(2.0)]


def test_one_that_never_came_counts_with_the_time_it_was_awaited() -> None:
    """So that a server can't look fast by not answering."""
    seen = recording(turn(interrupted=12.5))
    assert figures_of(seen)["ack_ms"] == [pytest.approx(12_500)]
    assert totals_of(seen)["unanswered"] == 1


def test_first_words_are_told_from_those_right_behind_an_interrupt() -> None:
    """The ones are an idle session's, the others show what an interrupt costs the next question."""
    alone = turn(first_text=12.1, first_audio=12.2)
    behind = turn(behind=True, first_text=12.3)
    figures = figures_of(recording(alone, behind))
    assert figures["first_text_ms"] == [pytest.approx(100)]
    assert figures["first_audio_ms"] == [pytest.approx(200)]
    assert figures["next_text_ms"] == [pytest.approx(300)]
    assert figures["next_audio_ms"] == []


def test_stale_audio_is_of_those_interrupted() -> None:
    """Also where there was none."""
    stale = turn(interrupted=12.5, acknowledged=12.6, stale_audio_ms=40.0, stale_frames=1)
    clean = turn(interrupted=12.5, acknowledged=12.6)
    seen = recording(stale, clean, turn())
    assert figures_of(seen)["stale_audio_ms"] == [40.0, 0.0]
    assert totals_of(seen)["stale_frames_mean"] == 0.5


def test_late_audio_is_gathered_from_every_turn() -> None:
    """Frame by frame."""
    assert figures_of(recording(turn(late_ms=[0.0, 3.0]), turn(late_ms=[1.0])))["audio_late_ms"] == [0.0, 3.0, 1.0]


def test_the_warm_up_does_not_count_but_its_leaks_do() -> None:
    """A promise has no warm-up."""
    early = turn(9.9, interrupted=10.1, acknowledged=15.0, first_text=11.0, leaked=2, failed="no")
    seen = recording(early)
    assert not any(figures_of(seen).values())
    totals = totals_of(seen)
    assert (totals["turns"], totals["interrupts"], totals["failed"], totals["leak_after_ack"]) == (0, 0, 0, 2)


def test_totals_say_how_much_the_figures_are_worth() -> None:
    """How many interrupts met speech, how many came too late, who failed and who was lost."""
    speaking = turn(interrupted=12.5, acknowledged=12.6, first_audio=12.2, plays_until=12.8)
    over = turn(interrupted=12.5, acknowledged=12.6, first_audio=12.2, ended=12.4)
    stopped = turn(interrupted=12.5, acknowledged=12.6, ended=12.55)
    failed = turn(failed="UPSTREAM_ERROR: no")
    seen = recording(speaking, over, stopped, failed)
    seen.lost.append("gone")
    totals = totals_of(seen)
    assert (totals["turns"], totals["interrupts"], totals["already_over"]) == (4, 3, 1)
    assert totals["speaking_share"] == pytest.approx(2 / 3)
    assert (totals["failed"], totals["lost"], round(totals["speech_s"], 3)) == (1, 1, 0.3)


def test_a_generator_that_writes_late_is_called_saturated() -> None:
    """By its 95th percentile, and by name: one that was not busy was held up by the machine."""
    seen = recording()
    seen.lag_ms, seen.cpu_s = [0.1] * 95 + [50.0] * 5, 6.0
    assert saturation(totals_of(seen)) == ""
    seen.lag_ms = [0.1] * 94 + [7.0] + [50.0] * 5
    assert saturation(totals_of(seen)) == "generator saturated: it wrote 7.0 ms late (p95) and used 60% of a core"
    seen.cpu_s = 4.0
    assert saturation(totals_of(seen)).startswith("the machine held the generator up: it wrote 7.0 ms late (p95)")


def test_nothing_seen_is_no_figure() -> None:
    """And no division by nothing."""
    assert not any(figures_of(recording()).values())
    assert not any(totals_of(recording()).values())


def test_what_was_played_ends_at_the_interrupt() -> None:
    """What was read before it, less what the listener had not come to; audio that came later was not heard."""
    begun = turn(first_audio=12.2, interrupted=12.3, audio_ms=400.0, plays_until=12.6)
    assert begun.played_ms == pytest.approx(100)
    stale = turn(first_audio=12.2, interrupted=12.3, audio_ms=80.0, stale_audio_ms=40.0, plays_until=12.24)
    assert stale.played_ms == pytest.approx(40)
    assert turn(interrupted=12.3).played_ms == 0.0


def test_speech_counts_while_it_is_heard() -> None:
    """Not what waits ahead of the listener, nor what an INTERRUPT has cut, nor what lies outside the load."""
    heard = turn(first_audio=12.0, interrupted=13.0, audio_ms=3000.0, plays_until=15.0)
    assert heard.speaks_between(10.0, 20.0) == pytest.approx(1.0)
    assert heard.speaks_between(12.5, 20.0) == pytest.approx(0.5)
    assert heard.speaks_between(10.0, 12.25) == pytest.approx(0.25)
    assert heard.speaks_between(14.0, 20.0) == 0.0
    assert turn(first_audio=12.0, audio_ms=3000.0, plays_until=15.0).speaks_between(10.0, 20.0) == pytest.approx(3.0)
    assert turn().speaks_between(10.0, 20.0) == 0.0
