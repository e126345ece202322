"""Cut a stream of text deltas into pieces that a synthesizer can speak."""

from __future__ import annotations

import re

from attrs import define, field, validators

from voxint.core.boundaries import Strength, boundary, is_unspaced, paused, settled
from voxint.core.tokens import count_letters

__all__ = ["Segmenter"]

_SPEAKABLE = re.compile(r"[^\W_]")
_UNSPOKEN = re.compile(r"[\W_]")
_WORDS = re.compile(r"[^\W_]*+(?: +[^\W_]++)*+")
"""Words with nothing but spaces between them."""

_GAP = re.compile(r"[\W_]+")
"""What stands between two letters or digits. Everything is decided at a gap, once what follows it is known."""

_MOST_MARKS = 8
"""Deltas without a letter behind a word that are looked at before the next word comes. Chosen here, so that a flood of
them is not looked at again and again."""


@define(eq=False)
class Segmenter:
    """Cut text into pieces at the ends of sentences and clauses, however it was cut into deltas.

    The pieces joined are the deltas joined. A gap between two words is decided when the word after it begins; of the
    first piece, which somebody waits for, as soon as no word could decide it otherwise. White space and marks that
    come later begin the next piece. Every piece but the last has something to say. Whoever knows that the text is
    over for now (a function call) should `flush`; who sees that the model is silent should `pause`.

    A minimum counts letters, and a Chinese or Japanese character as three, because a piece is as long as it takes to
    say. The maximum counts characters up to the last that is spoken: only marks and white space can go beyond it.

    Args:
        first_min_chars: The first piece ends at the first clause or sentence that brings it to this length. By
            default 8: a "Sure, " is too short to speak while the next piece is synthesized.
        min_chars: Later pieces end at the first sentence that brings them to this length. By default 30, some 2 s of
            speech: longer pieces are spoken with better prosody, and there is time.
        max_chars: Pieces end at a space (in Chinese anywhere) before they pass this length, and from half of it on
            at a clause. By default 240, some 16 s: more is only lost when it is interrupted.
    """

    first_min_chars: int = field(default=8, validator=validators.ge(1))
    min_chars: int = field(default=30, validator=validators.ge(1))
    max_chars: int = field(default=240, validator=validators.ge(1))
    _held: list[str] = field(init=False, factory=list)
    """The text not handed out yet. The positions below count from its start."""
    _first: bool = field(init=False, default=True)
    _begin: int = field(init=False, default=0)
    """Where the piece begins."""
    _body: int | None = field(init=False, default=None)
    """Where its first word begins."""
    _scan: int = field(init=False, default=0)
    """A place in the word up to which all is decided."""
    _last_space: int | None = field(init=False, default=None)
    """Where the piece could be cut if it had to be."""
    _quiet: bool = field(init=False, default=False)
    """Whether there are only words and spaces behind that place: more of them decide nothing while there is room."""
    _marks: int = field(init=False, default=0)
    """Deltas without a letter that came last."""
    _room: int = field(init=False, default=0)
    """Characters to the length at which the piece has to be cut."""

    def feed(self, delta: str) -> list[str]:
        """Take more text and return the pieces that are now known to be whole; mostly none."""
        self._held.append(delta)
        if self._quiet and len(delta) < self._room and delta.replace(" ", "").isalnum():
            self._room -= len(delta)
            return []
        self._quiet = False
        self._marks = 0 if _SPEAKABLE.search(delta) else self._marks + 1
        if self._marks and not (self._first and self._body is not None and self._marks <= _MOST_MARKS):
            return []
        text = "".join(self._held)
        pieces = []
        while (cut := self._find_cut(text)) is not None:
            pieces.append(text[self._begin : cut])
            self._begin = self._scan = cut
            self._body = self._last_space = None
            self._first = False
        if shift := self._begin:
            text = text[shift:]
            self._begin = 0
            self._scan -= shift
            self._body = None if self._body is None else self._body - shift
            self._last_space = None if self._last_space is None else self._last_space - shift
        self._held = [text]
        if self._body is not None:
            self._room = self._body + self.max_chars - len(text)
        return pieces

    @property
    def ends_at_pause(self) -> bool:
        """Whether `pause` would return something."""
        return not self._quiet and self._find_pause() is not None

    def pause(self) -> list[str]:
        """Return the sentence that waits to be followed by more, if one does; the model was silent for a while.

        That is where the next word would mostly have ended it, and also where it is a short one: nothing comes that
        it could be joined to. Titles and initials (`Dr.`) wait on. What comes next is a first piece again.
        """
        cut = self._find_pause()
        if cut is None:
            return []
        text = "".join(self._held)
        self._begin_anew()
        self._held.append(text[cut:])
        return [text[:cut]]

    def flush(self) -> list[str]:
        """Return what is left, one piece or none; the segmenter is then as new."""
        text = "".join(self._held)
        self._begin_anew()
        return [text] if text else []

    def _begin_anew(self) -> None:
        self._held = []
        self._first = True
        self._quiet = False
        self._scan = self._marks = 0
        self._body = self._last_space = None

    def _find_cut(self, text: str) -> int | None:
        """Return where the piece ends, or None while that is open."""
        if self._body is None:
            lead = _GAP.match(text, self._begin)
            start = lead.end() if lead else self._begin
            if start == len(text):
                return None
            self._body = self._scan = start
        limit = self._body + self.max_chars
        words = _WORDS.match(text, self._scan, limit)
        if words and (last := text.rfind(" ", self._scan, words.end()) + 1):
            self._scan = self._last_space = last
        while True:
            unspoken = _UNSPOKEN.search(text, self._scan, limit + 1)
            self._scan = word_end = unspoken.start() if unspoken else min(len(text), limit + 1)
            if word_end > limit:
                return self._cut_at_limit(text, limit)
            gap = _GAP.match(text, word_end)
            if gap is None or gap.end() == len(text):
                self._quiet = gap is None or not gap.group().strip(" ")
                return None if self._quiet or not self._first else self._find_settled(text, word_end)
            strength, cut = boundary(text, self._begin, word_end, gap.end())
            if strength >= Strength.CLAUSE and self._is_long_enough(strength, count_letters(text[self._body : cut])):
                return cut
            if strength:
                self._last_space = cut
            if gap.end() >= limit:
                return self._cut_at_limit(text, limit)
            self._scan = gap.end()

    def _find_settled(self, text: str, word_end: int) -> int | None:
        """Return where the first piece ends if what follows makes no difference."""
        found = settled(text, self._begin, word_end)
        if found is None or not self._is_long_enough(found[0], count_letters(text[self._body : found[1]])):
            return None
        return found[1]

    def _find_pause(self) -> int | None:
        """Return where the piece ends if no more comes; all before its last word is decided."""
        if self._body is None or self._marks > _MOST_MARKS:
            return None
        text = "".join(self._held)
        words = _WORDS.match(text, self._scan)
        word_end = words.end() if words else self._scan
        if word_end == len(text):
            return None
        strength, cut = paused(text, 0, word_end)
        if strength == Strength.SENTENCE:
            return cut
        letters = count_letters(text[self._body : cut])
        return cut if strength == Strength.CLAUSE and self._is_long_enough(strength, letters) else None

    def _is_long_enough(self, strength: Strength, letters: int) -> bool:
        if self._first:
            return letters >= self.first_min_chars
        return letters >= (self.min_chars if strength == Strength.SENTENCE else self.max_chars // 2)

    def _cut_at_limit(self, text: str, limit: int) -> int:
        if is_unspaced(text, limit - 1) or is_unspaced(text, limit):
            return limit
        return limit if self._last_space is None else self._last_space
