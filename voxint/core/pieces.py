"""What waits in a listener's queue of an answer: looked at, and accounted for, when the reader takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxint.core.events import Called, Said, Text, Understood, Voice
from voxint.core.listener import Listener

if TYPE_CHECKING:
    from voxint.core.answer import Answer

__all__ = ["PIECE_SIZE", "OtherPiece", "TextPiece", "VoicePiece"]

PIECE_SIZE = 256
"""What every piece counts for in `ROOM` beside its text or audio, so that none that waits counts for nothing. Ours:
roughly its JSON; of a function call the true size matters to nobody."""


class TextPiece:
    """Text that may still grow until its listener takes it."""

    __slots__ = ("_listener", "owner", "parts", "size", "upto")

    def __init__(self, owner: Answer, listener: Listener, text: str, upto: int) -> None:
        self.owner = owner
        self.parts = [text]
        self.size = PIECE_SIZE + len(text)
        self.upto = upto  # characters of the answer's text up to its end
        self._listener = listener

    def take(self, now: float) -> Said:
        """Join what has come of it; what the player takes has been shown."""
        answer, parts, listener = self.owner, self.parts, self._listener
        if listener.growing is self:
            listener.growing = None
        if listener is answer.player:
            answer.took(self.size, len(parts), 0)
            answer.ledger.shown_until(self.upto)
        text = parts[0] if len(parts) == 1 else "".join(parts)
        return Said(answer.request_id, Text(text), answer.spoken, len(parts))


class VoicePiece:
    """One piece of speech."""

    __slots__ = ("_listener", "event", "owner", "size", "upto")

    def __init__(self, owner: Answer, listener: Listener, event: Voice, upto: int) -> None:
        self.owner = owner
        self.event = event
        self.size = PIECE_SIZE + len(event.audio)
        self.upto = upto  # samples of the answer's speech up to its end
        self._listener = listener

    def take(self, now: float) -> Said:
        """Hand it over; what the player takes has been sent."""
        answer = self.owner
        if self._listener is answer.player:
            answer.took(self.size, 0, 1)
            answer.ledger.sent_until(self.upto, now)
        return Said(answer.request_id, self.event, answer.spoken)


class OtherPiece:
    """A function call, or what was understood of the user."""

    __slots__ = ("_listener", "event", "owner", "size")

    def __init__(self, owner: Answer, listener: Listener, event: Called | Understood) -> None:
        self.owner = owner
        self.event = event
        self.size = PIECE_SIZE + (len(event.text) if isinstance(event, Understood) else 0)
        self._listener = listener

    def take(self, now: float) -> Said:
        """Hand it over; a call that the player takes was asked for."""
        answer, event = self.owner, self.event
        if self._listener is answer.player:
            answer.took(self.size, 1 if isinstance(event, Called) else 0, 0)
            if isinstance(event, Called) and event not in answer.called:
                answer.called.append(event)
        return Said(answer.request_id, event, answer.spoken)
