"""Numbers in Chinese words."""

from __future__ import annotations

import re

__all__ = ["MOST_DIGITS", "by_digits", "cardinal", "counted", "price", "spoken_number"]

_DIGITS = "零一二三四五六七八九"
_PLACES = ("", "十", "百", "千")

MOST_DIGITS = 9
"""Digits in a row, without commas, up to which they are one number: more are an account or a telephone. Ours."""

_MOST_GROUPED = 16
"""With commas."""

_PAIR = (
    "个只条张本位件次天年小时分钟秒点块元斤公里米千克克倍种岁周杯瓶碗家部台辆人份套双对把颗粒片名节章页句段首支"
    "层间座棵头匹根顶美欧英日港度门场项组批箱袋盒株封艘架所升吨球毫步站边平立兆遍趟顿"
)
"""What is counted with 两 rather than 二: the first characters of measure words."""

_NOT_PAIR = re.compile("年级|月|日|号|楼|班|等|级|分之|路|线")


def by_digits(digits: str, *, code: bool = False) -> str:
    """Return every digit by its name; in a telephone number or a code, 一 is 幺, which is not taken for 七."""
    said = "".join(_DIGITS[int(digit)] for digit in digits)
    return said.replace("一", "幺") if code else said


def _below_myriad(number: int) -> str:
    """Return a number below 10000 in words, without the 零 that may come before."""
    said, gap = "", False
    for place in (3, 2, 1, 0):
        digit = number // 10**place % 10
        if not digit:
            gap = bool(said)
            continue
        name = "两" if digit == 2 and place == 3 else _DIGITS[digit]
        said += ("零" if gap else "") + name + _PLACES[place]
        gap = False
    return said


def cardinal(number: int) -> str:
    """Return a number below 10^16 in words: 十二, 二百零五, 两万."""
    said = _grouped(number)
    return (said[1:] if said.startswith("一十") else said) or _DIGITS[0]


def _grouped(number: int) -> str:
    """Return a number in words, by groups of four digits: 一十二万."""
    for unit, name in ((10**8, "亿"), (10**4, "万")):
        high, low = divmod(number, unit)
        if high:
            said = ("两" if high == 2 else _grouped(high)) + name
            gap = low and low < unit // 10
            return said + ("零" if gap else "") + _grouped(low)
    return _below_myriad(number)


def spoken_number(written: str) -> str:
    """Return a number in words, as it was written: with commas, or decimals, or too long for a number."""
    whole, point, decimals = written.replace("_", "").partition(".")
    plain = whole.replace(",", "")
    if not plain:
        said = _DIGITS[0]
    elif len(plain) > (MOST_DIGITS if plain == whole else _MOST_GROUPED):
        said = by_digits(plain, code=True)
    elif plain[0] == "0" and len(plain) > 1:
        said = by_digits(plain, code=len(plain) > 2)
    else:
        said = cardinal(int(plain))
    return f"{said}点{by_digits(decimals)}" if point and decimals else said


def price(written: str, behind: str) -> str:
    """Return a sum in words, without decimals that are zero."""
    whole, point, decimals = written.partition(".")
    if len(decimals) == 2:  # fen, which nobody says where there are none
        decimals = decimals.rstrip("0")
    return counted(whole + (point and decimals and f".{decimals}"), behind)


def counted(written: str, behind: str) -> str:
    """Return a number before what it counts: 两个, yet 二月."""
    if written == "2" and behind[:1] and behind[0] in _PAIR and not _NOT_PAIR.match(behind):
        return "两"
    if written == "2" and behind[:1] and behind[0] in "万亿千":
        return "两"
    return spoken_number(written)
