"""What a session says of a request: text, speech, calls, what was understood, and the one end."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

__all__ = ["Called", "Ended", "Event", "Text", "Understood", "Voice"]


@frozen
class Text:
    """A piece of the answer's text; the pieces joined are the text."""

    text: str


@frozen
class Voice:
    """A piece of the answer's speech: s16le mono PCM at the session's output rate, whole samples."""

    audio: bytes = field(repr=False)


@frozen
class Called:
    """A function that the model asks the application to call."""

    name: str
    parameters: Mapping[str, object] = field(hash=False)
    call_id: str


@frozen
class Understood:
    """What was understood of the user's voice; where it is not final, the next one replaces it."""

    text: str
    is_final: bool


@frozen
class Ended:
    """The last event of an answer.

    Args:
        interrupted: Whether it was cut off; False: it is complete.
        reason: Why it was cut off, such as ``USER_STOP``.
    """

    interrupted: bool
    reason: str | None = None


Event = Text | Voice | Called | Understood | Ended
