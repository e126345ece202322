"""Abbreviations, Roman numerals, and words that are not said as they are spelled, in English."""

from __future__ import annotations

import re

from voxint.normalize.english_marks import GREEK, letter_name
from voxint.normalize.english_numbers import cardinal, ordinal
from voxint.normalize.scan import Rule, before, rules

__all__ = ["MISREAD", "WORDS", "word_rules"]

_ALWAYS = {
    **{"Prof": "Professor", "Mr": "Mister", "Mrs": "Missus", "Ms": "Miz", "Messrs": "Messieurs", "Mt": "Mount"},
    **{"Jr": "Junior", "Sr": "Senior", "Inc": "Incorporated", "Ltd": "Limited", "Corp": "Corporation", "Co": "Company"},
    **{
        "Ave": "Avenue",
        "Blvd": "Boulevard",
        "Rd": "Road",
        "Hwy": "Highway",
        "Pkwy": "Parkway",
        "Ln": "Lane",
        "Dept": "Department",
        "Ft": "Fort",
    },
    **{
        "vs": "versus",
        "approx": "approximately",
        "Approx": "Approximately",
        "etc": "et cetera",
        "cf": "compare",
        "al": "al",
        "est": "established",
    },
    **{"max": "maximum", "min": "minimum", "avg": "average", "incl": "including", "excl": "excluding", "misc": "misk"},
    **{"dept": "department", "govt": "government", "intl": "international", "tel": "telephone", "Tel": "Telephone"},
}
"""Abbreviations with a dot behind them."""

_TITLES = {
    **{"Gen": "General", "Sen": "Senator", "Rep": "Representative", "Gov": "Governor", "Rev": "Reverend"},
    **{
        "Capt": "Captain",
        "Lt": "Lieutenant",
        "Col": "Colonel",
        "Sgt": "Sergeant",
        "Hon": "Honorable",
        "Adm": "Admiral",
    },
    **{"Pres": "President", "Maj": "Major", "Cmdr": "Commander"},
}
"""Those that are titles before a name alone."""

_NUMBERED = {
    **{
        "No": "number",
        "no": "number",
        "c": "circa",
        "Nos": "numbers",
        "Nr": "number",
        "Fig": "figure",
        "Figs": "figures",
        "p": "page",
    },
    **{"fig": "figure", "pp": "pages", "Vol": "volume", "vol": "volume", "Ch": "chapter", "ch": "chapter"},
    **{"Sec": "section", "sec": "section", "Eq": "equation", "eq": "equation", "Art": "article", "Apt": "apartment"},
    **{"Rm": "room", "Ext": "extension", "ext": "extension", "Ver": "version", "ver": "version", "Ref": "reference"},
}
"""Those that name what is numbered."""

MISREAD = {
    **{"vs": "versus", "etc": "et cetera", "Mr": "Mister", "Mrs": "Missus", "Ms": "Miz", "Dr": "Doctor"},
    **{"PhD": "Ph.D.", "PhDs": "Ph.D.s", "JSON": "Jason", "IEEE": "I triple E", "README": "read me", "TODO": "to do"},
    **{
        "nginx": "engine X",
        "PNG": "P.N.G.",
        "YAML": "yammel",
        "OAuth": "O auth",
        "PostgreSQL": "Postgres Q L",
        "LaTeX": "lay tech",
    },
    **{"café": "cafe", "cafés": "cafes", "naïve": "naive", "résumé": "rezumay", "jalapeño": "jalapeno"},
    **{"www": "W W W", "utf": "UTF", "https": "HTTPS", "http": "HTTP", "html": "HTML", "css": "CSS", "sql": "SQL"},
    **{
        "tsp": "teaspoon",
        "tbsp": "tablespoon",
        "km": "kilometers",
        "kg": "kilograms",
        "lbs": "pounds",
        "mph": "miles per hour",
    },
}
"""Words that voices misread as they are spelled; each was tried."""

_REGNAL = [
    "Henry",
    "Louis",
    "Elizabeth",
    "Charles",
    "George",
    "Edward",
    "James",
    "William",
    "Richard",
    "Philip",
    "Pius",
    "Benedict",
    "Paul",
    "Leo",
    "Napoleon",
    "Alexander",
    "Catherine",
    "Nicholas",
    "Francis",
    "Frederick",
    "Ramses",
    "Peter",
    "Ivan",
    "Gregory",
    "Clement",
    "Innocent",
    "Urban",
    "Mary",
    "Wilhelm",
    "Friedrich",
    "Felipe",
    "Carlos",
    "Ferdinand",
    "Gustav",
    "Christian",
    "Haakon",
    "Olav",
    "Ptolemy",
    "Edward",
    "Albert",
    "Leopold",
    "Juan",
    "Alfonso",
    "Ludwig",
    "Xerxes",
    "Darius",
]
_ROMAN_AFTER = [
    "Chapter",
    "Part",
    "Volume",
    "Act",
    "Scene",
    "Section",
    "Book",
    "Article",
    "Appendix",
    "Level",
    "Phase",
    "Type",
    "Class",
    "Season",
    "Episode",
    "Stage",
    "War",
    "Bowl",
    "Title",
    "Figure",
    "Table",
    "Tier",
    "Grade",
    "Division",
    "Category",
    "Unit",
    "Module",
    "Lesson",
    "Rocky",
    "Fantasy",
]
_ROMAN = r"M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})(?![^\W_]|')"
_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
_VERB_AFTER = re.compile(r" (?:of|is|was|and|to|in|ruled|reigned|became|died)\b|[,.;:!?)]|\s*$")

