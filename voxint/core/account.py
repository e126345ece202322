"""The books of a request: what became of its stages, and the receipt that is drawn up at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import trio

from voxint.core.interrupt import InterruptOrder
from voxint.core.receipt import STAGES, Receipt, StageState, UsageAccount
from voxint.core.tokens import estimate_tokens

if TYPE_CHECKING:
    from voxint.core.request import Request

__all__ = ["StageBook", "receipt_of"]


class StageBook:
    """Which stages of a request ran, and how and when each ended."""

    __slots__ = ("_ended_at", "_states")

    def __init__(self) -> None:
        self._states: dict[str, StageState | Literal["running"]] = dict.fromkeys(STAGES, "idle")
        self._ended_at: dict[str, float] = {}

    def began(self, stage: str) -> None:
        """Note that `stage` runs."""
        self._states[stage] = "running"

    def ended(self, stage: str, *, by_itself: bool) -> None:
        """Note how `stage` ended, and that it has let go now: call it behind the stage's own clean-up."""
        self._states[stage] = "finished" if by_itself else "closed"
        self._ended_at[stage] = trio.current_time()

    def states(self) -> dict[str, StageState]:
        """Return what became of each; one that runs when the request has ended has overrun."""
        return {name: "overrun" if state == "running" else state for name, state in self._states.items()}

    def closed_ms(self, stopping: float) -> dict[str, float]:
        """Return when each stage that was cut off had let go, in milliseconds from `stopping` on trio's clock."""
        closed = [name for name, state in self._states.items() if state == "closed"]
        return {name: _ms(max(0.0, self._ended_at[name] - stopping)) for name in closed}


def receipt_of(request: Request, interrupt: InterruptOrder | None) -> Receipt | None:
    """Return the account of what was cut off or has failed; None: it is complete and needs none.

    Args:
        request: It has ended.
        interrupt: What has ended or cut it; None: nothing has.
    """
    reason = request.reason if request.failure is None else request.failure.kind
    if reason is None:
        return None
    now, ledger = trio.current_time(), request.ledger
    stopping = request.timeline.at("stopping")
    stop_s = request.timeline.between_s("stopping", "stopped")
    if stop_s is None:  # it is cut: its work had ended before
        stop_s = 0.0 if interrupt is None else interrupt.late_s
    return Receipt(
        request_id=request.id,
        reason=reason,
        stop_ms=_ms(stop_s),
        stages=request.book.states(),
        usage=_usage(request),
        audio=ledger.audio_account(now),
        text=ledger.text_account(now),
        read_late_ms=None if interrupt is None else interrupt.read_late_ms,
        speculative=request.speculative,
        closed_ms={} if stopping is None else request.book.closed_ms(stopping),
    )


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)


def _usage(request: Request) -> UsageAccount:
    spoken_chars = request.spoken_chars
    if request.provider_tokens is not None:
        return UsageAccount(llm_tokens=request.provider_tokens, tts_characters=spoken_chars, source="provider")
    if request.book.states()["llm"] == "idle":
        return UsageAccount(llm_tokens=None, tts_characters=spoken_chars, source="unknown")
    tokens = estimate_tokens(request.ledger.written)
    return UsageAccount(llm_tokens=tokens, tts_characters=spoken_chars, source="estimated")
