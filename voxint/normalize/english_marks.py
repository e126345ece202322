"""Signs in English."""

from __future__ import annotations

import re
import unicodedata

from voxint.normalize.english_numbers import by_pairs, cardinal, ordinal, plural
from voxint.normalize.scan import Rule, before, rules

__all__ = ["GREEK", "SIGNS", "letter_name", "marks", "numeral"]

SIGNS = {
    **{"&": "and", "+": "plus", "=": "equals", "@": "at", "%": "percent", "‰": "per mille", "°": "degrees"},
    **{"$": "dollars", "€": "euros", "£": "pounds", "¥": "yen", "©": "copyright", "®": "", "™": "", "§": "section"},
    **{"×": "times", "÷": "divided by", "±": "plus or minus", "√": "square root of", "∞": "infinity", "≈": "about"},
    **{"<": "less than", ">": "greater than", "≤": "less than or equal to", "≥": "greater than or equal to"},
    **{"≠": "not equal to", "→": "to", "⇒": "to", "∑": "sum of", "∫": "integral of", "∂": "partial", "∈": "in"},
    **{"№": "number", "℃": "degrees Celsius", "℉": "degrees Fahrenheit"},
    **dict.fromkeys("#*_|\\^~`-/{}•·¶†‡", ""),
}
"""What is said for a sign alone; what is in no text that people read aloud is silent."""

_GREEK_NAMES = [
    "alpha",
    "beta",
    "gamma",
    "delta",
    "epsilon",
    "zeta",
    "eta",
    "theta",
    "iota",
    "kappa",
    "lambda",
    "mu",
    "nu",
    "xi",
    "omicron",
    "pi",
    "rho",
    "sigma",
    "sigma",
    "tau",
    "upsilon",
    "phi",
    "chi",
    "psi",
    "omega",
]
GREEK = {chr(0x3B1 + at): name for at, name in enumerate(_GREEK_NAMES)}
"""The names of Greek letters, which stand alone in formulas."""
GREEK |= {"Δ": "delta", "Σ": "sigma", "Ω": "omega", "Φ": "phi", "Γ": "gamma", "Θ": "theta", "Λ": "lambda", "µ": "mu"}

_OPERATORS = {
    **{
        "->": "to",
        "=>": "to",
        "-->": "to",
        "==>": "to",
        "<=": "less than or equal to",
        ">=": "greater than or equal to",
    },
    **{"==": "equals", "===": "equals", "!=": "not equal to", "+/-": "plus or minus", "&&": "and", "||": "or"},
}


_PRESSED = re.compile(
    r"(?i:\b(?:press|hit|push|tap|dial|enter)(?: the)? |\b(?:press|hit|push|tap|dial)\b[^.!?]{1,30} or )[\"'“]?$"
)
_KEY = re.compile(r"[\"'”]? (?:key|sign|button|symbol)\b")


def letter_name(letter: str) -> str:
    """Return how a letter is written so that it is read by its name: an A alone would be the article."""
    return "ay" if letter in "aA" else letter.upper()


def numeral(written: str, after_number: bool) -> str:
    """Return what is said for numerals that are one character each: ½, ①, Ⅷ, ⁶."""
    name = unicodedata.name(written[0], "")
    digits = "".join(str(unicodedata.digit(char, "")) for char in written)
    if name.startswith("SUPERSCRIPT") and digits:
        return {"2": "squared", "3": "cubed"}.get(digits) or f"to the power of {by_pairs(digits)}"
    if name.startswith("SUBSCRIPT") and digits:
        return by_pairs(digits)
    said = [words for char in written if (words := _one(char))]
    return ("and " if after_number and "FRACTION" in name else "") + " ".join(said)


def _one(char: str) -> str:
    value = unicodedata.numeric(char, None)
    if value is None or not 0 <= value < 1e15:
        return ""
    if value == int(value):
        return cardinal(int(value))
    for under in range(2, 11):
        over = round(value * under)
        if abs(over / under - value) < 1e-6:
            part = {2: "half", 4: "quarter"}.get(under) or ordinal(under)
            return f"{cardinal(over)} {part if over == 1 else plural(part)}"
    return ""


def _operator(found: re.Match[str]) -> str:
    return _OPERATORS[found.group()]


def _exponent(found: re.Match[str]) -> str:
    sign, digits = found.groups()
    power = {"2": "squared", "3": "cubed"}.get(sign + digits)
    return power or f"to the power of {'minus ' if sign else ''}{by_pairs(digits)}"


def _key(found: re.Match[str], british: bool) -> str | None:
    """Name a key of a telephone where it is to be pressed."""
    if not (_PRESSED.search(before(found, 48)) or _KEY.match(found.string, found.end())):
        return None
    return "star" if found.group() == "*" else "hash" if british else "pound"


def marks(british: bool) -> list[Rule]:
    """Return the rules for signs that are more than one character, or depend on what stands beside them."""
    operators = "|".join(re.escape(sign) for sign in sorted(_OPERATORS, key=len, reverse=True))
    return rules(
        (
            (rf"(?:{operators})(?![-=<>&|+])", _operator),
            (r"[:;]-?[()DPp](?![^\W_])|<3(?!\d)", lambda found: ""),
            (r"(?<!\S)[-–/](?=\s)|-{2,3}(?=[\s\w])", lambda found: "—"),
            (r"(?<=m\.)[-–](?=\w)", lambda found: "to"),
            (r"(?<=[\w%°])[-–—~](?=[$€£¥₹-]?\d)", lambda found: "to"),
            (r"\^(-?)(\d{1,3})(?!\w|\.\d)", _exponent),
            (r"#(?=[^\W\d_])", lambda found: "hashtag"),
            (r"[#*](?![\w#*])", lambda found: _key(found, british)),
        )
    )
