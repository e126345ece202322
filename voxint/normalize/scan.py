"""Rules tried in order at each place of a text, in time linear in its length."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence

from attrs import frozen

from voxint.normalize.fold import NUMERAL, fold
from voxint.normalize.span import Span

__all__ = ["LETTER", "Language", "Rule", "Say", "before", "rules", "scan"]

LETTER = r"(?:[^\W\d_²³]|[\u0300-\u036f])"
"""A letter of any script, or an accent that was written apart from it."""

Say = Callable[[re.Match[str]], str | None]
"""What is said for a match; None where the rule does not apply after all."""


@frozen
class Rule:
    """A pattern and what is said for it.

    A pattern looks a bounded way ahead, or takes all that it has looked at: then a text is read in linear time, with
    any number of rules.
    """

    pattern: re.Pattern[str]
    say: Say


def rules(table: Sequence[tuple[str, Say]]) -> list[Rule]:
    """Return the rules of a table of patterns, in its order."""
    return [Rule(re.compile(pattern), say) for pattern, say in table]


@frozen
class Language:
    """What a language says for what is no plain word.

    Args:
        plain: A run of plain words, as a pattern that looks a bounded way behind its end.
        words: Words in `plain` that are not said as they are written, and begin a rule.
        at_letter: Rules that begin with a letter.
        at_number: Rules that begin with a digit, or with a sign before one.
        at_mark: Rules that begin with any other sign.
        signs: What is said for a sign alone.
        numeral: What is said for numerals that are one character each, such as ½, behind a number or not.
    """

    plain: re.Pattern[str]
    words: frozenset[str]
    at_letter: Sequence[Rule]
    at_number: Sequence[Rule]
    at_mark: Sequence[Rule]
    signs: Mapping[str, str]
    numeral: Callable[[str, bool], str]


_NUMBER_SIGNS = frozenset("+-–.'$€£¥₹₩₽₿¢#~(≈<>≤≥±@∼")
"""Signs that a number may begin with."""

_TRAIL = re.compile(r"""(?:[,;:!?…"”’»)\]}。，！？；：、）】》」』]|[.'](?!\d)){0,9}+\s*+""")
"""Marks behind a word that belong to it, and white space; a dot before a digit is the number's."""

_RUN = re.compile(r"(.)\1*+", re.DOTALL)
_OTHER_WORD = re.compile(LETTER + "++")
_NUMERALS = re.compile(f"[²³{NUMERAL}]++")
_SPACE = re.compile(r"\s++")
_PAUSING = frozenset(",.;:!?)…%")
"""Signs after which a number would not begin without a space."""

_HAN = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]")


def before(found: re.Match[str], most: int = 24) -> str:
    """Return what stands before a match: at most so many characters."""
    return found.string[max(0, found.start() - most) : found.start()]


def scan(text: str, language: Language) -> tuple[Span, ...]:
    """Return the text in spans, with what the language's rules say for each."""
    folded, spans, last, glued = fold(text), list[Span](), "", False
    at = 0
    while at < len(text):
        end, said = _read(text, folded, at, language)
        trail = (_SPACE if said == "" else _TRAIL).match(folded, end)
        stop = trail.end() if trail else end
        if said and said[-1] == "." and folded.startswith(".", end):
            said = said[:-1]  # the dot of an abbreviation ends the sentence, too
        written = text[at:stop]
        spoken = written if said is None else said + text[end:stop] if said else ""
        changed = spoken != written
        if spoken and (changed or glued) and _needs_space(last, spoken):
            spoken = " " + spoken
        spans.append(Span(written, spoken))
        glued = changed
        last = spoken[-1] if spoken else last
        at = stop
    return tuple(spans)


def _needs_space(last: str, spoken: str) -> bool:
    """Return whether two words would run into one."""
    first = spoken[0]
    apart = last.isalnum() or last in _PAUSING
    return bool(last) and apart and first.isalnum() and not _HAN.match(last) and not _HAN.match(first)


def _read(text: str, folded: str, at: int, language: Language) -> tuple[int, str | None]:
    """Return where the next word or sign ends, and what is said for it; None: as it is written."""
    char = folded[at]
    if char.isalpha():
        if (plain := language.plain.match(folded, at)) and plain.group() not in language.words:
            return plain.end(), None
        rules = language.at_letter
    elif char.isdigit() or char in _NUMBER_SIGNS:
        rules = language.at_number
    elif char.isspace():
        return at, None
    else:
        rules = language.at_mark
    for one in rules:
        if (found := one.pattern.match(folded, at)) and (said := one.say(found)) is not None:
            return found.end(), said
    if char.isalpha() and (word := _OTHER_WORD.match(folded, at)):
        return word.end(), None
    return _read_sign(text, folded, at, language)


def _read_sign(text: str, folded: str, at: int, language: Language) -> tuple[int, str | None]:
    """Read a sign that no rule knows: by its name, as punctuation, or not at all."""
    char = folded[at]
    if numerals := _NUMERALS.match(folded, at):
        return numerals.end(), language.numeral(text[at : numerals.end()], at > 0 and folded[at - 1].isdigit())
    found = _RUN.match(folded, at)
    end = found.end() if found else at + 1
    if char in language.signs:
        name = language.signs[char]
        return end, name if end == at + 1 else ""
    spoken_as_written = unicodedata.category(char)[0] in "LMPZ" or char.isspace()
    return end, None if spoken_as_written else ""
