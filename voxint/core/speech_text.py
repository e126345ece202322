"""Plain words for a synthesizer from the Markdown that a model writes, piece by piece."""

from __future__ import annotations

import re

from attrs import define, field

from voxint.core.alignment import Aligned, Part
from voxint.core.boundaries import is_unspaced
from voxint.core.markup import (
    COMMENT_END,
    FORMULA_END,
    LABEL_END,
    LATE_MARKS,
    MARKUP,
    SNAKE,
    SPEAKABLE,
    SPECIAL,
    TARGET_END,
    URL_END,
    fence_end,
)
from voxint.core.wording import ENGLISH, Wording, host_of, wording_for

__all__ = ["SpeechText"]

_NEWLINES = re.compile(r"\s*\n")
_SPACES = re.compile(r"[^\S\n]+")
_URL_TRAIL = re.compile(r"[.,;:!?*_~'\")]+\Z")
_BREAKING_TAG = re.compile(r"</?(?:br|dd|div|dt|h[1-6]|hr|li|p|td|th|tr)\b", re.IGNORECASE)
_PAUSES = frozenset(".!?,;:…。！？，、；：")

_SILENT = frozenset({"closing_hashes", "definition", "indent", "rule", "target"})
_OPENING = frozenset({"block", "label", "note"})
_WORDED = frozenset(
    {"about", "autolink", "command", "entity", "escape", "fraction", "index"}
    | {"mail", "power", "range", "root", "snake", "times"}
)
"""What `Wording.aloud` has words for."""

_LONGEST_CODE = 1_000
"""Characters of a code span at most, for which its end is looked for. Chosen here: ten lines of a screen."""

_LONG_URL = 200
"""A URL that ends where the piece ends was cut there, if it is at least so long: the Segmenter cuts within a word only
where a piece gets longer than that. Chosen here, below its 240."""


@define(eq=False)
class _Parts:
    """The parts of a piece while it is read.

    Silent text that opens something (the `**` before a word) is one part with the first character behind it, so that
    a cut before that character is a cut before the mark. White space is spoken once, whatever silent text it encloses.
    """

    _spaced: bool
    """Whether white space was the last to be spoken."""
    last: str = field(init=False, default="")
    """The last character that is spoken, white space apart; empty before the first."""
    _parts: list[Part] = field(init=False, factory=list)
    _plain: list[str] = field(init=False, factory=list)
    """Text behind the parts that is spoken as it is written."""
    _closing: list[str] = field(init=False, factory=list)
    """Silent text behind that."""
    _opening: list[str] = field(init=False, factory=list)
    """Silent text that belongs to what follows."""

    @property
    def spoken(self) -> str:
        """What is spoken so far."""
        return "".join([*(part.spoken for part in self._parts), *self._plain])

    def ends_with(self, word: str) -> bool:
        """Return whether `word` is the last that is spoken."""
        self._settle()
        return bool(self._parts) and self._parts[-1].spoken.rstrip().endswith(word)

    def silent(self, written: str, *, opens: bool = False) -> None:
        """Add text of which nothing is said."""
        if written:
            (self._opening if opens or self._opening else self._closing).append(written)

    def say(self, written: str, spoken: str) -> None:
        """Add text for which something else is said."""
        spoken = spoken.lstrip() if self._spaced else spoken
        if not spoken:
            self.silent(written)
            return
        if spoken == written and not self._opening:
            self.verbatim(written)
            return
        self._settle()
        self._parts.append(Part("".join(self._opening) + written, spoken))
        self._opening.clear()
        self._said(spoken)

    def verbatim(self, text: str) -> None:
        """Add text that is spoken as it is written."""
        if self._spaced and not (self._plain and not self._closing and not self._opening):
            kept = text.lstrip()
            self.silent(text[: len(text) - len(kept)])
            text = kept
        if self._opening and text:
            self.say(text[0], text[0])
            text = text[1:]
        if text:
            if self._closing:
                self._settle()
            self._plain.append(text)
            self._said(text)

    def pause(self, written: str, mark: str) -> None:
        """Let the voice pause for `written`, unless it does already: `mark` takes the place of white space before."""
        if not self.last or self.last in _PAUSES:
            if written.isspace():
                self.say(written, "" if not self.last or is_unspaced(self.last) else " ")
            else:
                self.silent(written, opens=True)
            return
        if not self._opening:
            self._settle()
            while not (kept := self._parts[-1].spoken.rstrip()):
                written = self._parts.pop().written + written
            part = self._parts.pop()
            if part.written == part.spoken:
                self._parts.append(Part(kept, kept))
                written = part.written[len(kept) :] + written
            else:
                self._parts.append(Part(part.written, kept))
            self._spaced = False
        self.say(written, mark)

    def end(self) -> tuple[Part, ...]:
        """Return the parts."""
        self._closing += self._opening
        self._opening.clear()
        self._settle()
        return tuple(self._parts)

    def _settle(self) -> None:
        for texts, silent in ((self._plain, False), (self._closing, True)):
            if texts:
                text = "".join(texts)
                self._parts.append(Part(text, "" if silent else text))
                texts.clear()

    def _said(self, spoken: str) -> None:
        self._spaced = spoken[-1].isspace()
        if kept := spoken.rstrip():
            self.last = kept[-1]