_ROADS = ("Ave", "Blvd", "Rd", "Hwy", "Pkwy", "Ln")
_ROAD_NAMED = re.compile(r"(?:[A-Z][a-z]+|\d(?:st|nd|rd|th)) $")
_MANY = re.compile(r"(?:[1-9]\d? \d/\d|[1-9]\d? ?[¼½¾⅓⅔⅛]) $")

_ENDS = re.compile(r"""["')\]]*\s*(?:$|(?=[A-Z]))""")
_CAPITAL = re.compile(r" [A-Z]")
_NAMED = re.compile(r"[A-Z][a-z]+ $")

WORDS = frozenset((*_ALWAYS, *_TITLES, *_NUMBERED, *MISREAD, *_REGNAL, *_ROMAN_AFTER, *GREEK, *_ROADS, "St", "Dr", "w"))
"""Words that begin one of the rules here."""


def roman(written: str) -> int:
    """Return the value of a Roman numeral."""
    values = [_VALUES[char] for char in written]
    following = [*values[1:], 0]
    return sum(-value if value < after else value for value, after in zip(values, following, strict=True))


def _dot(found: re.Match[str]) -> str:
    """Return the dot of an abbreviation where it ends the sentence, too."""
    return "." if found.group().endswith(".") and _ENDS.match(found.string, found.end()) else ""


def _abbreviation(found: re.Match[str]) -> str | None:
    words = _ALWAYS.get(found.group(1))
    if words is None:
        return None
    at_end = not _CAPITAL.match(found.string, found.end()) or found.group(1) in ("etc", "al")
    return words + (_dot(found) if at_end else "")


def _title(found: re.Match[str]) -> str | None:
    return _TITLES.get(found.group(1))


def _numbered(found: re.Match[str]) -> str | None:
    words = _NUMBERED.get(found.group(1))
    return f"{words} " if words else None


def _doctor(found: re.Match[str]) -> str:
    """Say Drive behind a street's name, Doctor elsewhere."""
    drive = _NAMED.search(before(found)) and not _CAPITAL.match(found.string, found.end())
    return "Drive" + _dot(found) if drive else "Doctor"


def _saint(found: re.Match[str]) -> str | None:
    if _CAPITAL.match(found.string, found.end()):
        return "Saint"
    named = _NAMED.search(before(found))
    return "Street" + _dot(found) if named or found.group().endswith(".") else None


def _road(found: re.Match[str]) -> str | None:
    return _ALWAYS[found.group(1)] if _ROAD_NAMED.search(before(found)) else None


def _spoons(found: re.Match[str]) -> str:
    """Return what a recipe measures, behind a fraction; whole numbers are read with their unit."""
    name = {"tsp": "teaspoon", "tbsp": "tablespoon"}[found.group(1)]
    return name + ("s" if _MANY.search(before(found)) else "")


def _plain(found: re.Match[str]) -> str | None:
    return MISREAD.get(found.group(1))


def _regnal(found: re.Match[str]) -> str | None:
    name, numeral = found.groups()
    if not numeral or (numeral == "I" and not _VERB_AFTER.match(found.string, found.end())):
        return None
    return f"{name} the {ordinal(roman(numeral))}"


def _chapter(found: re.Match[str]) -> str | None:
    name, numeral = found.groups()
    if not numeral or (numeral == "I" and not _VERB_AFTER.match(found.string, found.end())):
        return None
    return f"{name} {cardinal(roman(numeral))}"


def _ampersand(found: re.Match[str]) -> str:
    first, second = (" ".join(map(letter_name, group)) for group in found.groups())
    return f"{first} and {second}"


def _sign_name(found: re.Match[str]) -> str:
    letter, sign = found.groups()
    return f"{letter_name(letter)} {'sharp' if sign == '#' else 'plus plus'}"


def word_rules() -> list[Rule]:
    """Return the rules for abbreviations, numerals and names, in their order."""
    return rules(
        (
            (rf"({'|'.join(_REGNAL)}) ({_ROMAN})", _regnal),
            (rf"({'|'.join(_ROMAN_AFTER)}) ({_ROMAN})", _chapter),
            (r"([A-Za-z])(#|\+\+)(?![^\W\d_])", _sign_name),
            (r"([A-Z]{1,3})&([A-Z]{1,3})(?![^\W_])", _ampersand),
            (r"(?i:e\.g\b\.?)", lambda found: "for example"),
            (r"(?i:i\.e\b\.?)", lambda found: "that is"),
            (r"([\u0370-\u03ffµ])(?![\u0370-\u03ff])", lambda found: GREEK.get(found.group(1))),
            (r"w/o(?![^\W_])", lambda found: "without"),
            (r"w/(?= ?[a-zA-Z])", lambda found: "with"),
            (r"Dr(?:\.|(?= [A-Z]))", _doctor),
            (r"St(?:\.(?!\w)|(?= [A-Z])|(?=\s*$|,))", _saint),
            (rf"({'|'.join(_ROADS)})(?=[\s,]|$)", _road),
            (r"(tsp|tbsp)(?:\.(?= [a-z]))?(?![^\W_])", _spoons),
            (r"([A-Z][a-z]{1,4})\.(?= [A-Z])", _title),
            (r"([A-Za-z]{1,4})\. ?(?=\d)", _numbered),
            (r"([A-Za-z]{2,6})\.(?![^\W_])", _abbreviation),
            (r"([^\W\d_]{1,10})(?![^\W_]|[.-]\w)", _plain),
        )
    )
