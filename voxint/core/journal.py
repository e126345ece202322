"""What an answer has said, kept for a while: for a listener that comes back and lacks the end of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from attrs import define, field, frozen

from voxint.core.events import Called, Text, Understood, Voice

__all__ = ["Journal", "Seen"]

Piece = Text | Voice | Called | Understood

MOST_CHARACTER_BYTES = 4
"""What a character beyond ASCII takes in memory at the most, and with an emoji beside it always."""

PIECE_SIZE = 64
"""What a piece without speech counts for beside its text, so that none counts for nothing; about its memory."""


@frozen
class Seen:
    """How much of an answer a listener has.

    Args:
        texts: Pieces of text, a call counting as one.
        voices: Pieces of speech.
    """

    texts: int = 0
    voices: int = 0


@define(eq=False)
class Journal:
    """The latest pieces of one answer, in order.

    Args:
        most_bytes: Of speech and text together; what is older goes. 0 keeps nothing.
    """

    most_bytes: int
    _pieces: deque[Piece] = field(init=False, factory=deque)
    _size: int = field(init=False, default=0)
    _gone: Seen = field(init=False, default=Seen())

    def __len__(self) -> int:
        return len(self._pieces)

    @property
    def size(self) -> int:
        """What is kept, in bytes."""
        return self._size

    def add(self, piece: Piece) -> None:
        """Keep `piece`, and let go of the oldest where there is too much."""
        self._pieces.append(piece)
        self._size += _size(piece)
        while self._size > self.most_bytes:
            self._drop_oldest()

    def clear(self) -> None:
        """Let go of everything."""
        self._gone = self.end
        self._pieces.clear()
        self._size = 0

    @property
    def end(self) -> Seen:
        """How much a listener has who has it all."""
        texts = sum(1 for piece in self._pieces if isinstance(piece, Text | Called))
        voices = sum(1 for piece in self._pieces if isinstance(piece, Voice))
        return Seen(self._gone.texts + texts, self._gone.voices + voices)

    def reach(self, seen: Seen) -> Seen:
        """Return `seen` where all that comes after it is still here, else what came before the first that is."""
        return Seen(max(seen.texts, self._gone.texts), max(seen.voices, self._gone.voices))

    def after(self, seen: Seen) -> Iterator[Piece]:
        """Yield what is here of the pieces after `seen`, in order.

        What was understood of the user bears no number: it comes where something that was not seen stands before it,
        or nothing that was seen behind it.
        """
        texts, voices = self._gone.texts, self._gone.voices
        unnumbered: list[Piece] = []
        for piece in self._pieces:
            if isinstance(piece, Understood):
                unnumbered.append(piece)
                continue
            if isinstance(piece, Voice):
                voices += 1
                is_new = voices > seen.voices
            else:
                texts += 1
                is_new = texts > seen.texts
            if is_new:
                yield from unnumbered
                yield piece
            unnumbered.clear()
        yield from unnumbered

    def latest_voice(self, begin: int, end: int) -> bytes:
        """Return the speech from `begin` to `end` bytes before the last that was said; less where it is kept no more."""
        found: list[bytes] = []
        at = 0
        for piece in reversed(self._pieces):
            if at >= begin:
                break
            if isinstance(piece, Voice):
                size = len(piece.audio)
                found.append(piece.audio[max(0, size - (begin - at)) : max(0, size - max(0, end - at))])
                at += size
        return b"".join(reversed(found))

    def _drop_oldest(self) -> None:
        piece = self._pieces.popleft()
        self._size -= _size(piece)
        texts, voices = self._gone.texts, self._gone.voices
        if isinstance(piece, Voice):
            self._gone = Seen(texts, voices + 1)
        elif not isinstance(piece, Understood):
            self._gone = Seen(texts + 1, voices)


def _size(piece: Piece) -> int:
    if isinstance(piece, Voice):
        return len(piece.audio)
    if isinstance(piece, Called):
        return PIECE_SIZE
    return PIECE_SIZE + len(piece.text) * (1 if piece.text.isascii() else MOST_CHARACTER_BYTES)
