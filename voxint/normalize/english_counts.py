"""Numbers as they are written in English: ordinals, fractions, ranges, versions, telephones."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from voxint.normalize.english_numbers import (
    by_digits,
    by_pairs,
    cardinal,
    ordinal,
    plural,
    spoken_number,
    year,
)
from voxint.normalize.scan import Rule, Say, before, rules

__all__ = ["DASH", "NUMBER", "SIGN", "STREET", "Reader", "bound", "counts", "names_of_numbers", "signed", "versions"]

NUMBER = r"(?:\d{1,3}(?:,\d{3}){1,12}(?!\d)|\d{1,2}(?:,\d\d){1,6},\d{3}(?!\d)|\d++(?:_\d{3}){0,8})(?:\.\d++)?|\.\d++"
"""A number as it is written; some of India's commas, and the underscores of programs, too."""

SIGN = r"(?:(?<![\w)\]%°])[-–+±])?"
DASH = r" ?[-–—~] ?"
"""Between the two ends of a range."""

_SIGNS = {"-": "minus ", "–": "minus ", "+": "plus ", "±": "plus or minus ", "": ""}
_YEARS_BEFORE = re.compile(
    r"(?i:\b(?:in|since|until|till|from|by|of|to|during|before|after|around|circa|early|late|mid|year|and|between|"
    r"january|february|march|april|may|june|july|august|september|october|november|december|"
    r"spring|summer|autumn|fall|winter|©|copyright|c\.),? ?)$"
)
_COUNTED = re.compile(
    r"[ -](?!(?:was|is|has|as|means|works|expires|opens|starts|ends|"
    r"this|its|his|us|alas|across|always|perhaps|series)\b)[a-z]{2,}s\b|"
    r" (?:people|men|women|children|feet|of)\b"
)
_VERSIONED = re.compile(
    r"(?i:\b(?:versions?|v|python|java|node(?:\.js)?|django|ruby|rails|php|go|rust|kernel|linux|ubuntu|debian|fedora|"
    r"android|ios|ipados|macos|windows|chrome|firefox|safari|postgres(?:ql)?|mysql|sqlite|redis|cuda|pytorch|llama|"
    r"release) )$"
)
_NAMED = re.compile(
    r"\b(?:Boeing|Airbus|Route|Highway|Interstate|Room|Flight|Area|RTX|GTX|Ryzen|Porsche|Peugeot|Xbox|Form|[Ee]rror|"
    r"P\.?O\.? Box|[A-Z]{2,5}|D\.C\.) $"
)
"""Names whose numbers are said in pairs of digits."""

STREET = (
    r"(?:[A-Z][a-z]{1,20}|\d{1,3}(?:st|nd|rd|th)) "
    r"(?:St|Ave|Rd|Blvd|Dr|Ln|Street|Avenue|Road|Boulevard|Drive|Lane|Way|Court|Place)\b"
)
"""The name of a street, as a pattern."""

_HOUSE = re.compile(rf" (?:[NSEW]\.? )?{STREET}")
"""What stands behind the number of a house."""

_CODE = re.compile(
    r"(?i:\b(?:code|pin|passcode|password|otp|zip|postcode|(?:account|card|confirmation|reference|tracking|serial|policy|"
    r"member|customer|order|id|phone|code|pin) number)(?: code)?(?: is| was| of)?:? "
    r"|\b(?:card|account|number)(?: that is| which is|,)? (?:ending|ends) (?:in|with) )$"
)
"""What is said digit by digit, since it is typed so or compared."""

_CODE_BEHIND = 48
"""Characters in which the word for a code is looked for; ours."""

_TENS_OF = re.compile(r"(?i:\b(?:the|his|her|their|my|your|our|early|late|mid|in)[ -]'?)$")
_MORE = re.compile(r" (?:[a-z]{2,12}er|more|less|as|the)\b")
"""What is so many times as much as something else."""

