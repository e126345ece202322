"""Money and units in English."""

from __future__ import annotations

import re

from voxint.normalize.english_counts import DASH, NUMBER, SIGN, STREET, Reader, bound, signed
from voxint.normalize.english_numbers import cardinal, spoken_number
from voxint.normalize.scan import Rule, before

__all__ = ["CURRENCY_CODES", "money_at_letter", "quantities"]

_CURRENCIES = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "US$": ("US dollar", "US dollars", "cent", "cents"),
    "C$": ("Canadian dollar", "Canadian dollars", "cent", "cents"),
    "A$": ("Australian dollar", "Australian dollars", "cent", "cents"),
    "HK$": ("Hong Kong dollar", "Hong Kong dollars", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "€": ("euro", "euros", "cent", "cents"),
    "¥": ("yen", "yen", "", ""),
    "CN¥": ("yuan", "yuan", "", ""),
    "₹": ("rupee", "rupees", "paisa", "paise"),
    "₩": ("won", "won", "", ""),
    "₽": ("ruble", "rubles", "kopeck", "kopecks"),
    "₿": ("bitcoin", "bitcoins", "", ""),
}
CURRENCY_CODES = {
    "USD": "US$",
    "CAD": "C$",
    "AUD": "A$",
    "HKD": "HK$",
    "GBP": "£",
    "EUR": "€",
    "JPY": "¥",
    "CNY": "CN¥",
    "RMB": "CN¥",
    "INR": "₹",
    "KRW": "₩",
}
"""Currencies by their three letters."""

_SIGNS = "|".join(re.escape(sign) for sign in sorted(_CURRENCIES, key=len, reverse=True))
_CURRENCY = f"({_SIGNS}|{'|'.join(CURRENCY_CODES)})"
_SCALES = {
    "k": "thousand",
    "m": "million",
    "mn": "million",
    "mm": "million",
    "mio": "million",
    "b": "billion",
    "bn": "billion",
    "t": "trillion",
    "tn": "trillion",
}
_SCALE = r"(?: ?((?i:thousand|million|billion|trillion)\b)|(K|k|M|m|mn|mm|mio|B|b|bn|Bn|T|tn)(?![^\W_]))?"
_THING = re.compile(r" (?!wide|long|tall|high|deep|thick|and|or|by|in|of|is|was|to|from|at|for|per|apart)[a-z]")
"""What is so many inches: a screen."""

_WORTH = re.compile(
    r" (?:bill|note|coin|gift|tip|fine|fee|ticket|prize|reward|discount|coupon|loan|budget|deal|menu)\b"
)
"""What is worth a sum: a five dollar bill."""

_PERIODS = {"h": "hour", "hr": "hour", "mo": "month", "yr": "year", "wk": "week", "min": "minute", "s": "second"}
_PER = r"(?: ?/ ?([A-Za-z]{1,12})(?![\w/]))?"

