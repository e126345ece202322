"""Which written text is spoken by which words: what lies between the model's Markdown and the listener's ear."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from itertools import islice

from attrs import define, field, frozen

from voxint.core.discreet import size_of
from voxint.core.tokens import UNSPACED, count_letters

__all__ = ["Aligned", "Part", "Script"]

_WORD = re.compile(rf"[{UNSPACED}]|[^\s{UNSPACED}]+")
_SPACE = re.compile(r"\s+")

_FIRM = 12
"""Characters from which on a reported text that is found further ahead is taken to be there and no coincidence. Chosen
here: two words."""

_AHEAD = 1_000
"""How far ahead it is looked for, in characters. Chosen here: four of the longest pieces."""


@frozen
class Part:
    """Written text and what is said for it: the same, something else, or nothing."""

    written: str = field(repr=size_of)
    spoken: str = field(repr=size_of)


@frozen
class Aligned:
    """Text as it was written and as it is spoken, part by part.

    Within a part that is spoken as it is written every character stands for itself; any other part is a whole.
    """

    parts: tuple[Part, ...] = ()

    @classmethod
    def verbatim(cls, text: str) -> Aligned:
        """Return text that is spoken as it is written."""
        return cls((Part(text, text),) if text else ())

    @classmethod
    def joined(cls, pieces: Iterable[Aligned]) -> Aligned:
        """Return one text of several."""
        return cls(tuple(part for piece in pieces for part in piece.parts))

    @property
    def written(self) -> str:
        """The text as the model wrote it."""
        return self.parts[0].written if len(self.parts) == 1 else "".join(part.written for part in self.parts)

    @property
    def spoken(self) -> str:
        """The text as it is spoken, empty where nothing is to be said."""
        return self.parts[0].spoken if len(self.parts) == 1 else "".join(part.spoken for part in self.parts)

    def said(self, letters: int) -> str:
        """Return what is written for the words that end within the first `letters` letters' worth of time.

        Written text that is not spoken goes with the word before it when it sticks to that, else with the one behind.
        """
        spoken = self.spoken
        index = spoken_at = written_at = 0  # the part that the word ends in, and where it begins
        used = end = cut = 0
        for word in _WORD.finditer(spoken):
            used += count_letters(spoken[end : word.end()])
            if used > letters:
                break
            end = word.end()
            while spoken_at + len(self.parts[index].spoken) < end:
                spoken_at += len(self.parts[index].spoken)
                written_at += len(self.parts[index].written)
                index += 1
            part = self.parts[index]
            if end == spoken_at + len(part.spoken):
                cut = written_at + len(part.written) + sum(map(len, self._stuck_to(index)))
            elif part.written == part.spoken:
                cut = written_at + end - spoken_at
            elif end == spoken_at + len(part.spoken.rstrip()):
                cut = written_at + len(part.written)
        return self.written[:cut].rstrip()

    def _stuck_to(self, index: int) -> Iterable[str]:
        """Yield the silent text that follows a part without white space between."""
        for part in islice(self.parts, index + 1, None):
            if part.spoken or part.written[:1].isspace():
                break
            yield part.written

    def split(self, at: int) -> tuple[Aligned, Aligned]:
        """Cut where `at` characters have been spoken; silent text that sticks to the last of them goes with it."""
        index = 0
        while at > len(self.parts[index].spoken):
            at -= len(self.parts[index].spoken)
            index += 1
        head, part, tail = self.parts[:index], self.parts[index], self.parts[index + 1 :]
        if at == len(part.spoken):
            stuck = len(list(self._stuck_to(index)))
            return Aligned((*head, part, *tail[:stuck])), Aligned(tail[stuck:])
        # What stands for something else is written where it ends.
        at_written = at if part.written == part.spoken else 0
        first = Part(part.written[:at_written], part.spoken[:at])
        second = Part(part.written[at_written:], part.spoken[at:])
        return Aligned((*head, first)), Aligned((second, *tail))


def _reach(text: str, ahead: str) -> int:
    """Return how many characters of `ahead` are over when `text` has been spoken.

    A synthesizer should report what it was given. One that changes white space is understood; one that reports words
    of its own (`three` for `3`) is taken to have spoken as many, until what it reports is found again.
    """
    if ahead.startswith(text):
        reach = len(text)
    else:
        wanted = _SPACE.sub("", text)
        solid = [index for index, char in enumerate(ahead) if not char.isspace()]
        given = _SPACE.sub("", ahead)
        found = 0 if given.startswith(wanted) else given.find(wanted) if len(wanted) >= _FIRM else -1
        if found >= 0:
            reach = solid[found + len(wanted) - 1] + 1
        else:
            words = len(_WORD.findall(text))
            reach = max((word.end() for word in islice(_WORD.finditer(ahead), words)), default=0)
    space = _SPACE.match(ahead, reach)
    return space.end() if space else reach


@define(eq=False)
class Script:
    """What a synthesizer was given to say, and which written text that stands for.

    What `begun` and `rest` return, joined, is what was given: in order, nothing lost and nothing twice. Text that is
    not spoken rides on what is.
    """

    _given: deque[Aligned] = field(init=False, factory=deque)
    """What was not begun yet."""
    _reports: bool = field(init=False, default=False)

    def give(self, piece: Aligned) -> None:
        """Note that the synthesizer was given `piece`, or would have been if there were anything to say."""
        self._given.append(piece)

    def begun(self, text: str | None) -> Aligned | None:
        """Return what audio begins to speak, or None where it goes on with what was begun before.

        Args:
            text: What the synthesizer says that it is: `Speech.text`. A synthesizer that never says so is taken to
                begin all it was given.
        """
        if text is None:
            return None if self._reports else self.rest()
        if not text or text.isspace():
            return None
        self._reports = True
        return self._take(_reach(text, self._ahead(text)))

    def rest(self) -> Aligned | None:
        """Return what was given and not begun, or None where there is nothing left; for the end."""
        rest = Aligned.joined(self._given)
        self._given.clear()
        return rest if rest.parts else None

    def _ahead(self, text: str) -> str:
        """Return enough of what is still to be spoken to find `text` in it."""
        ahead = ""
        for piece in self._given:
            ahead += piece.spoken
            if ahead.startswith(text) and len(ahead) > len(text):
                break
            if len(ahead) > len(text) + _AHEAD:
                break
        return ahead

    def _take(self, spoken: int) -> Aligned | None:
        taken: list[Aligned] = []
        while spoken and self._given:
            piece = self._given.popleft()
            length = len(piece.spoken)
            if spoken < length:
                piece, rest = piece.split(spoken)
                self._given.appendleft(rest)
                length = spoken
            spoken -= length
            taken.append(piece)
        return Aligned.joined(taken) if taken else None
