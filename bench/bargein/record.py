"""What is kept of a call: both tracks, on one clock, and everything that was said of them."""

from __future__ import annotations

from typing import Literal

from attrs import Factory, define, frozen

from bench.bargein.player import Sounded

__all__ = ["Happened", "Record", "What"]

What = Literal[
    "audio", "paused", "resumed", "flushed", "ended", "onset", "committed", "endpoint", "transcribed", "final"
]


@frozen
class Happened:
    """Something that the system said.

    Args:
        at: When it was read, in samples since the call began.
        what: What it was; ``audio`` is the first of an answer's only.
        answer: Whose, where it was told.
        at_ms: Where that is in the microphone's sound, in milliseconds, where it was told.
        detail: A reason, an outcome, or words of the set's own, which are nobody's secret.
    """

    at: int
    what: What
    answer: str = ""
    at_ms: float | None = None
    detail: str = ""


@define
class Record:
    """A call. Positions are samples since it began, both tracks'.

    Args:
        sample: The name of its sample.
        began: When, on CLOCK_MONOTONIC.
        question: The first and the last audible sample of the question.
        overlap: The same of what came into the answer; None: nothing did, or no answer came.
        happened: What the system said.
        sounded: Where there is sound in `output`.
        input: What the microphone took up.
        output: What the loudspeaker sounded.
        late_ms: How late the latest piece of the microphone was sent.
        failure: Why there is no more of it; empty: it is whole.
    """

    sample: str
    began: float
    question: tuple[int, int]
    overlap: tuple[int, int] | None = None
    happened: list[Happened] = Factory(list)
    sounded: list[Sounded] = Factory(list)
    input: bytes = b""
    output: bytes = b""
    late_ms: float = 0.0
    failure: str = ""
