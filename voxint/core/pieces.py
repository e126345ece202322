"""What an answer says, waiting in one listener's queue: looked at when the listener's reader takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from voxint.core.audio import BYTES_PER_SAMPLE
from voxint.core.events import Called, Committed, Endpoint, Marks, Onset, Said, Text, Understood, Voice
from voxint.core.listener import Listener

if TYPE_CHECKING:
    from voxint.core.answer import Answer

__all__ = [
    "PIECE_SIZE",
    "ROOM",
    "MarksPiece",
    "Other",
    "OtherPiece",
    "TextPiece",
    "Untaken",
    "VoicePiece",
    "growth",
    "marks_pieces",
    "queue_text",
    "untaken",
]

ROOM = 32_768
"""What one request may have waiting for its player, in bytes of audio and characters of text: a second of 16 kHz
audio. Chosen so that a reader that stalls for a moment costs nothing and one that stalls for good holds little."""

Other = Called | Understood | Onset | Committed | Endpoint
"""What an answer says beside text and speech."""

PIECE_SIZE = 256
"""What every piece counts for in `ROOM` beside its text or audio, so that none that waits counts for nothing. Ours:
roughly its JSON; of a function call the true size matters to nobody."""

MARK_SIZE = 16
"""What each mark counts for beside that; roughly its JSON."""


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
        """Return what the reader gets; of the player, account for it."""
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
        """Return what the reader gets; of the player, account for it."""
        answer = self.owner
        if self._listener is answer.player:
            answer.took(self.size, 0, 1)
            answer.ledger.sent_until(self.upto, now)
        return Said(answer.request_id, self.event, answer.spoken)


class MarksPiece:
    """Marks of the voice behind it. It counts for nothing in `ROOM`: there is one at most for a piece of voice."""

    __slots__ = ("event", "owner", "size")

    def __init__(self, owner: Answer, event: Marks) -> None:
        self.owner = owner
        self.event = event
        self.size = PIECE_SIZE + MARK_SIZE * len(event.marks)

    def take(self, now: float) -> Said:
        """Return what the reader gets."""
        return Said(self.owner.request_id, self.event, self.owner.spoken)


class OtherPiece:
    """A function call, or what is known of the user: what was understood, when they speak."""

    __slots__ = ("_listener", "event", "owner", "size")

    def __init__(self, owner: Answer, listener: Listener, event: Other) -> None:
        self.owner = owner
        self.event = event
        self.size = PIECE_SIZE + (len(event.text) if isinstance(event, Understood | Endpoint) else 0)
        self._listener = listener

    def take(self, now: float) -> Said:
        """Return what the reader gets; of the player, account for it."""
        answer, event = self.owner, self.event
        if self._listener is answer.player:
            answer.took(self.size, 1 if isinstance(event, Called) else 0, 0)
            if isinstance(event, Called) and event not in answer.called:
                answer.called.append(event)
        return Said(answer.request_id, event, answer.spoken)


def marks_pieces(answer: Answer, begin: int, end: int, *, joins: bool = False) -> tuple[MarksPiece, ...]:
    """Return what a listener that asked for marks gets in front of some speech: nothing, or one piece.

    Args:
        answer: Whose voice it is.
        begin: Its first sample.
        end: The first one behind it.
        joins: Whether it is the first that the listener gets of an answer that was begun before it came.
    """
    marks = answer.ledger.marks(begin, end, joins=joins)
    return (MarksPiece(answer, Marks(marks)),) if marks else ()


def growth(answer: Answer, listener: Listener, text: str) -> int:
    """Return by how much more of `answer` waits for a listener once `text` is queued: it is joined to what waits."""
    return len(text) if _growing(answer, listener) is not None else PIECE_SIZE + len(text)


def queue_text(answer: Answer, listener: Listener, text: str, upto: int) -> None:
    """Queue text for one listener, joined to what waits.

    Args:
        answer: Who says it.
        listener: Who hears it.
        text: What is said.
        upto: Characters of the answer's text up to its end.
    """
    if (growing := _growing(answer, listener)) is not None:
        growing.parts.append(text)
        growing.upto = upto
        growing.size += len(text)
        listener.grew(len(text))
    else:
        listener.growing = piece = TextPiece(answer, listener, text, upto)
        listener.queue(piece)


def _growing(answer: Answer, listener: Listener) -> TextPiece | None:
    growing = listener.growing
    if isinstance(growing, TextPiece) and growing.owner is answer and growing.size < ROOM:
        return growing
    return None


@frozen
class Untaken:
    """What of an answer a listener has not taken.

    Args:
        size: All of it, as `size` of the pieces.
        chars: Characters of text.
        samples: Samples of speech.
        texts: Pieces of text as they were said; a call counts as one.
        voices: Pieces of speech.
    """

    size: int
    chars: int
    samples: int
    texts: int
    voices: int


def untaken(answer: Answer, listener: Listener) -> Untaken:
    """Return what waits of `answer` in the queue of `listener`."""
    size = chars = samples = texts = voices = 0
    for item in listener.waiting(answer):
        size += 0 if isinstance(item, MarksPiece) else item.size
        if isinstance(item, TextPiece):
            chars += sum(map(len, item.parts))
            texts += len(item.parts)
        elif isinstance(item, VoicePiece):
            samples += len(item.event.audio) // BYTES_PER_SAMPLE
            voices += 1
        elif isinstance(item, OtherPiece) and isinstance(item.event, Called):
            texts += 1
    return Untaken(size, chars, samples, texts, voices)
