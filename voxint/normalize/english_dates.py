"""Dates and times of day in English."""

from __future__ import annotations

import re

from voxint.normalize.english_counts import Reader, bound
from voxint.normalize.english_numbers import by_pairs, cardinal, ordinal, year
from voxint.normalize.scan import Rule, before

__all__ = ["MONTHS", "WEEKDAYS", "dates_at_letter", "dates_at_number"]

_MONTH_NAMES = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November"),
    "December",
)
MONTHS = {name: name for name in _MONTH_NAMES}
"""Names and abbreviations of months, each with its whole name."""
MONTHS |= {name[:3]: name for name in _MONTH_NAMES} | {"Sept": "September"}
MONTHS |= {name.upper(): whole for name, whole in MONTHS.items() if name != "May"}

_WEEKDAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WEEKDAYS = {name[:3]: name for name in _WEEKDAY_NAMES}
"""Abbreviations of the days of the week."""
WEEKDAYS |= {"Tues": "Tuesday", "Thur": "Thursday", "Thurs": "Thursday"}

_DATED = re.compile(
    r"(?i:\b(?:on|by|until|till|from|since|before|after|due|dated?|today is|"
    r"(?:appointment|birthday|deadline|delivery) is) )$"
)
_UNTIL = re.compile(r"(?i:\bfrom \d{1,2}/\d{1,2} (?:to|until|till|through) )$")
_PART_OF = re.compile(
    r"(?: to \d{1,2}/\d{1,2})? (?:of|an?|the|cups?|"
    r"tsp|tbsp|teaspoons?|tablespoons?|inch|inches|miles?|pints?|pounds?|lbs?|oz)\b"
)
"""What stands behind a fraction, and behind no date."""

_AT = re.compile(r" at (?:\d{1,2}:\d\d|\d{1,2} ?[apAP]\.?[mM]|noon\b)")
_THE = re.compile(r"(?i:\bthe )$")

_MONTH = "(" + "|".join(sorted(MONTHS, key=len, reverse=True)) + ")"
_WEEKDAY = "(" + "|".join(sorted(WEEKDAYS, key=len, reverse=True)) + ")"
_SUFFIX = "(?:st|nd|rd|th)?"
_HALF = r"(?:(?: |\u202f|\xa0)?([ap])(?:\.m\.?|m(?![^\W_])))"
_HALF_ANY_CASE = f"(?i:{_HALF})"
_CLOCK = r"(\d{1,2}):(\d\d)(?::(\d\d)(?:\.\d{1,6})?)?"
_DASH = r" ?(?:-|–|—|to) ?"
_ZONE = r"(Z|[+-]\d\d:?\d\d)?"


def _date(day: int, month: int, digits: str, british: bool, after_the: bool = False) -> str | None:
    """Return a date in the order of the country; without the year where `digits` is empty."""
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    name = _MONTH_NAMES[month - 1]
    day_first = f"{'' if after_the else 'the '}{ordinal(day)} of {name}"
    said = day_first if british else f"{name} {ordinal(day)}"
    return said + (f", {_year(digits, british)}" if digits else "")


def _year(digits: str, british: bool) -> str:
    if len(digits) == 2:
        return f"oh {cardinal(int(digits[1]))}" if digits[0] == "0" else by_pairs(digits)
    return year(digits, british) if "1100" <= digits <= "2099" else cardinal(int(digits), british)


def _iso(found: re.Match[str], british: bool) -> str | None:
    digits, _, month, day, hour, minute, second, zone = found.groups()
    said = _date(int(day), int(month), digits, british)
    if said is None or hour is None:
        return said
    clock = _clock(int(hour), minute, None if second == "00" else second, None, british)
    if clock is None:
        return None
    return f"{said}, at {clock}" + (" UTC" if zone == "Z" else "")


def _numeric(found: re.Match[str], british: bool) -> str | None:
    """Read 11/30/2026; where only the other order makes a date, it is that."""
    first, sign, second, digits = found.group(1), found.group(2), found.group(3), found.group(4)
    day_first = british or sign == "." or int(first) > 12
    if int(second) > 12:
        day_first = False
    day, month = (first, second) if day_first else (second, first)
    return _date(int(day), int(month), digits, british)


def _short(found: re.Match[str], british: bool) -> str | None:
    """Read 11/30 as a date where a word before says so."""
    dated = _DATED.search(before(found, 32)) or _UNTIL.search(before(found, 32))
    if _PART_OF.match(found.string, found.end()) or not (dated or _AT.match(found.string, found.end())):
        return None
    first, second = int(found.group(1)), int(found.group(2))
    day, month = (first, second) if british else (second, first)
    if month > 12:
        day, month = month, day
    return _date(day, month, "", british)


def _day_month(found: re.Match[str], british: bool) -> str | None:
    day, until, name, digits = found.groups()
    if not 1 <= int(day) <= 31 or (until and int(until) > 31):
        return None
    said = ordinal(int(day)) + (f" to the {ordinal(int(until))}" if until else "")
    the = "" if _THE.search(before(found)) else "the "
    return f"{the}{said} of {MONTHS[name]}" + (f", {_year(digits, british)}" if digits else "")


