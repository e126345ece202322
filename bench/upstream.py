"""What the upstreams saw of each interrupt."""

from __future__ import annotations

from collections.abc import Mapping

from bench.schema import Waterfall
from voxint.measure import MeasuredTurn, Recording
from voxint.testing.sim.ledger import LedgerEntry, LedgerReport

__all__ = ["upstream_figures", "waterfall_of"]

SENTENCE_MS = 3000.0
WORDS = 8
"""Milliseconds of audio, and words, of one sentence of the upstream's (bench/scenarios.py)."""

STAGES = {"chat/completions": "llm", "audio/speech": "tts", "audio/transcriptions": "stt"}


def upstream_figures(recording: Recording, ledger: LedgerReport, chunk_ms: float) -> dict[str, list[float]]:
    """Return what each upstream saw of the interrupted turns that count, in milliseconds and tokens.

    A request that was over when the INTERRUPT was written had nothing to close. One that was never closed but ran to
    its own end counts with that end, one that still runs with the end of the recording. Nothing is wasted behind the
    connection's end: what a late upstream makes then is its own fault.

    Args:
        recording: What the callers saw.
        ledger: What the upstream saw, with the ends of connections as exact as can be (bench/closings.py).
        chunk_ms: Audio in one chunk of its speech.
    """
    turns = {turn.number: turn for turn in recording.counted if turn.interrupted is not None}
    figures: dict[str, list[float]] = {f"{stage}_close_ms": [] for stage in STAGES.values()}
    figures["closed_after_ack_ms"] = []
    wasted = {number: {"llm": 0, "tts": 0, "stt": 0} for number in turns}
    for entry in ledger.requests:
        turn = turns.get(entry.turn or 0)
        if turn is None or turn.interrupted is None:
            continue
        stage = _stage(entry)
        ended = _ended(entry, recording)
        wasted[turn.number][stage] += sum(turn.interrupted < stamp <= ended for stamp in entry.generated_at)
        if ended <= turn.interrupted:
            continue
        figures[f"{stage}_close_ms"].append((ended - turn.interrupted) * 1000)
        if turn.acknowledged is not None:
            figures["closed_after_ack_ms"].append(max(0.0, ended - turn.acknowledged) * 1000)
    figures["heard_error_words"] = _heard_errors(recording, ledger)
    figures["wasted_tokens"] = [float(count["llm"]) for count in wasted.values()]
    figures["wasted_audio_ms"] = [count["tts"] * chunk_ms for count in wasted.values()]
    return figures


def _heard_errors(recording: Recording, ledger: LedgerReport) -> list[float]:
    """Return by how many words each next question's history differs from what was played of the answer before.

    A word counts as played when half of it was; a turn of which nothing was played is not judged, for it may be told
    or left out.
    """
    following: dict[int, MeasuredTurn] = {}
    latest: dict[int, MeasuredTurn] = {}
    for turn in recording.turns:
        if turn.session in latest:
            following[turn.number] = latest[turn.session]
        latest[turn.session] = turn
    errors = []
    for entry in ledger.requests:
        before = following.get(entry.turn or 0)
        if before is None or before.asked < recording.counted_from or _stage(entry) != "llm" or not before.played_ms:
            continue
        played = round(before.played_ms / SENTENCE_MS * WORDS)
        recalled = entry.recalled_words if entry.recalled_turn == before.number else 0
        errors.append(float(abs(recalled - played)))
    return errors


def waterfall_of(recording: Recording, ledger: LedgerReport, cancelled: Mapping[int, float]) -> Waterfall | None:
    """Return the interrupt whose acknowledgement took as long as the median, among those with both streams closed."""
    closed: dict[int, dict[str, float]] = {}
    for entry in ledger.requests:
        closed.setdefault(entry.turn or 0, {})[_stage(entry)] = _ended(entry, recording)
    whole = [
        (turn.acknowledged - turn.interrupted, turn)
        for turn in recording.counted
        if turn.interrupted is not None and turn.acknowledged is not None and _streamed(turn, closed)
    ]
    if not whole:
        return None
    whole.sort(key=lambda pair: pair[0])
    turn = whole[len(whole) // 2][1]
    begin = turn.interrupted
    assert begin is not None

    def after(instant: float | None) -> float | None:
        return None if instant is None else (instant - begin) * 1000

    ends = closed[turn.number]
    return Waterfall(
        cancelled=after(cancelled.get(turn.number)),
        llm_closed=after(ends["llm"]),
        tts_closed=after(ends["tts"]),
        last_stale=after(turn.last_stale),
        acknowledged=after(turn.acknowledged),
    )


def _streamed(turn: MeasuredTurn, closed: Mapping[int, Mapping[str, float]]) -> bool:
    """Return whether model and synthesis were both open when the turn was interrupted."""
    ends = closed.get(turn.number, {})
    return turn.interrupted is not None and all(ends.get(stage, 0.0) > turn.interrupted for stage in ("llm", "tts"))


def _stage(entry: LedgerEntry) -> str:
    return next(stage for path, stage in STAGES.items() if path in entry.endpoint)


def _ended(entry: LedgerEntry, recording: Recording) -> float:
    if entry.t_disconnect_seen is not None:
        return entry.t_disconnect_seen
    if entry.outcome in ("open", "stalled", "stopped"):
        return recording.finished
    return entry.generated_at[-1] if entry.generated_at else entry.t_received
