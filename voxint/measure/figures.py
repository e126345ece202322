"""From what callers saw to named figures; docs/reference/benchmark.md says what each name means."""

from __future__ import annotations

from collections.abc import Iterable

from voxint.measure.recording import MeasuredTurn, Recording

__all__ = ["SATURATED_MS", "figures_of", "saturation", "totals_of"]

SATURATED_MS = 5.0
"""A generator that writes later than planned by more, at its 95th percentile, measures itself. Chosen here; the 99th
is one single write of a short load, and says no more than that the machine was elsewhere for once."""

BUSY = 0.5
"""A generator that used less of a core was not slow itself: something else had the core; chosen here."""


def figures_of(recording: Recording) -> dict[str, list[float]]:
    """Return the values of every figure that can be seen from outside, by name; a figure nothing was seen of is empty.

    An interrupt that was never acknowledged counts with the time for which its acknowledgement was awaited, so that a
    server can't look fast by not answering.
    """
    turns = recording.counted
    interrupted = [turn for turn in turns if turn.interrupted is not None]
    alone = [turn for turn in turns if not turn.behind]
    behind = [turn for turn in turns if turn.behind]
    return {
        "ack_ms": [_since(turn.interrupted, turn.acknowledged or recording.finished) for turn in interrupted],
        "stale_audio_ms": [turn.stale_audio_ms for turn in interrupted],
        "first_text_ms": _waits(alone, "first_text"),
        "first_audio_ms": _waits(alone, "first_audio"),
        "next_text_ms": _waits(behind, "first_text"),
        "next_audio_ms": _waits(behind, "first_audio"),
        "audio_late_ms": [late for turn in turns for late in turn.late_ms],
    }


def totals_of(recording: Recording) -> dict[str, float]:
    """Return the single numbers of a load, by name."""
    turns = recording.counted
    interrupted = [turn for turn in turns if turn.interrupted is not None]
    window_s = recording.until - recording.counted_from
    return {
        "turns": len(turns),
        "interrupts": len(interrupted),
        "unanswered": sum(turn.acknowledged is None for turn in interrupted),
        "speaking_share": _share(_began(turn) for turn in interrupted),
        "no_text_share": _share(turn.first_text is None for turn in turns),
        "already_over": sum(_over(turn) for turn in interrupted),
        "failed": sum(bool(turn.failed) for turn in turns),
        "lost": len(recording.lost),
        "leak_after_ack": sum(turn.leaked for turn in recording.turns),
        "stale_frames_mean": _mean(turn.stale_frames for turn in interrupted),
        "speech_s": sum(turn.speaks_between(recording.counted_from, recording.until) for turn in recording.turns),
        "generator_lag_ms": _p95(recording.lag_ms),
        "generator_cpu_share": recording.cpu_s / window_s if window_s else 0.0,
    }


def saturation(totals: dict[str, float]) -> str:
    """Return why the generator could not keep its plan, or nothing."""
    lag_ms = totals["generator_lag_ms"]
    if lag_ms <= SATURATED_MS:
        return ""
    share = totals["generator_cpu_share"]
    what = "generator saturated" if share > BUSY else "the machine held the generator up"
    return f"{what}: it wrote {lag_ms:.1f} ms late (p95) and used {share:.0%} of a core"


def _began(turn: MeasuredTurn) -> bool:
    """Return whether the answer was being heard when it was interrupted."""
    return turn.first_audio is not None and turn.interrupted is not None and turn.first_audio <= turn.interrupted


def _over(turn: MeasuredTurn) -> bool:
    """Return whether the answer had ended before it was interrupted."""
    return turn.ended is not None and turn.interrupted is not None and turn.ended < turn.interrupted


def _waits(turns: list[MeasuredTurn], name: str) -> list[float]:
    return [_since(turn.asked, at) for turn in turns if (at := getattr(turn, name)) is not None]


def _since(start: float | None, end: float | None) -> float:
    assert start is not None
    assert end is not None
    return (end - start) * 1000


def _share(flags: Iterable[bool]) -> float:
    return _mean(map(float, flags))


def _mean(values: Iterable[float]) -> float:
    every = list(values)
    return sum(every) / len(every) if every else 0.0


def _p95(values: list[float]) -> float:
    return sorted(values)[-(-95 * len(values) // 100) - 1] if values else 0.0
