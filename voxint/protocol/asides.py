"""What a server says beside an answer's frames: what it heard, who speaks, a hold, and how far the voice is.

Each is *ext* and comes to those who asked for its feature; none takes a number of a stream.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from voxint.core.events import ReleaseReason, UtteranceOutcome
from voxint.protocol.message_repr import Plain, WireMessage
from voxint.protocol.receipt import FramedReceipt

__all__ = ["HoldMessage", "MarksMessage", "SpeechMessage", "TranscriptMessage"]


class TranscriptMessage(WireMessage, frozen=True):
    """TRANSCRIPT *ext* (feature `transcripts`): what was understood of the user's voice."""

    request_id: Plain
    text: str
    is_final: bool


class SpeechMessage(WireMessage, frozen=True):
    """SPEECH *ext* (feature `server_vad`): somebody speaks into the open microphone, interrupts by it, or has ended.

    `request_id` is the utterance's, and that of the request it becomes. `interrupted` belongs to `committed`, and what
    is behind it to `stopped`, which always has `text` and `outcome`. Times are in milliseconds of the microphone's
    sound.
    """

    state: Literal["started", "committed", "stopped"]
    at_ms: float
    request_id: Plain
    interrupted: tuple[Plain, ...] = ()
    text: str | None = None
    outcome: UtteranceOutcome | None = None
    decided_ms: float | None = None
    recovered: Plain | None = None
    speculative: tuple[FramedReceipt, ...] = ()

    def __post_init__(self) -> None:
        if self.state == "stopped" and (self.text is None or self.outcome is None):
            raise ValueError("must have `text` and `outcome` where `state` is stopped")


class HoldMessage(WireMessage, frozen=True):
    """HOLD *ext* (feature `hold`): an answer is held where it is, or goes on; `reason` belongs to `released`.

    `voice_stream_seq` is that of the last frame of speech before; None: there was none.
    """

    request_id: Plain
    state: Literal["held", "released"]
    voice_stream_seq: int | None
    reason: ReleaseReason | None = None


class MarksMessage(WireMessage, frozen=True):
    """MARKS *ext* (feature `marks`): how far in the answer's text its voice is; comes before the voice that it is of.

    Each mark is an instant, in milliseconds of the answer's audio, and so many code points of its text: from then on,
    they have been spoken or are being spoken.
    """

    request_id: Plain
    marks: tuple[tuple[Annotated[float, Meta(ge=0)], Annotated[int, Meta(ge=0)]], ...]