def _month_day(found: re.Match[str], british: bool) -> str | None:
    name, day, until, digits = found.groups()
    if not 1 <= int(day) <= 31 or (until and int(until) > 31):
        return None
    the = "the " if british else ""
    said = f"{MONTHS[name]} {the}{ordinal(int(day))}" + (f" to {the}{ordinal(int(until))}" if until else "")
    return said + (f", {_year(digits, british)}" if digits else "")


def _month_year(found: re.Match[str], british: bool) -> str:
    return f"{MONTHS[found.group(1)]} {_year(found.group(2), british)}"


def _weekdays(found: re.Match[str], british: bool) -> str:
    return f"{WEEKDAYS[found.group(1)]} to {WEEKDAYS[found.group(2)]}"


def _weekday(found: re.Match[str], british: bool) -> str:
    return WEEKDAYS[found.group(1)] + found.group(2)


def _clock(hour: int, minute: str, second: str | None, half: str | None, british: bool) -> str | None:
    """Return a time of day in words with its half of the day, None where it is none."""
    twelve = half and not second and 1 <= hour <= 12
    said = _twelve(hour, minute, british) if twelve else _twenty_four(hour, minute, second, british)
    return f"{said} {half.lower()}.m." if said and half else said


def _twelve(hour: int, minute: str, british: bool) -> str | None:
    """Return a time whose half of the day is told elsewhere: ten, ten thirty."""
    return cardinal(hour) if minute == "00" else _twenty_four(hour, minute, None, british)


def _twenty_four(hour: int, minute: str, second: str | None, british: bool) -> str | None:
    """Return a time of day by itself: ten o'clock, fourteen hundred."""
    if hour > 24 or int(minute) > 59:
        return None
    if minute != "00":
        said = f"{cardinal(hour)} {_year(minute, british)}"
    elif hour in (0, 24) and not second:
        said = "midnight"
    else:
        said = cardinal(hour) + (" hundred" if hour > 12 or second else " o'clock")
    return f"{said} and {cardinal(int(second))} second{'' if second == '01' else 's'}" if second else said


def _time(found: re.Match[str], british: bool) -> str | None:
    hour, minute, second, half = found.groups()
    return _clock(int(hour), minute, second, half, british)


def _times(found: re.Match[str], british: bool) -> str | None:
    hour, minute, half, until, until_minute, until_half = found.groups()
    if minute is None and until_minute is None and not until_half:
        return None  # two numbers, as far as they tell
    last = _clock(int(until), until_minute or "00", None, until_half, british)
    if until_half and not half:
        first = _twelve(int(hour), minute or "00", british)
    else:
        first = _clock(int(hour), minute or "00", None, half, british)
    return None if first is None or last is None else f"{first} to {last}"


def _hour(found: re.Match[str], british: bool) -> str | None:
    return _clock(int(found.group(1)), found.group(2) or "00", None, found.group(3), british)


def _ratio(found: re.Match[str], british: bool) -> str:
    return f"{cardinal(int(found.group(1)), british)} to {cardinal(int(found.group(2)), british)}"


_AT_NUMBER: tuple[tuple[str, Reader], ...] = (
    (rf"(\d{{4}})([-/.])(\d\d?)\2(\d\d?)(?:(?:T| )(\d\d):(\d\d)(?::(\d\d)(?:\.\d{{1,9}})?)?{_ZONE})?(?![\w/-])", _iso),
    (r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d\d)(?![\w/-]|\.\d)", _numeric),
    (rf"(\d{{1,2}}){_SUFFIX}(?:[-–](\d{{1,2}}){_SUFFIX})?[ -]{_MONTH}\b\.?(?:,? ?-?(\d{{4}})(?!\d))?", _day_month),
    (
        rf"(\d{{1,2}})(?::(\d\d))?{_HALF_ANY_CASE}?{_DASH}(\d{{1,2}})(?::(\d\d))?{_HALF_ANY_CASE}?(?![\w:/]|[-.]\d)",
        _times,
    ),
    (rf"{_CLOCK}{_HALF_ANY_CASE}?(?![\d:])", _time),
    (rf"(\d{{1,2}})(?:\.(\d\d))?{_HALF_ANY_CASE}", _hour),
    (r"(\d{1,9}):(\d{1,9})(?![\d:])", _ratio),
    (r"(\d{1,2})/(\d{1,2})(?![\d/])", _short),
)
_AT_LETTER: tuple[tuple[str, Reader], ...] = (
    (
        rf"{_MONTH}\.? (\d{{1,2}}){_SUFFIX}(?:[-–](\d{{1,2}}){_SUFFIX})?(?:,? (\d{{4}}))?(?![\w:/%]|[.,]\d|-\d)",
        _month_day,
    ),
    (rf"{_MONTH}\.?,? (\d{{4}})(?![\w:/%]|[.,]\d)", _month_year),
    (rf"{_WEEKDAY}\.? ?[-–] ?{_WEEKDAY}\b\.?", _weekdays),
    (rf"{_WEEKDAY}\.?(,?)(?= (?:{_MONTH}\b|\d{{1,2}}\b))", _weekday),
)


def dates_at_number(british: bool) -> list[Rule]:
    """Return the rules for dates and times that begin with a digit."""
    return bound(_AT_NUMBER, british)


def dates_at_letter(british: bool) -> list[Rule]:
    """Return the rules for dates that begin with a month or a day of the week."""
    return bound(_AT_LETTER, british)
