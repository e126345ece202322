"""The bounds that hold under every attack, and the figures that are held against them. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from bench.attacks.results import Calm, Seen
from voxint.measure import Recording, figures_of, totals_of

__all__ = ["ACK_MS", "LATE_MS", "broken_bounds", "calm_of", "doubt", "nearest_rank"]

ACK_MS = 50.0
"""Of `ack_ms` at its 99th percentile, under any attack: the project's aim."""

LATE_MS = 1.0
"""Audio that comes later than that is late: what is below is the clock's and the upstream's own. Chosen here."""

ELSEWHERE = 0.1
"""A server whose core was elsewhere for more of the time was not measured alone. Chosen here."""

FLOOR_MS = 20.0
"""Bystanders whose own process is held up for longer, at the 99th percentile, measure the machine. Chosen here."""


def nearest_rank(values: Sequence[float], percent: float) -> float:
    """Return a percentile by the nearest rank; 0 of nothing."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(percent * len(ordered)) // 100) - 1)] if ordered else 0.0


def calm_of(recording: Recording) -> Calm:
    """Return how a span was for the bystanders."""
    figures, totals = figures_of(recording), totals_of(recording)
    acks, lates = figures["ack_ms"], figures["audio_late_ms"]
    return Calm(
        turns=int(totals["turns"]),
        interrupts=len(acks),
        ack_p50=nearest_rank(acks, 50),
        ack_p99=nearest_rank(acks, 99),
        ack_max=max(acks, default=0.0),
        frames=len(lates),
        late=sum(late > LATE_MS for late in lates),
        late_max=max(lates, default=0.0),
        unanswered=int(totals["unanswered"]),
        failed=int(totals["failed"]),
        unheard=sum(turn.interrupted is not None and turn.first_audio is None for turn in recording.counted),
        lost=tuple(dict.fromkeys(recording.lost)),
        floor_p99=nearest_rank(recording.lag_ms, 99),
        floor_max=max(recording.lag_ms, default=0.0),
    )


def broken_bounds(seen: Seen) -> list[str]:
    """Return what an attack broke of that which holds under every one, in words."""
    under, broken = seen.under, []
    if under.ack_p99 > ACK_MS:
        broken.append(f"ack_ms p99 {under.ack_p99:.0f} > {ACK_MS:.0f}")
    if under.late:
        broken.append(f"{under.late} late frames of audio, up to {under.late_max:.0f} ms")
    if under.unanswered:
        broken.append(f"{under.unanswered} interrupts unanswered")
    if under.failed:
        broken.append(f"{under.failed} answers failed")
    if under.unheard > under.interrupts / 2:
        broken.append(f"{under.unheard} of {under.interrupts} answers not heard at all")
    if under.lost:
        broken.append(f"bystanders lost: {under.lost[0]}")
    if seen.ended_early:
        broken.append(f"the process ended (exit code {seen.exit_code})")
    elif not seen.serves:
        broken.append("nobody is served afterwards")
    if not seen.ended_early and (seen.exit_s is None or seen.exit_s > seen.exit_bound_s):
        took = "never" if seen.exit_s is None else f"after {seen.exit_s:.1f} s"
        broken.append(f"SIGTERM obeyed {took}, bound {seen.exit_bound_s:.1f} s")
    if seen.unreadable:
        broken.append(f"{seen.unreadable} lines of the log are no JSON")
    if seen.secrets:
        broken.append(f"the log holds {', '.join(seen.secrets)}")
    return broken


def doubt(seen: Seen) -> str:
    """Return why the figures may be the machine's and not the server's, or nothing."""
    if seen.under.floor_p99 > FLOOR_MS:
        return f"the machine held the bystanders up: they wrote {seen.under.floor_p99:.0f} ms late (p99)"
    if max(seen.waited_share, seen.stolen_share) > ELSEWHERE:
        where = f"something else had its core for {seen.waited_share:.0%}, the host for {seen.stolen_share:.0%}"
        return f"the machine held the server up: {where} of the time"
    if seen.quiet.ack_p99 > ACK_MS or seen.quiet.late:
        quiet = seen.quiet
        return f"not quiet before: ack p99 {quiet.ack_p99:.0f} ms, {quiet.late} late frames up to {quiet.late_max:.0f}"
    return ""
