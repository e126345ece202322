"""What an answer has said, kept for a while: for a listener that comes back and lacks the end of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from attrs import define, field, frozen

from voxint.core.audio import BYTES_PER_SAMPLE
from voxint.core.events import Called, Committed, Endpoint, Onset, Text, Understood, Voice

__all__ = ["Journal", "Seen"]

Piece = Text | Voice | Called | Understood | Onset | Committed | Endpoint

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
    _voice_bytes: int = field(init=False, default=0)  # of all that was said

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
        if isinstance(piece, Voice):
            self._voice_bytes += len(piece.audio)
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

        What is known of the user (what was understood, when they speak) bears no number: it comes where something that
        was not seen stands before it, or nothing that was seen behind it.
        """
        texts, voices = self._gone.texts, self._gone.voices
        unnumbered: list[Piece] = []
        for piece in self._pieces:
            if isinstance(piece, Voice):
                voices += 1
                is_new = voices > seen.voices
            elif isinstance(piece, Text | Called):
                texts += 1
                is_new = texts > seen.texts
            else:
                unnumbered.append(piece)
                continue
            if is_new:
                yield from unnumbered
                yield piece
            unnumbered.clear()
        yield from unnumbered

    def voice(self, begin: int, end: int) -> bytes:
        """Return the speech from `begin` to `end`, bytes of all that was said; less where it is kept no more."""
        found: list[bytes] = []
        at = self._voice_bytes
        for piece in reversed(self._pieces):
            if at <= begin:
                break
            if isinstance(piece, Voice):
                at -= len(piece.audio)
                found.append(piece.audio[max(0, begin - at) : max(0, end - at)])
        return b"".join(reversed(found))

    def lacking(self, seen: Seen, chars: int, samples: int) -> list[tuple[Piece, int]]:
        """Return the pieces after `seen`, in order, and where each ends in the answer: its character or its sample.

        Args:
            seen: What is not lacking.
            chars: Characters of the answer's text up to now.
            samples: Samples of its speech up to now.
        """
        pieces = list[tuple[Piece, int]]()
        for piece in reversed(list(self.after(seen))):
            if isinstance(piece, Text):
                pieces.append((piece, chars))
                chars -= len(piece.text)
            elif isinstance(piece, Voice):
                pieces.append((piece, samples))
                samples -= len(piece.audio) // BYTES_PER_SAMPLE
            else:
                pieces.append((piece, chars))
        return pieces[::-1]

    def _drop_oldest(self) -> None:
        piece = self._pieces.popleft()
        self._size -= _size(piece)
        texts, voices = self._gone.texts, self._gone.voices
        if isinstance(piece, Voice):
            self._gone = Seen(texts, voices + 1)
        elif isinstance(piece, Text | Called):
            self._gone = Seen(texts + 1, voices)


def _size(piece: Piece) -> int:
    if isinstance(piece, Voice):
        return len(piece.audio)
    if isinstance(piece, Called | Onset | Committed):
        return PIECE_SIZE
    return PIECE_SIZE + len(piece.text) * (1 if piece.text.isascii() else MOST_CHARACTER_BYTES)