_WHOLE = {
    "%": ("percent", "percent"),
    "‰": ("per mille", "per mille"),
    "°": ("degree", "degrees"),
    "°C": ("degree Celsius", "degrees Celsius"),
    "℃": ("degree Celsius", "degrees Celsius"),
    "°F": ("degree Fahrenheit", "degrees Fahrenheit"),
    "℉": ("degree Fahrenheit", "degrees Fahrenheit"),
    "¢": ("cent", "cents"),
    "mph": ("mile per hour", "miles per hour"),
    "kph": ("kilometer per hour", "kilometers per hour"),
    "km/h": ("kilometer per hour", "kilometers per hour"),
    "fps": ("frame per second", "frames per second"),
    "rpm": ("revolution per minute", "revolutions per minute"),
    "ppm": ("part per million", "parts per million"),
    "bpm": ("beat per minute", "beats per minute"),
    "Mbps": ("megabit per second", "megabits per second"),
    "Gbps": ("gigabit per second", "gigabits per second"),
    "kbps": ("kilobit per second", "kilobits per second"),
    "Hz": ("hertz", "hertz"),
    "kHz": ("kilohertz", "kilohertz"),
    "MHz": ("megahertz", "megahertz"),
    "GHz": ("gigahertz", "gigahertz"),
    "ft": ("foot", "feet"),
    "sq ft": ("square foot", "square feet"),
    "sq. ft": ("square foot", "square feet"),
    "lb": ("pound", "pounds"),
    "lbs": ("pound", "pounds"),
    "in.": ("inch", "inches"),
    "psi": ("P.S.I.", "P.S.I."),
    "dpi": ("D.P.I.", "D.P.I."),
}
_REGULAR = {
    **{"km": "kilometer", "m": "meter", "cm": "centimeter", "mm": "millimeter", "µm": "micrometer", "nm": "nanometer"},
    **{"mi": "mile", "yd": "yard", "kg": "kilogram", "g": "gram", "mg": "milligram", "µg": "microgram", "oz": "ounce"},
    **{"L": "liter", "l": "liter", "mL": "milliliter", "ml": "milliliter", "gal": "gallon", "ha": "hectare"},
    **{"kB": "kilobyte", "KB": "kilobyte", "MB": "megabyte", "GB": "gigabyte", "TB": "terabyte"},
    **{"PB": "petabyte", "KiB": "kibibyte", "MiB": "mebibyte", "GiB": "gibibyte", "TiB": "tebibyte", "Gb": "gigabit"},
    **{"Mb": "megabit", "kb": "kilobit", "s": "second", "sec": "second", "secs": "second", "ms": "millisecond"},
    **{"µs": "microsecond", "us": "microsecond", "ns": "nanosecond", "min": "minute", "mins": "minute", "h": "hour"},
    **{"hr": "hour", "hrs": "hour", "yr": "year", "yrs": "year", "W": "watt", "kW": "kilowatt", "MW": "megawatt"},
    **{"GW": "gigawatt", "kWh": "kilowatt hour", "MWh": "megawatt hour", "Wh": "watt hour", "mAh": "milliamp hour"},
    **{"V": "volt", "mV": "millivolt", "kV": "kilovolt", "mA": "milliamp", "Ω": "ohm", "kΩ": "kilohm", "Pa": "pascal"},
    **{"kPa": "kilopascal", "hPa": "hectopascal", "MPa": "megapascal", "J": "joule", "kJ": "kilojoule"},
    **{"cal": "calorie", "kcal": "kilocalorie", "dB": "decibel", "px": "pixel", "N": "newton", "lm": "lumen"},
    **{"tsp": "teaspoon", "tbsp": "tablespoon", "qt": "quart", "kt": "knot", "kts": "knot", "kn": "knot"},
}
_UNITS = {**{unit: (name, name + "s") for unit, name in _REGULAR.items()}, **_WHOLE}
_POWERS = {"²": "square", "^2": "square", "³": "cubic", "^3": "cubic"}

_APART = "|".join(re.escape(unit) for unit in sorted(_UNITS, key=len, reverse=True) if unit not in ("us", "in."))
_STREET_BEHIND = re.compile(rf"\.? {STREET}")
"""What stands behind the W of a street that goes west."""

_NOT_APART = frozenset("NJl")
"""Units that may be a name of one letter: they count as units only right behind the number."""

_END = r"(?:(?<=[a-z])\.(?= [a-z]))?(?![^\W_²³])"
"""Of a unit; the dot of an abbreviation belongs to it where a sentence goes on behind."""

_BELOW = {
    "day": "day",
    "week": "week",
    "month": "month",
    "year": "year",
    "hour": "hour",
    "minute": "minute",
    **_PERIODS,
}
_BELOW |= {"person": "person", "user": "user", "second": "second", "sec": "second"}
_UNIT = (
    rf"({_APART})(²|³|\^[23])?{_END}"
    rf"(?:/({_APART}|{'|'.join(sorted(_BELOW, key=len, reverse=True))})(²|³|\^[23])?{_END})?"
)


def _money(found: re.Match[str], british: bool) -> str:
    sign, symbol, number, until, word, letter, per = found.groups()
    return _sum(found, (sign or ""), CURRENCY_CODES.get(symbol, symbol), number, until, word or letter, per, british)


def _money_behind(found: re.Match[str], british: bool) -> str:
    sign, number, until, word, letter, symbol, per = found.groups()
    return _sum(found, (sign or ""), CURRENCY_CODES.get(symbol, symbol), number, until, word or letter, per, british)


def _sum(
    found: re.Match[str],
    sign: str,
    currency: str,
    number: str,
    until: str | None,
    scale: str | None,
    per: str | None,
    british: bool,
) -> str:
    """Return a sum of money in words."""
    one, many, small, smalls = _CURRENCIES[currency]
    many = one if _WORTH.match(found.string, found.end()) else many
    whole, point, cents = number.partition(".")
    period = f" per {_PERIODS.get(per) or _UNITS.get(per, (per,))[0]}" if per else ""
    if until or scale:
        words = spoken_number(number, british) + (f" to {spoken_number(until, british)}" if until else "")
        words += f" {_SCALES.get(scale.lower(), scale.lower())}" if scale else ""
        return f"{signed(sign, words)} {many}{period}"
    if not (small and point and len(cents) == 2):
        return f"{signed(sign, spoken_number(number, british))} {one if number == '1' else many}{period}"
    units = spoken_number(whole or "0", british)
    parts = [f"{units} {one if units == 'one' else many}"] if units != "zero" or cents == "00" else []
    if cents != "00":
        parts.append(f"{cardinal(int(cents))} {small if cents == '01' else smalls}")
    return signed(sign, " and ".join(parts)) + period


