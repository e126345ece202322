"""What a session says: text, speech, calls, what was understood, who speaks, and the one end of an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec
from attrs import field, frozen

from voxint.core.discreet import size_of
from voxint.core.failure import Failure
from voxint.core.receipt import Receipt

__all__ = [
    "Called",
    "Committed",
    "Ended",
    "Endpoint",
    "Event",
    "Held",
    "Marks",
    "Onset",
    "ReleaseReason",
    "Released",
    "Said",
    "Text",
    "Understood",
    "UtteranceOutcome",
    "Voice",
]

ReleaseReason = Literal["silence", "noise", "backchannel", "echo", "protected", "client", "timeout"]
"""Why an answer goes on that was held. `silence`: the sound was too short to be speech; `noise`: there were no words in
it; `backchannel`: the words say "go on", or are too few or too short to be meant; `echo`: it was the answer's own
sound; `protected`: the answer may not be interrupted here; `client`: a client has asked for it; `timeout`: nothing was
decided within the hold's limit."""

UtteranceOutcome = Literal["request", "backchannel", "echo", "noise", "protected"]
"""What became of an utterance. `request`: it is asked under its id; `noise`: there were no words; `protected`: it waits
until the answer may be interrupted, and is asked then."""


class Text(msgspec.Struct, frozen=True, gc=False):
    """A piece of the answer's text; the pieces joined are the text. A Struct, because one is made for each token."""

    text: str

    def __repr__(self) -> str:
        return f"Text(text={size_of(self.text)})"


class Voice(msgspec.Struct, frozen=True, gc=False):
    """A piece of the answer's speech: s16le mono PCM at the session's output rate, whole samples."""

    audio: bytes

    def __repr__(self) -> str:
        return f"Voice(audio={size_of(self.audio)})"


@frozen
class Marks:
    """How far in the answer's text its voice is, for a listener that asked for it: comes before the `Voice` it is of.

    Args:
        marks: Each an instant, in milliseconds of the answer's audio from its first sample, and so many characters of
            the answer's text (`Text` joined, in code points): from then on, they have been spoken or are being spoken.
            In order; the first mark of all may stand behind the first sample, and a later one takes the place of an
            earlier one of the same instant. A listener that joins gets first one at the first sample that it gets.
    """

    marks: tuple[tuple[float, int], ...]


@frozen
class Called:
    """A function that the model asks the application to call."""

    name: str
    parameters: Mapping[str, object] = field(hash=False, repr=size_of)
    call_id: str


@frozen
class Understood:
    """What was understood of the user's voice; where it is not final, the next one replaces it."""

    text: str = field(repr=size_of)
    is_final: bool


@frozen
class Held:
    """The answer is held: nothing of it is sent, and whoever plays it pauses where it is and keeps what it has.

    `Released` or `Ended` follows within the hold's limit.
    """


@frozen
class Released:
    """The answer goes on where it was held, with the very next sample.

    Args:
        reason: Why.
    """

    reason: ReleaseReason


@frozen
class Onset:
    """Somebody has begun to speak into the microphone that is always open. The id it bears is that of the utterance.

    Args:
        at_ms: When, in milliseconds of the microphone's sound since it was opened: the first window of speech.
    """

    at_ms: float


@frozen
class Committed:
    """The utterance interrupts: it is meant, and what was spoken or held is cancelled.

    Args:
        at_ms: When it was decided, on the microphone's clock as in `Onset`.
        interrupted: The ids of the requests that it interrupts.
    """

    at_ms: float
    interrupted: tuple[str, ...]


@frozen
class Endpoint:
    """The utterance is over.

    Args:
        at_ms: Where its last speech ends, on the microphone's clock as in `Onset`.
        decided_ms: When that was decided, on the same clock; the text came after it.
        text: What was understood; empty where there were no words.
        outcome: What became of it.
        recovered: The id of the request that it had interrupted although there were no words in it; None: none.
        speculative: The accounts of requests that were asked at a pause and cancelled as the speech went on.
    """

    at_ms: float
    decided_ms: float
    text: str = field(repr=size_of)
    outcome: UtteranceOutcome
    recovered: str | None = None
    speculative: tuple[Receipt, ...] = ()


@frozen
class Ended:
    """The last event of an answer.

    Args:
        interrupted: Whether it was cut off by somebody; False: it is complete, or has failed.
        reason: Why it was cut off, such as ``USER_STOP``.
        failure: Why it failed.
    """

    interrupted: bool
    reason: str | None = None
    failure: Failure | None = None


Event = Text | Voice | Marks | Called | Understood | Onset | Committed | Endpoint | Held | Released | Ended


class Said(msgspec.Struct, frozen=True, gc=False):
    """One event on its way to one listener.

    Args:
        request_id: Whose.
        event: What is said.
        spoken: Whether the answer has a voice.
        pieces: How many pieces of text the event joins; a call counts as one.
    """

    request_id: str
    event: Event
    spoken: bool
    pieces: int = 1
