"""What is known of one utterance while it is heard, and until it is asked."""

from __future__ import annotations

from attrs import define, field

from voxint.core.ears.spoken_turn import SpokenTurn

__all__ = ["HeardUtterance"]


@define(eq=False)
class HeardUtterance:
    """What is known of an utterance.

    Args:
        id: That of its requests.
        start: Its first sample, with the padding in front.
        onset: The first sample of its first window of speech.
    """

    id: str
    start: int
    onset: int
    turn: SpokenTurn = field(init=False)
    given: int = field(init=False)  # the sample up to which the recogniser has the sound
    text: str = field(init=False, default="", repr=False)
    complete: float | None = field(init=False, default=None)  # what the end-of-turn model says of its last pause
    end: int = field(init=False, default=0)  # the sample after its last window of speech
    decided: int = field(init=False, default=0)
    speech_ms: float = field(init=False, default=0.0)  # over an answer; 0: nothing spoke meanwhile
    known: bool = field(init=False, default=False)  # whether `text` is all of its words
    loudness: list[float] = field(init=False, factory=list)
    cut: tuple[str, ...] | None = field(init=False, default=None)  # what it has interrupted
