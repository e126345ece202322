"""What callers saw: the raw material of every figure."""

from __future__ import annotations

from attrs import define, field

__all__ = ["Recording", "Turn"]


@define
class Turn:
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
        late_ms: For each frame of audio before the INTERRUPT but the first, by how much it came after the listener had
            played all before it; 0 where it was in time.
        stop_ms: The server's own word of how long stopping took.
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
    leaked: int = 0
    late_ms: list[float] = field(factory=list, repr=False)
    stop_ms: float | None = None
    failed: str = ""

    @property
    def played_ms(self) -> float:
        """What a listener has heard by the INTERRUPT: played from the first audio on, as far as there was audio."""
        if self.first_audio is None or self.interrupted is None:
            return 0.0
        return max(0.0, min(self.audio_ms - self.stale_audio_ms, (self.interrupted - self.first_audio) * 1000))


@define
class Recording:
    """One load.

    Args:
        counted_from: What was asked before this instant is the warm-up.
        until: The load ended, and the wait for what was outstanding began.
        finished: That wait was over.
        turns: Every turn, those of the warm-up too.
        audio_ms: Audio read by all callers between `counted_from` and `until`.
        lag_ms: How much later than planned each frame was written that counts: the generator's own fault.
        cpu_s: Processor time that the generator's process used between `counted_from` and `until`.
        lost: Why callers ended before their plan did.
    """

    counted_from: float
    until: float
    finished: float = 0.0
    turns: list[Turn] = field(factory=list)
    audio_ms: float = 0.0
    lag_ms: list[float] = field(factory=list, repr=False)
    cpu_s: float = 0.0
    lost: list[str] = field(factory=list)

    @property
    def counted(self) -> list[Turn]:
        """The turns that count."""
        return [turn for turn in self.turns if turn.asked >= self.counted_from]