@define(eq=False)
class SpeechText:
    """Say what is spoken of each piece of a reply, in order.

    Words are spoken as they are written, and marks that only lay them out are silent. What cannot be listened to is
    named (`Code omitted.`) or cut to what can (the host of a URL), in the language of the text around it. Markup may
    begin in one piece and end in another. The work is linear in the text, whatever it is.
    """

    _until: re.Pattern[str] | None = field(init=False, default=None)
    """The end of the silent text that we are in."""
    _row: bool = field(init=False, default=False)
    """Whether this line is a row of a table."""
    _bracket: bool = field(init=False, default=False)
    """Whether a bracket was left out whose partner has not come."""
    _emphasis: set[str] = field(init=False, factory=set)
    """The marks of emphasis that are open."""
    _before: str = field(init=False, default="\n")
    """The last character of the piece before; a line's end, with white space behind it or not, is one."""
    _context: str = field(init=False, default="")
    """What was last spoken, to know its language."""
    _wording: Wording | None = field(init=False, default=None)
    """The words for this piece, once they are needed."""

    def feed(self, piece: str) -> Aligned:
        """Return the next piece with what is spoken of it; that is empty where there is nothing to say."""
        if not piece:
            return Aligned()
        plain = self._until is None and not SPECIAL.search(piece)
        aligned = Aligned.verbatim(piece) if plain else self._read(piece)
        if not SPEAKABLE.search(aligned.spoken):
            aligned = Aligned((Part(piece, ""),))
        else:
            self._context = aligned.spoken
        end = piece[-1]
        self._before = "\n" if end.isspace() and "\n" in piece[len(piece.rstrip()) :] else end
        if self._before == "\n":
            self._row = False
        return aligned

    def _read(self, piece: str) -> Aligned:
        text, parts, self._wording = self._before + piece, _Parts(self._before.isspace()), None
        at = 1 if self._until else self._skip_leading(text, parts)
        while at < len(text):
            if self._until is not None:
                at = self._skip(self._until, text, at, parts)
            elif found := MARKUP.search(text, at):
                parts.verbatim(text[at : found.start()])
                at = self._read_markup(found, parts)
            else:
                parts.verbatim(text[at:])
                break
        return Aligned(parts.end())

    def _skip_leading(self, text: str, parts: _Parts) -> int:
        """Pass over what is left of the piece before, and lines without text; return where the piece's own begins."""
        at = 1
        if not self._before.isspace() and (marks := LATE_MARKS.match(text, at)):
            parts.silent(marks.group())
            at = marks.end()
        if space := _NEWLINES.match(text, at) or (None if self._before == "\n" else _SPACES.match(text, at)):
            parts.say(space.group(), "" if is_unspaced(self._before) else " ")
            at = space.end()
        return at

    def _skip(self, until: re.Pattern[str], text: str, at: int, parts: _Parts) -> int:
        end = until.search(text, at)
        stop = end.end() if end else len(text)
        parts.silent(text[at:stop])
        if end:
            self._until = None
        return stop

    def _read_code(self, found: re.Match[str], parts: _Parts) -> int:
        """Read a code span whole, as it is written; backticks without a partner on their line mean nothing."""
        text, ticks, begin = found.string, found.group(), found.end()
        line_end = text.find("\n", begin, begin + _LONGEST_CODE)
        end = text.find(ticks, begin, begin + _LONGEST_CODE if line_end < 0 else line_end)
        parts.silent(ticks, opens=True)
        if end < 0:
            return begin
        for name in SNAKE.finditer(text, begin, end):
            parts.verbatim(text[begin : name.start()])
            parts.say(name.group(), self._words(parts, text).aloud("snake", name.group()))
            begin = name.end()
        parts.verbatim(text[begin:end])
        parts.silent(ticks)
        return end + len(ticks)

    def _words(self, parts: _Parts, text: str) -> Wording:
        if self._wording is None:
            self._wording = wording_for(parts.spoken) or wording_for(self._context) or wording_for(text) or ENGLISH
        return self._wording

    def _read_markup(self, found: re.Match[str], parts: _Parts) -> int:
        """Add what a match of `MARKUP` says, and return where to go on."""
        kind, written = found.lastgroup or "", found.group()
        if kind in _SILENT:
            parts.silent(written)
        elif kind in _OPENING:
            parts.silent(written, opens=True)
        elif kind == "about" and parts.ends_with(self._words(parts, found.string).about.strip()):
            parts.silent(written)
        elif kind in _WORDED:
            parts.say(written, self._words(parts, found.string).aloud(kind, written))
        elif kind == "url":
            return self._read_url(found, parts)
        elif kind == "code":
            return self._read_code(found, parts)
        elif kind in ("emphasis", "dollars", "picture"):
            self._read_mark(kind, found, parts)
        elif kind in ("arrow", "bullet", "newline", "pipe", "row", "tag"):
            self._read_break(kind, found, parts)
        else:
            self._read_state(kind, found, parts)
        return found.end()

    def _read_url(self, found: re.Match[str], parts: _Parts) -> int:
        url = found.group()
        if trail := _URL_TRAIL.search(url):
            kept = url[: trail.start()]
            closes = 0 if ")" not in trail.group() else max(0, kept.count("(") - kept.count(")"))
            url = kept + (")" * closes if trail.group().startswith(")" * closes) else "")
        parts.say(url, host_of(url))
        if found.start() + len(url) == len(found.string) and len(url) >= _LONG_URL:
            self._until = URL_END
        return found.start() + len(url)

    def _read_mark(self, kind: str, found: re.Match[str], parts: _Parts) -> None:
        """Read what is silent mostly, yet may be a sign of its own: `5 * 3`, `$5`; and pictures."""
        written = found.group()
        before, after = found.string[found.start() - 1], found.string[found.end() : found.end() + 1] or " "
        between = not before.isspace() and not after.isspace()
        if kind == "dollars":
            self._read_dollars(written, before, after, parts)
        elif kind == "picture":
            parts.say(written, " ") if between and before.isalnum() and after.isalnum() else parts.silent(written)
        elif (before.isdigit() and after.isdigit()) or (len(written) == 1 and before.isspace() and after.isspace()):
            parts.verbatim(written)
        elif len(written) == 1 and before.isascii() and before.isalnum() and after.isascii() and after.isalnum():
            parts.say(written, " ")
        else:
            mark = written[:3]
            closes = after.isspace() or (not before.isspace() and mark in self._emphasis)
            (self._emphasis.discard if closes else self._emphasis.add)(mark)
            parts.silent(written, opens=not closes)

    def _read_dollars(self, written: str, before: str, after: str, parts: _Parts) -> None:
        """Keep what is money, leave out what encloses a formula."""
        closes = written in self._emphasis and not before.isspace()
        if closes:
            self._emphasis.discard(written)
            parts.silent(written)
        elif written == "$" and (before.isdigit() or after.isdigit() or after.isspace()):
            parts.verbatim(written)
        else:
            self._emphasis.add(written[:2])
            parts.silent(written, opens=True)

    def _read_break(self, kind: str, found: re.Match[str], parts: _Parts) -> None:
        """Read what makes a pause: the end of a line or a cell, an arrow, a tag that breaks a line."""
        text, written = found.string, found.group()
        before, after = text[found.start() - 1], text[found.end() : found.end() + 1]
        words = self._words(parts, text)
        comma = words.comma.rstrip() if after.isspace() else words.comma
        if kind == "newline":
            self._row = False
            self._emphasis.clear()
            if after:
                parts.pause(written, words.period)
            else:
                parts.verbatim(written)
        elif kind == "row":
            self._row = True
            parts.silent(written, opens=True)
        elif kind == "tag" and not _BREAKING_TAG.match(written):
            parts.silent(written, opens=not written.startswith("</"))
        elif kind == "pipe" and not self._row and not (before.isspace() and (not after or after.isspace())):
            parts.verbatim(written)
        elif (kind == "pipe" and after == "\n") or (kind in ("pipe", "tag") and not after):
            parts.silent(written)
        else:
            parts.pause(written, comma)

    def _read_state(self, kind: str, found: re.Match[str], parts: _Parts) -> None:
        """Read what begins something that may go on in later pieces, or ends it."""
        written = found.group()
        words = self._words(parts, found.string)
        if kind == "fence":
            self._until = fence_end(found["fence"])
            parts.say(written, words.code)
        elif kind == "formula":
            self._until = FORMULA_END
            parts.say(written, words.formula)
        elif kind == "comment":
            self._until = COMMENT_END
            parts.silent(written)
        elif kind == "cut_label":
            self._until = LABEL_END
            parts.silent(written)
        elif kind == "cut_target":
            self._until = TARGET_END
            parts.silent(written)
        elif kind == "open_label":
            self._bracket = True
            parts.silent(written, opens=True)
        elif kind == "unlabel" and self._bracket:
            self._bracket = False
            parts.silent(written)
        elif kind == "box":
            parts.say(written, words.done if written[1] != " " else "")
        elif kind == "image":
            parts.say(written, words.image + written[2:] if len(written) > 2 else "")
        else:
            parts.verbatim(written)