_CALLED = re.compile(r"(?i:\b(?:call|dial|phone|text|ring) )$")
_FEWEST_DIGITS = 7
"""Of a telephone number."""

_DENOMINATORS = frozenset((*range(2, 13), 16, 20, 24, 32, 50, 64, 100, 1000))
_FRACTIONS = {(24, 7): "twenty-four seven", (9, 11): "nine eleven", (50, 50): "fifty fifty"}


Reader = Callable[[re.Match[str], bool], str | None]
"""What is said for a match, in British English or not."""


def bound(table: Sequence[tuple[str, Reader]], british: bool) -> list[Rule]:
    """Return the rules of a table for one of the two Englishes."""

    def reader(say: Reader) -> Say:
        return lambda found: say(found, british)

    return rules([(pattern, reader(say)) for pattern, say in table])


def signed(sign: str, words: str) -> str:
    """Return a number in words, behind its sign."""
    return _SIGNS[sign] + words


def is_year(digits: str, found: re.Match[str]) -> bool:
    """Return whether four digits are a year rather than a count, as far as what stands around them tells."""
    if len(digits) != 4 or not digits.isdecimal() or not "1000" <= digits <= "2099":
        return False
    counted = is_counted(found)
    if _YEARS_BEFORE.search(before(found)):
        return not counted or digits >= "1500"
    return digits[2:] != "00" and digits >= "1500" and not counted


def is_counted(found: re.Match[str]) -> bool:
    """Return whether what stands behind a number is what it counts."""
    return bool(_COUNTED.match(found.string, found.end()))


def in_words(digits: str, found: re.Match[str], british: bool) -> str:
    """Return a number in words, a year as a year."""
    return year(digits, british) if is_year(digits, found) else spoken_number(digits, british)


def _number(found: re.Match[str], british: bool) -> str | None:
    sign, written = found.group(1) or "", found.group(2)
    if not sign and _is_code(written, found):
        return by_digits(written)
    named = _NAMED.search(before(found)) or _HOUSE.match(found.string, found.end())
    if not sign and written.isdigit() and len(written) > 2 and named:
        return by_pairs(written)
    if not sign and written == "911" and not is_counted(found):
        return by_digits(written)
    if "." in written and not sign and _VERSIONED.search(before(found)):
        return _version_words(written, british)
    return signed(sign, in_words(written, found, british) if not sign else spoken_number(written, british))


def _is_code(written: str, found: re.Match[str]) -> bool:
    if not written.isdecimal() or len(written) < 3 or is_counted(found):
        return False
    called = re.fullmatch(r"[29]11|999|411", written) and _CALLED.search(before(found))
    return bool(called or _CODE.search(before(found, _CODE_BEHIND)))


def _version_words(written: str, british: bool) -> str:
    parts = [part for part in written.split(".") if part]
    return " point ".join(f"oh {cardinal(int(p[1]))}" if re.fullmatch("0[1-9]", p) else by_pairs(p) for p in parts)


def _version(found: re.Match[str], british: bool) -> str:
    named = bool(found.group(1)) and not re.search(r"(?i:version )$", before(found))
    return ("version " if named else "") + _version_words(found.group(2), british)


def _address(found: re.Match[str], british: bool) -> str | None:
    parts = found.group(1).split(".")
    if any(int(part) > 255 for part in parts):
        return None
    said = " dot ".join(by_digits(part) for part in parts)
    return said + (f" port {spoken_number(found.group(2))}" if found.group(2) else "")


def _ordinal(found: re.Match[str], british: bool) -> str | None:
    plain = found.group(1).replace(",", "")
    return ordinal(int(plain), british) if len(plain) < 16 else None


