"""What the upstreams saw."""

from __future__ import annotations

import pytest
from attrs import evolve

from bench.upstream import upstream_figures, waterfall_of
from voxint.measure import MeasuredTurn, Recording
from voxint.testing.sim.ledger import LedgerEntry, LedgerReport

CHAT = "/v1/chat/completions"
SPEECH = "/v1/audio/speech"
TURN = MeasuredTurn(
    7, 0, asked=100.0, first_audio=100.25, interrupted=101.0, acknowledged=101.010, audio_ms=1200.0, plays_until=101.45
)
LLM = LedgerEntry(
    1, CHAT, 100.0, turn=7, t_disconnect_seen=101.002, outcome="disconnected", generated_at=[100.9, 101.0005, 101.001]
)
TTS = LedgerEntry(2, SPEECH, 100.2, turn=7, t_disconnect_seen=101.004, outcome="disconnected", generated_at=[101.003])


def recorded(*turns: MeasuredTurn) -> Recording:
    """Return a recording in which everything counts."""
    return Recording(0.0, 200.0, finished=201.0, turns=list(turns))


def report(*entries: LedgerEntry) -> LedgerReport:
    """Return a ledger."""
    return LedgerReport(0, 0, list(entries))


def test_closes_are_counted_from_the_interrupt_and_waste_after_it() -> None:
    """Each upstream's own stamp decides; what it generated after the INTERRUPT was wasted."""
    figures = upstream_figures(recorded(TURN), report(LLM, TTS), chunk_ms=80.0)
    assert figures["llm_close_ms"] == [pytest.approx(2.0)]
    assert figures["tts_close_ms"] == [pytest.approx(4.0)]
    assert figures["stt_close_ms"] == []
    assert figures["wasted_tokens"] == [2.0]
    assert figures["wasted_audio_ms"] == [80.0]
    assert figures["closed_after_ack_ms"] == [0.0, 0.0]


def test_what_a_late_upstream_makes_is_not_the_targets_waste() -> None:
    """A token made after the connection's end was wasted by an upstream that had not looked."""
    late = evolve(LLM, generated_at=[101.001, 101.003, 101.02])
    assert upstream_figures(recorded(TURN), report(late), chunk_ms=80.0)["wasted_tokens"] == [1.0]


def test_an_early_acknowledgement_is_seen() -> None:
    """An upstream that was closed after the acknowledgement had been read says by how much."""
    early = evolve(TURN, acknowledged=101.001)
    figures = upstream_figures(recorded(early), report(LLM), chunk_ms=80.0)
    assert figures["closed_after_ack_ms"] == [pytest.approx(1.0)]


def test_a_request_that_was_over_had_nothing_to_close() -> None:
    """An answer that had ended before the INTERRUPT is no evidence of a close."""
    over = evolve(LLM, t_disconnect_seen=None, outcome="complete", generated_at=[100.5])
    figures = upstream_figures(recorded(TURN), report(over), chunk_ms=80.0)
    assert figures["llm_close_ms"] == []


def test_what_was_never_closed_counts_to_its_own_end() -> None:
    """A server that lets the model finish is not faster than one that closes late, and one that holds it is slowest."""
    finished = evolve(LLM, t_disconnect_seen=None, outcome="complete", generated_at=[100.5, 103.0])
    held = evolve(LLM, t_disconnect_seen=None, outcome="stalled", generated_at=[100.5])
    assert upstream_figures(recorded(TURN), report(finished), 80.0)["llm_close_ms"] == [pytest.approx(2000.0)]
    assert upstream_figures(recorded(TURN), report(held), 80.0)["llm_close_ms"] == [pytest.approx(100_000.0)]


def test_turns_of_the_warm_up_and_whole_answers_are_left_out() -> None:
    """Only interrupted turns that count are judged."""
    whole = evolve(TURN, interrupted=None, acknowledged=None)
    early = Recording(100.5, 200.0, turns=[TURN])
    for recording in (recorded(whole), early):
        assert not any(upstream_figures(recording, report(LLM, TTS), 80.0).values())


def test_history_is_compared_with_what_was_played() -> None:
    """750 ms of a sentence of 3 s and 8 words are 2 words; a history that holds 31 is wrong by 29."""
    behind = MeasuredTurn(8, 0, asked=101.0, behind=True)
    for recalled, turn, error in ((2, 7, 0.0), (31, 7, 29.0), (5, 6, 2.0)):
        entry = LedgerEntry(3, CHAT, 101.0, turn=8, recalled_turn=turn, recalled_words=recalled)
        figures = upstream_figures(recorded(TURN, behind), report(entry), chunk_ms=80.0)
        assert figures["heard_error_words"] == [error]


def test_another_callers_turn_is_not_the_one_before() -> None:
    """History is each session's own."""
    other = MeasuredTurn(8, 1, asked=101.0)
    entry = LedgerEntry(3, CHAT, 101.0, turn=8)
    assert upstream_figures(recorded(TURN, other), report(entry), 80.0)["heard_error_words"] == []


def test_the_waterfall_is_the_median_interrupt() -> None:
    """The interrupt of typical length is drawn, with the target's own word beside the others' stamps."""
    slow = evolve(TURN, number=9, acknowledged=101.5)
    slower = evolve(TURN, number=10, acknowledged=101.9)
    entries = [evolve(entry, turn=number) for number in (7, 9, 10) for entry in (LLM, TTS)]
    waterfall = waterfall_of(recorded(slower, slow, TURN), report(*entries), {9: 101.001})
    assert waterfall is not None
    assert waterfall.cancelled == pytest.approx(1.0)
    assert waterfall.llm_closed == pytest.approx(2.0)
    assert waterfall.tts_closed == pytest.approx(4.0)
    assert waterfall.last_stale is None
    assert waterfall.acknowledged == pytest.approx(500.0)


def test_without_both_streams_there_is_no_waterfall() -> None:
    """A picture of a close that did not happen would mislead."""
    assert waterfall_of(recorded(TURN), report(LLM), {}) is None