def _quantity(found: re.Match[str], british: bool) -> str | None:
    sign, low, number, scale, gap, unit, power, below, below_power = found.groups()
    if gap == " " and (unit in _NOT_APART or (unit in "EW" and _STREET_BEHIND.match(found.string, found.end()))):
        return None
    adjective = gap == "-"
    one = (number == "1" and not low and not scale) or adjective
    said = _named(unit, power, one)
    if below:
        said += f" per {_named(below, below_power, True)}"
    words = spoken_number(number, british) + (scale or "")
    if low:
        words = f"{spoken_number(low, british)} to {words}"
    return f"{signed(sign or '', words)} {said}"


def _named(unit: str, power: str | None, one: bool) -> str:
    name = _BELOW[unit] if unit not in _UNITS else _UNITS[unit][0 if one else 1]
    return f"{_POWERS[power]} {name}" if power else name


def _joined(found: re.Match[str], british: bool) -> str:
    number, unit = found.groups()
    one, many = ("microsecond", "microseconds") if unit == "us" else ("inch", "inches")
    return f"{spoken_number(number, british)} {one if number == '1' else many}"


def _feet(found: re.Match[str], british: bool) -> str:
    feet, inches = found.groups()
    return f"{cardinal(int(feet))} foot {spoken_number(inches)}"


def _feet_apart(found: re.Match[str], british: bool) -> str:
    feet, inches = found.groups()
    one = "foot" if feet == "1" else "feet"
    return f"{cardinal(int(feet))} {one} {spoken_number(inches)} {'inch' if inches == '1' else 'inches'}"


def _inches(found: re.Match[str], british: bool) -> str | None:
    """Read `27"`, unless the mark closes what another opened."""
    if before(found, 200).count('"') % 2:
        return None
    one = found.group(1) == "1" or _THING.match(found.string, found.end())
    return f"{spoken_number(found.group(1), british)} {'inch' if one else 'inches'}"


def _durations(found: re.Match[str], british: bool) -> str | None:
    hours, minutes, seconds = found.groups()
    named = ((hours, "hour"), (minutes, "minute"), (seconds, "second"))
    parts = [f"{cardinal(int(n), british)} {name}{'' if int(n) == 1 else 's'}" for n, name in named if n]
    return " ".join(parts) if len(parts) > 1 else None


_AMOUNT = rf"({NUMBER})(?:{DASH}(?:{_SIGNS})?({NUMBER}))?{_SCALE}"
_QUANTITIES: tuple[tuple[str, Reader], ...] = (
    (rf"({SIGN}){_CURRENCY} ?{_AMOUNT}{_PER}", _money),
    (rf"({SIGN}){_AMOUNT} ?{_CURRENCY}(?![^\W_]){_PER}", _money_behind),
    (r"(\d{1,2})' ?(\d{1,2}(?:\.\d)?)(?:\"|'')", _feet),
    (r"(\d{1,3}) ?ft\.? (\d{1,2}(?:\.\d)?) ?in\b(?:\.(?= [a-z]))?(?! [a-zA-Z])", _feet_apart),
    (r"(\d{1,4}(?:\.\d{1,3})?)\"", _inches),
    (
        r"(?:(\d{1,3}) ?h(?:rs?)? ?)?(?:(\d{1,3}) ?m(?:in)?(?![^\W\d_]) ?)?(?:(\d{1,3}) ?s(?:ec)?(?![^\W_]))?",
        _durations,
    ),
    (
        rf"({SIGN})(?:({NUMBER}){DASH})?({NUMBER})( (?:thousand|million|billion|trillion))?([ \xa0\u202f-]?){_UNIT}",
        _quantity,
    ),
    (rf"({NUMBER})(in|us){_END}", _joined),
    (rf"({NUMBER}) (in)\.(?= (?:of|wide|long|tall|deep|high|thick)\b)", _joined),
)


def quantities(british: bool) -> list[Rule]:
    """Return the rules for money and units."""
    return bound(_QUANTITIES, british)


def money_at_letter(british: bool) -> list[Rule]:
    """Return the rule for money that begins with a currency's letters: US$5, EUR 5."""
    return bound(((rf"(){_CURRENCY} ?{_AMOUNT}{_PER}", _money),), british)
