"""The order of the English rules: the first that applies at a place reads it."""

from __future__ import annotations

import re
from functools import cache

from voxint.normalize.addresses import Spelling
from voxint.normalize.english_counts import counts, names_of_numbers, versions
from voxint.normalize.english_dates import MONTHS, WEEKDAYS, dates_at_letter, dates_at_number
from voxint.normalize.english_marks import SIGNS, letter_name, marks, numeral
from voxint.normalize.english_numbers import by_pairs
from voxint.normalize.english_quantities import CURRENCY_CODES, money_at_letter, quantities
from voxint.normalize.english_words import MISREAD, WORDS, word_rules
from voxint.normalize.scan import LETTER, Language

__all__ = ["english"]

_PLAIN = re.compile(rf"(?![\u0370-\u03ffµ]){LETTER}++(?:['-]{LETTER}++){{0,12}}+(?=[\s,;!?)…\"]|[.:](?:[\s\"')]|$)|$)")

_SPELLING = Spelling(
    signs={
        ".": "dot",
        "@": "at",
        "/": "slash",
        "-": "dash",
        "_": "underscore",
        "+": "plus",
        ":": "colon",
        "~": "tilde",
    },
    number=by_pairs,
    letter=letter_name,
    point="point",
    extra=MISREAD,
)


_DAYS = {f"{first}-{last}" for first in WEEKDAYS for last in WEEKDAYS}


@cache
def english(british: bool) -> Language:
    """Return the rules of American English, or of British."""
    return Language(
        plain=_PLAIN,
        words=frozenset((*WORDS, *MONTHS, *WEEKDAYS, *_DAYS, *CURRENCY_CODES)),
        at_letter=(
            *_SPELLING.addresses(),
            *money_at_letter(british),
            *dates_at_letter(british),
            *word_rules(),
            *versions(british),
            *_SPELLING.names(),
        ),
        at_number=(
            *marks(british),
            *_SPELLING.addresses(),
            *names_of_numbers(british),
            *quantities(british),
            *dates_at_number(british),
            *counts(british)[:-2],
            _SPELLING.names()[1],
            *counts(british)[-2:],
            *_SPELLING.marks(),
        ),
        at_mark=(*marks(british), *_SPELLING.marks()),
        signs=SIGNS,
        numeral=numeral,
    )
