"""What is said aloud for written text, in English and Chinese: numbers, dates, money, units, addresses, signs.

normalized.py           `normalize`: the rules of a language, run over a text
span.py                 a piece of text with what is said for it
scan.py                 rules tried in order at each place of a text, in time linear in its length
fold.py                 one spelling for digits and signs that Unicode has in many
addresses.py            e-mail and web addresses, names with dots, names with digits; either language
english.py              the order of the English rules
english_numbers.py      numbers in English words
english_counts.py       numbers as they are written: fractions, ranges, versions, telephones
english_dates.py        dates and times of day
english_quantities.py   money and units
english_words.py        abbreviations, Roman numerals, words that are not said as they are spelled
english_marks.py        signs
chinese.py              the order of the Chinese rules
chinese_numbers.py      numbers in Chinese words
chinese_counts.py       numbers as they are written, dates, times
chinese_quantities.py   money and units
"""

from __future__ import annotations

from voxint.normalize.normalized import normalize
from voxint.normalize.span import Span

__all__ = ["Span", "normalize"]
