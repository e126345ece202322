"""Whether a number at the end of what was said is half of one: a telephone number, a code, a year, a time."""

from __future__ import annotations

import re

from voxint.core.ears.thought import Thought
from voxint.core.ears.words import listed

__all__ = ["chinese_number", "english_number"]

TELEPHONE_DIGITS, CODE_DIGITS = 7, 4
"""From so many a telephone number, or a code, may be whole. Ours: the shortest in wide use."""

_CUE_WORDS = 12
"""Words before a number among which its kind is looked for. Ours."""

_DIGITS = listed("zero, one, two, three, four, five, six, seven, eight, nine")
_TEENS = listed("ten, eleven, twelve, thirteen, fourteen, fifteen, sixteen, seventeen, eighteen, nineteen")
_TENS = listed("twenty, thirty, forty, fifty, sixty, seventy, eighty, ninety")
_SCALES = listed("hundred, thousand, million, billion")
_HALF = listed("point, dash, hyphen, slash, double, triple, treble")
_SMALL = _DIGITS | listed("ten, eleven, twelve") | frozenset(map(str, range(1, 13)))

_LONG = listed(
    "phone, telephone, number, numbers, call, dial, cell, mobile, fax, tracking, account, card, reference, "
    "confirmation, serial"
)
_CODES = listed("code, codes, pin, zip, postcode, passcode, password, extension, digits")
_SHORT = listed("room, house, bus, gate, table, seat, platform, line, page, chapter, version")
_LEADS = listed("is, number, code, pin, at, around, by, until, till, from, to")
"""Behind them "one" is a number."""
_TIMES = listed("at, around, by, until, till, before, after, from")
_YEARS = listed("in, since, year, of, before, after, by, from, until")


def english_number(words: list[str]) -> Thought | None:
    """Return what the number says that ends the words; None where there is none, or it says nothing.

    Args:
        words: As `spoken_words` gives them, figures without points within.
    """
    at = len(words)
    while at and _is_number(words[at - 1], inside=at < len(words) or (at > 1 and _is_number(words[at - 2]))):
        at -= 1
    run, before = words[at:], words[max(0, at - _CUE_WORDS) : at]
    if not run:
        return None
    if run[-1] in _HALF:
        # Without a number before it, "point" and "dash" are words like others.
        return Thought.HALF if len(run) > 1 or run[-1] in ("double", "triple", "treble") else None
    if run == ["one"] and not (before and before[-1] in _LEADS):
        return None  # "the other one"
    digits, cues = _digits(run), set(before)
    if cues & _CODES:
        return _counted(digits, CODE_DIGITS, 6)
    if cues & _LONG and not cues & _SHORT:
        return _counted(digits, TELEPHONE_DIGITS, 10)
    if len(run) == 1:
        return _single(run[0], before)
    single = all(word in _DIGITS or word == "oh" or word.isdecimal() for word in run)
    if single:
        return _counted(digits, TELEPHONE_DIGITS, 10)
    if run[-1] in _SCALES or (run[-1] in _TENS and run[0] not in _SMALL):  # "ten thirty" is a time
        return Thought.OPEN
    return None


def _is_number(word: str, *, inside: bool = False) -> bool:
    if word in _DIGITS or word in _TEENS or word in _TENS or word in _SCALES or word.isdecimal():
        return True
    return (inside and (word == "oh" or word in _HALF)) or word in ("double", "triple", "treble")


def _digits(run: list[str]) -> int:
    count, before = 0, ""
    for word in run:
        if word.isdecimal():
            count += len(word)
        elif word in _TENS or word in _TEENS or word in _SCALES:
            count += 2
        elif word not in _HALF and not (before in _TENS and word != "zero"):  # "twenty five" has two
            count += {"double": 2, "triple": 3, "treble": 3}.get(before, 1)
        before = word
    return count


def _single(word: str, before: list[str]) -> Thought | None:
    last = before[-1] if before else ""
    if last in _YEARS and (word in _TENS or word in _TEENS - _SMALL):
        return Thought.HALF  # "in nineteen", "the year twenty"
    if last == "year" and len(word) < 4:
        return Thought.HALF
    if last in _TIMES and word in _SMALL:
        return Thought.HALF  # "at ten": thirty may follow
    return Thought.OPEN if word in _TENS | _SCALES else None


def _counted(digits: int, open_from: int, whole_from: int) -> Thought:
    if digits < open_from:
        return Thought.HALF
    return Thought.OPEN if digits < whole_from else Thought.WHOLE


_WIDE_DIGIT = "零〇一二三四五六七八九幺0-9"
_WIDE_RUN = re.compile(f"[{_WIDE_DIGIT}十百千万亿萬億两兩点點]+$")
_WIDE_PLAIN = re.compile(f"[{_WIDE_DIGIT}]+")
_WIDE_LONG = re.compile(
    "电话|電話|号码|號碼|手机|手機|卡号|卡號|账号|帐号|賬號|身份证|身份證|订单|訂單|编号|編號|快递|拨打|撥打"
)
_WIDE_CODES = re.compile("密码|密碼|验证码|驗證碼|邮编|郵編|代码|代碼|区号|尾号")
_WIDE_WORDS = re.compile(
    "(?:[万萬]一|(?:唯|统|統|之|周|週|星期|礼拜|禮拜|初|不|同|专|專|单|單)[一二三四五六]|[半几幾][点點])$"
)
"""Words that end like a number."""
_WIDE_TIMES = re.compile("[午上晨夜在到是]$")
_WIDE_LOOK_BACK = 24
"""Characters before a number in which its kind is looked for. Ours."""


def chinese_number(said: str, sentence: str) -> Thought | None:
    """Return what the number says that ends a text; None where there is none, or it says nothing.

    A number needs its unit or its measure word in Chinese, so one that ends a text seldom ends a thought.

    Args:
        said: All of it, without marks.
        sentence: Its last sentence, likewise; where that is the number alone, it may be an answer.
    """
    found = _WIDE_RUN.search(said[-64:])
    if found is None or _WIDE_WORDS.search(said):
        return None
    run = found[0]
    before = said[: len(said) - len(run)][-_WIDE_LOOK_BACK:]
    if run in ("一点", "一點") and before and not _WIDE_TIMES.search(before):  # a little
        return None
    if run[-1] in "点點":  # of a clock, or of a fraction
        return (Thought.OPEN if len(run) > 1 else None) if len(run) < 4 else Thought.HALF
    if _WIDE_CODES.search(before):
        return _counted(len(run), CODE_DIGITS, 6)
    if _WIDE_LONG.search(before):
        return _counted(len(run), TELEPHONE_DIGITS, 11)
    if run == sentence:
        long = len(run) > 1 and _WIDE_PLAIN.fullmatch(run)
        return _counted(len(run), TELEPHONE_DIGITS, 11) if long else Thought.OPEN
    if before.endswith("第"):
        return Thought.OPEN
    return _counted(len(run), TELEPHONE_DIGITS, 11) if _WIDE_PLAIN.fullmatch(run) else Thought.HALF
