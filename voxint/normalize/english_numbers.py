"""Numbers in English words."""

from __future__ import annotations

__all__ = [
    "MOST_DIGITS",
    "by_digits",
    "by_pairs",
    "cardinal",
    "ordinal",
    "ordinal_of",
    "plural",
    "spoken_number",
    "year",
]

_ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SCALES = ("", " thousand", " million", " billion", " trillion", " quadrillion", " quintillion")
_IRREGULAR = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}

MOST_DIGITS = 9
"""Digits in a row, without commas, up to which they are one number. More are a key or an account, said digit by digit;
chosen here."""

_MOST_GROUPED = 3 * len(_SCALES)


def _below_hundred(number: int) -> str:
    if number < 20:
        return _ONES[number]
    tens, ones = divmod(number, 10)
    return _TENS[tens] + (f"-{_ONES[ones]}" if ones else "")


def _below_thousand(number: int, joint: str) -> str:
    hundreds, rest = divmod(number, 100)
    if not hundreds:
        return _below_hundred(rest)
    return f"{_ONES[hundreds]} hundred" + (f"{joint}{_below_hundred(rest)}" if rest else "")


def cardinal(number: int, british: bool = False) -> str:
    """Return a number below 10^21 in words; in British English with its "and"."""
    if number == 0:
        return _ONES[0]
    joint = " and " if british else " "
    groups = []
    rest, scale = number, 0
    while rest:
        rest, group = divmod(rest, 1000)
        if group:
            groups.append((_below_thousand(group, joint) + _SCALES[scale], group < 100 and not scale))
        scale += 1
    groups.reverse()
    said = groups[0][0]
    for words, small in groups[1:]:
        said += (joint if small else " ") + words
    return said


def ordinal_of(words: str) -> str:
    """Return the ordinal of a cardinal in words."""
    cut = max(words.rfind(" "), words.rfind("-")) + 1
    last = words[cut:]
    if last in _IRREGULAR:
        return words[:cut] + _IRREGULAR[last]
    return words[:cut] + (last[:-1] + "ieth" if last.endswith("y") else last + "th")


def ordinal(number: int, british: bool = False) -> str:
    """Return the ordinal of a number: twenty-first."""
    return ordinal_of(cardinal(number, british))


def plural(words: str) -> str:
    """Return words for more than one: fifties, thirds, sixes."""
    if words.endswith("y"):
        return words[:-1] + "ies"
    return words + ("es" if words.endswith(("x", "s", "ch")) else "s")


def by_digits(digits: str, zero: str = "zero") -> str:
    """Return every digit by its name."""
    return " ".join(zero if digit == "0" else _ONES[int(digit)] for digit in digits)


def by_pairs(digits: str) -> str:
    """Return the digits of a name as people say it: `747` seven forty-seven, `4090` forty ninety, `12700` each."""
    if len(digits) > 4 or digits[0] == "0":
        return by_digits(digits)
    high, low = digits[:-2], digits[-2:]
    if len(digits) < 3 or digits.endswith("000"):
        return cardinal(int(digits))
    return f"{cardinal(int(high))} {'hundred' if low == '00' else _low_pair(low)}"


def _low_pair(low: str) -> str:
    return f"oh {_ONES[int(low[1])]}" if low[0] == "0" else _below_hundred(int(low))


def year(digits: str, british: bool = False) -> str:
    """Return a year of four digits: nineteen oh five, two thousand nine, twenty twenty-six."""
    high, low = digits[:2], digits[2:]
    if high[1] == "0" and int(low) < 10:
        return cardinal(int(digits), british)
    return f"{cardinal(int(high))} {'hundred' if low == '00' else _low_pair(low)}"


def spoken_number(written: str, british: bool = False) -> str:
    """Return a number in words, as it was written: with commas, or decimals, or too long for a number."""
    whole, point, decimals = written.replace("_", "").partition(".")
    plain = whole.replace(",", "")
    if not plain:
        said = _ONES[0]
    elif len(plain) > (MOST_DIGITS if plain == whole else _MOST_GROUPED) or (plain[0] == "0" and len(plain) > 1):
        said = by_digits(plain)
    else:
        said = cardinal(int(plain), british)
    return f"{said} point {by_digits(decimals)}" if point and decimals else said
