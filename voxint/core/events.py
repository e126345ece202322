"""What a session says of a request: text, speech, calls, what was understood, and the one end."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from attrs import field, frozen

from voxint.core.discreet import size_of
from voxint.core.failure import Failure

__all__ = ["Called", "Ended", "Event", "Said", "Text", "Understood", "Voice"]


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


Event = Text | Voice | Called | Understood | Ended


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
