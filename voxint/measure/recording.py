"""What callers saw: the raw material of every figure."""

from __future__ import annotations

from attrs import define, field

__all__ = ["MeasuredTurn", "Recording"]


@define
class MeasuredTurn:
    """One turn as its caller saw it. Instants are seconds of CLOCK_MONOTONIC, which the processes of a machine share.

    Args:
        number: The plan's.
        session: Which caller's.
        asked: The question was handed to the socket.
        behind: It was written right behind the INTERRUPT of the turn before.
        first_text: The first words were read.
        first_audio: The first audio was read.
        interrupted: INTERRUPT was handed to the socket.
        acknowledged: Its acknowledgement was read.
        ended: The end of its answer was read.
        last_stale: The last words or audio after the INTERRUPT were read.
        audio_ms: Audio read, all of it.
        stale_audio_ms: Audio read after the INTERRUPT had been written.
        stale_frames: Frames of audio read after the INTERRUPT had been written.
        leaked: Frames that belong to the turn and were read after its acknowledgement.
        plays_until: The listener will have played by then what has been read: from the first audio on, and anew
            whenever there was nothing left to play. Up to the INTERRUPT.
        late_ms: For each frame of audio before the INTERRUPT but the first, by how much it came after the listener had
            played all before it; 0 where it was in time.
        failed: Why the server gave up on it.
    """

    number: int
    session: int
    asked: float
    behind: bool = False
    first_text: float | None = None
    first_audio: float | None = None
    interrupted: float | None = None
    acknowledged: float | None = None
    ended: float | None = None
    last_stale: float | None = None
    audio_ms: float = 0.0
    stale_audio_ms: float = 0.0
    stale_frames: int = 0
    plays_until: float = 0.0
    leaked: int = 0
    late_ms: list[float] = field(factory=list, repr=False)
    failed: str = ""

    @property
    def played_ms(self) -> float:
        """What a listener has heard by the INTERRUPT."""
        if self.first_audio is None or self.interrupted is None:
            return 0.0
        ahead_ms = max(0.0, self.plays_until - self.interrupted) * 1000
        return max(0.0, self.audio_ms - self.stale_audio_ms - ahead_ms)

    def speaks_between(self, start: float, end: float) -> float:
        """Return for how many seconds between two instants the listener heard it."""
        if self.first_audio is None:
            return 0.0
        until = self.plays_until if self.interrupted is None else min(self.plays_until, self.interrupted)
        return max(0.0, min(until, end) - max(self.first_audio, start))


@define
class Recording:
    """One load.

    Args:
        counted_from: What was asked before this instant is the warm-up.
        until: What was asked from this instant on is only there to keep the load up for what had been asked before.
        finished: The load was over, and nothing was awaited any more.
        turns: Every turn, those of the warm-up too.
        lag_ms: How much later than planned each frame was written that counts: the generator's own fault.
        cpu_s: Processor time that the generator's process used between `counted_from` and `until`.
        lost: Why callers ended before their plan did.
    """

    counted_from: float
    until: float
    finished: float = 0.0
    turns: list[MeasuredTurn] = field(factory=list)
    lag_ms: list[float] = field(factory=list, repr=False)
    cpu_s: float = 0.0
    lost: list[str] = field(factory=list)

    @property
    def counted(self) -> list[MeasuredTurn]:
        """The turns that count."""
        return [turn for turn in self.turns if self.counted_from <= turn.asked < self.until]