def _fraction(found: re.Match[str], british: bool) -> str | None:
    whole, over, under = found.group(1), int(found.group(2)), int(found.group(3))
    if not whole and (over, under) in _FRACTIONS:
        return _FRACTIONS[over, under]
    if under in (10, 100) and not whole:
        return f"{cardinal(over, british)} out of {cardinal(under)}"
    if under == 0 or under not in _DENOMINATORS or over >= 100:
        said = f"{cardinal(over, british)} over {cardinal(under, british)}"
    else:
        part = {2: "half", 4: "quarter"}.get(under) or ordinal(under, british)
        many = {2: "halves"}.get(under) or plural(part)
        said = f"{cardinal(over, british)} {part if over == 1 else many}"
        if whole and over == 1:
            said = ("an " if part[0] in "aeiou" else "a ") + part
    return f"{spoken_number(whole.strip(), british)} and {said}" if whole else said


def _out_of(found: re.Match[str], british: bool) -> str:
    return f"{spoken_number(found.group(1))} out of {spoken_number(found.group(2))}"


def _range(found: re.Match[str], british: bool) -> str:
    low, dash, high = found.group(1), found.group(2), found.group(3)
    if low == high == "50":
        return "fifty fifty"
    if dash == " - " or (dash == "-" and re.match(r"\s?=", found.string[found.end() : found.end() + 2])):
        return f"{spoken_number(low, british)} minus {spoken_number(high, british)}"
    years = is_year(low, found) and high.isdigit() and len(high) in (2, 4) and (len(high) == 2 or high > low)
    if not years:
        return f"{spoken_number(low, british)} to {spoken_number(high, british)}"
    return f"{year(low, british)} to {year(high, british) if len(high) == 4 else by_pairs(high)}"


def _decade(found: re.Match[str], british: bool) -> str | None:
    digits = found.group(1)
    if len(digits) == 2:
        named = found.group()[0] == "'" or _TENS_OF.search(before(found))
        return plural(cardinal(int(digits))) if named else None
    return plural(year(digits, british))


def _telephone(found: re.Match[str], british: bool) -> str | None:
    zero = "oh" if british else "zero"
    groups = re.findall(r"\d+", found.group())
    if sum(map(len, groups)) < _FEWEST_DIGITS:
        return None
    said = ", ".join(by_digits(group, zero) for group in groups)
    return f"plus {said}" if found.group().startswith("+") else said


def _by_one(found: re.Match[str], british: bool) -> str:
    return by_digits(found.group().replace("-", ""))


def _free_number(found: re.Match[str], british: bool) -> str:
    """Read the digits of a telephone number that goes on in letters: 1-800-FLOWERS."""
    return f"one, {by_pairs(found.group(1))}, "


def _pension(found: re.Match[str], british: bool) -> str:
    return f"{by_pairs(found.group(1))} {found.group(2).upper()}"


def _zip(found: re.Match[str], british: bool) -> str | None:
    return _telephone(found, british) if _CODE.search(before(found, _CODE_BEHIND)) else None


def _power(found: re.Match[str], british: bool) -> str:
    mantissa, sign, exponent = found.groups()
    return f"{spoken_number(mantissa, british)} times ten to the {signed(sign or '', spoken_number(exponent, british))}"


def _exponent(found: re.Match[str], british: bool) -> str:
    base, sign, exponent = found.groups()
    power = {"2": "squared", "3": "cubed"}.get(sign + exponent)
    power = power or f"to the power of {signed(sign, spoken_number(exponent, british))}"
    return f"{spoken_number(base, british)} {power}"


def _short_year(found: re.Match[str], british: bool) -> str:
    return by_pairs(found.group(1))


def _sizes(found: re.Match[str], british: bool) -> str:
    numbers = re.split(r"\s*[x×*]\s*", found.group())
    joint = " times " if "*" in found.group() or " " in found.group() else " by "
    return joint.join(by_pairs(n) if len(n) in (3, 4) and n.isdigit() else spoken_number(n, british) for n in numbers)


def _numbered(found: re.Match[str], british: bool) -> str:
    written = found.group(1)
    key = len(written) > 3 and written.isdigit()
    return f"number {by_pairs(written) if key else spoken_number(written, british)}"


def _about(found: re.Match[str], british: bool) -> str:
    return "about"


def _times(found: re.Match[str], british: bool) -> str:
    word = "times" if _MORE.match(found.string, found.end()) else "x"
    return f"{spoken_number(found.group(1), british)} {word}"


def _compound(found: re.Match[str], british: bool) -> str:
    return f"{by_pairs(found.group(1)) if len(found.group(1)) == 4 else spoken_number(found.group(1), british)} "


_N = f"({NUMBER})"
_COUNTS: tuple[tuple[str, Reader], ...] = (
    (r"(\d{1,3}(?:\.\d{1,3}){3})(?::(\d{1,5}))?(?![\d.]*\d)", _address),
    (r"(?:1\.)?\d{3}\.\d{3}\.\d{4}(?![\d.]*\d)", _telephone),
    (r"([vV]?)(\d{1,9}(?:\.\d{1,9}){2,20})(?!\d)", _version),
    (r"\+\d{1,3}(?:[ .-]?\(?\d{1,12}\)?){1,6}(?!\d)", _telephone),
    (r"(?:1[-. ])?(?:\(\d{3}\) ?|\d{3}[-. ])\d{3}[-. ]\d{4}(?!\d)", _telephone),
    (r"\d{4}(?: \d{4}){2,4}(?: ?\d)?(?![\d-])", _telephone),
    (r"\d(?:-\d){2,5}(?![\w-])", _by_one),
    (r"1-(8\d\d|900)-(?=[A-Z]{3})", _free_number),
    (r"(40[13])\(?([kKb])\)?(?![^\W_])", _pension),
    (r"\d{5}-\d{4}(?![\d-])", _zip),
    (r"\d{3}-\d{4}(?![\d-])|\d{2,6}(?:-\d{2,12}){2,9}(?!\d)|0\d{2,4} \d{3,4} ?\d{3,4}(?!\d)", _telephone),
    (r"(\d{1,4}\.\d{1,3})/(\d{1,4})(?![\d/])", _out_of),
    (r"(\d{1,3} )?(\d{1,4})/(\d{1,4})(?!\d|/\d|\.\d)", _fraction),
    (r"(\d{1,3}(?:,\d{3}){1,4}|\d{1,15})(?:st|nd|rd|th|ST|ND|RD|TH)(?![^\W_])", _ordinal),
    (r"(\d{1,9}(?:\.\d{1,12})?)[eE]([-+]?)(\d{1,3})(?!\w|\.\d)", _power),
    (r"\d{1,6}(?:\.\d{1,4})?(?: ?[x×] ?| ?\* ?)\d{1,6}(?:\.\d{1,4})?(?:[x×]\d{1,6})?(?![\w])", _sizes),
    (r"(\d{1,9}(?:\.\d{1,6})?)\^(-?)(\d{1,3})(?!\w|\.\d)", _exponent),
    (r"'(\d\d)(?![\w'])", _short_year),
    (r"(\d{1,6}(?:\.\d{1,3})?)[x×](?![^\W_])", _times),
    (rf"#{_N}(?![^\W_])", _numbered),
    (rf"({NUMBER})({DASH})((?:{NUMBER}))(?![\d]|[-–:/]\d)", _range),
    (r"[~≈] ?(?=[\d$€£¥.])", _about),
    (r"(\d{1,6}(?:\.\d{1,3})?)-(?=[A-Za-z]{2})", _compound),
    (rf"({SIGN})({NUMBER})", _number),
)


def names_of_numbers(british: bool) -> list[Rule]:
    """Return the rules that go before units: 1990s is no duration."""
    return bound(((r"'?((?:1[1-9]|20)\d0|[2-9]0)'?s(?![^\W_])", _decade),), british)


def versions(british: bool) -> list[Rule]:
    """Return the rule for versions that begin with a v."""
    return bound(((r"([vV])(\d{1,9}(?:\.\d{1,9}){1,20})(?!\d)", _version),), british)


def counts(british: bool) -> list[Rule]:
    """Return the rules for numbers, in their order; the last takes any."""
    return bound(_COUNTS, british)
